"""What the networks would charge. Prices are data with a date (data/rates.yaml); what is not known is not guessed."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

from post_purchase.words import ChannelKind, Mode, Purpose
from shopapp.lib import data_file

RATES = Path(__file__).parent / "data" / "rates.yaml"
SERVICE = "answer inside 24 hours"


@cache
def rates() -> dict[str, Any]:
    return dict(data_file.read(RATES))


@cache
def _row(kind: str, country: str) -> dict[str, Any] | None:
    return next((row for row in rates()[kind].get("rows", ()) if country in row["countries"]), None)


@dataclass(frozen=True)
class Line:
    """Messages of one kind, category and country. `price` None: not known."""

    kind: str
    category: str
    country: str
    count: int
    charged: int
    price: Decimal | None

    @property
    def amount(self) -> Decimal:
        return self.price * self.charged if self.price is not None else Decimal(0)


def category_of(kind: str, mode: str, purpose: str, template: str) -> str:
    """The network's own category. `template`: UTILITY or MARKETING, where the message has one."""
    if kind == ChannelKind.WHATSAPP:
        return template.lower() if mode == Mode.TEMPLATE and template else SERVICE
    if kind == ChannelKind.SMS:
        return "segment"
    return "offer" if purpose == Purpose.MARKETING else "message"


class Bill:
    """Counts messages, then prices them."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str, str, str], int] = defaultdict(int)  # by (kind, category, country, month)

    def add(self, *, kind: str, category: str, country: str, at: datetime) -> None:
        self.counts[kind, category, country, f"{at:%Y-%m}"] += 1

    def lines(self) -> list[Line]:
        """The free ones of a month are shared out in the order of countries: only the sum is exact."""
        free: dict[str, int] = {}
        found: dict[tuple[str, str, str], list[int]] = {}
        for (kind, category, country, month), count in sorted(self.counts.items()):
            charged = count
            if kind == ChannelKind.WHATSAPP and category == SERVICE:
                left = free.setdefault(month, int(rates()["whatsapp"]["service"]["free_each_month"]))
                charged = max(0, count - left)
                free[month] = max(0, left - count)
            totals = found.setdefault((kind, category, country), [0, 0])
            totals[0] += count
            totals[1] += charged
        return [Line(*key, count, charged, price_of(*key)) for key, (count, charged) in found.items()]

    def to_json(self) -> dict[str, Any]:
        lines = self.lines()
        return {
            "currency": rates()["currency"],
            "checked_on": rates()["checked_on"].isoformat(),
            "total": _money(sum((line.amount for line in lines), Decimal(0))),
            "unknown": sum(line.charged for line in lines if line.price is None),
            "lines": [
                {
                    "kind": line.kind,
                    "category": line.category,
                    "country": line.country,
                    "count": line.count,
                    "charged": line.charged,
                    "price": None if line.price is None else str(line.price),
                    "amount": _money(line.amount),
                }
                for line in sorted(lines, key=lambda line: (-line.amount, -line.count, line.country))
            ],
            "sources": [
                {"kind": kind, "source": rates()[kind]["source"], "from": _iso(rates()[kind]["valid_from"])}
                for kind in sorted({line.kind for line in lines})
            ],
        }


def price_of(kind: str, category: str, country: str) -> Decimal | None:
    """At the prices of today, also for messages of weeks ago: it is about what the next weeks will cost."""
    data = rates().get(kind)
    if data is None:
        return None
    if data.get("free"):
        return Decimal(0)
    row = _row(kind, country)
    name = data["service"]["as"] if category == SERVICE else category
    price = row.get(name) if row else None
    return None if price is None else Decimal(str(price))


def _money(amount: Decimal) -> str:
    return str(amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def _iso(day: date) -> str:
    return day.isoformat()
