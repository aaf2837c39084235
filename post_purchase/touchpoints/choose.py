"""Which chat app does a tap lead to? What this shopper chose before, else the merchant's order for the country.

Else the country table's, always among what is connected and opens on this device.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from shopapp.lib import data_file

DATA = Path(__file__).parent / "data"
DESKTOP = "desktop"
LAST = "email"  # opens everywhere
MOST_BUTTONS = 3  # more make nobody choose faster


@dataclass(frozen=True)
class Choice:
    """`ranked`: connected kinds, best first. `ask`: the first two are close, so the shopper is asked."""

    ranked: tuple[str, ...]
    ask: bool = False


@cache
def _countries() -> dict[str, Any]:
    data = data_file.read(DATA / "countries.yaml")
    table = {country: tuple(row["order"]) for row in data["rows"] for country in row["countries"]}
    close = {country: frozenset(row.get("close", ())) for row in data["rows"] for country in row["countries"]}
    return {"table": table, "close": close, "other": tuple(data["other"]), "not_on": data["not_on"]}


@cache
def _robot_words() -> tuple[str, ...]:
    return tuple(data_file.read(DATA / "robots.yaml")["contains"])


def country_order(country: str) -> tuple[str, ...]:
    """The country table's row, best first, ending with e-mail."""
    data = _countries()
    row: tuple[str, ...] = data["table"].get(country.upper(), data["other"])
    return row if LAST in row else (*row, LAST)


def choose(
    *,
    connected: Iterable[str],
    fixed: str = "",
    earlier: str = "",
    route: str = "",
    merchant_order: Mapping[str, Sequence[str]] | None = None,
    country: str = "",
    device: str = "",
) -> Choice:
    """`fixed`: the channel that is tapped now, or that the link is for. `earlier`: what this shopper chose before.
    `route`: where the merchant leads this touchpoint. The first of them that is connected wins, in this order;
    `earlier` only where it opens on this device. None connected: none ranked."""
    kinds = list(dict.fromkeys(connected))
    if fixed in kinds:
        return Choice(ranked=(fixed,))
    here = [kind for kind in kinds if kind not in _countries()["not_on"].get(device, ())]
    usable = here or kinds  # better a link that opens badly than none
    first = earlier if earlier in usable else route if route in kinds else ""
    if first == route and first:
        return Choice(ranked=(route,))
    wanted = merchant_order or {}
    by_merchant = wanted.get(country.upper()) or wanted.get("*") or ()
    order = tuple(by_merchant) or country_order(country)
    ranked = tuple(dict.fromkeys(kind for kind in (first, *order, *usable) if kind in usable))
    return Choice(ranked=ranked, ask=not first and not by_merchant and _are_close(ranked[:2], country, device))


def offered(ranked: Sequence[str]) -> tuple[str, ...]:
    """Those that a page shows as buttons: the best few, and e-mail among them, for who has none of the apps."""
    best = tuple(ranked[:MOST_BUTTONS])
    return best if LAST in best or LAST not in ranked else (*best[:-1], LAST)


def _are_close(two: tuple[str, ...], country: str, device: str) -> bool:
    """A big screen has room to ask about any two of the country's row; a phone is asked only where sources disagree."""
    if len(two) < 2:
        return False
    near = _countries()["close"].get(country.upper(), frozenset())
    return set(two) <= near or (device == DESKTOP and set(two) <= set(country_order(country)))


def device_of(user_agent: str) -> str:
    """ios, android, desktop, or empty where it cannot be told."""
    text = user_agent.lower()
    if "android" in text:
        return "android"
    if "iphone" in text or "ipad" in text or "ipod" in text:
        return "ios"
    if "windows nt" in text or "macintosh" in text or "x11" in text or "cros" in text:
        return DESKTOP
    return ""


def is_robot(user_agent: str) -> bool:
    """Link previews and crawlers: their taps are not a person's."""
    text = user_agent.lower()
    return not text or any(word in text for word in _robot_words())


def countries_of_table() -> set[str]:
    return set(_countries()["table"])
