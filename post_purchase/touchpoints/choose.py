"""Which chat app does a tap lead to? The merchant's order, else the country's, among what opens here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).parent / "data"
DESKTOP = "desktop"
LAST = "email"  # opens everywhere


@dataclass(frozen=True)
class Choice:
    """`ranked`: connected kinds, best first. `ask`: the first two are close, and this screen has room to ask."""

    ranked: tuple[str, ...]
    ask: bool = False


@cache
def _countries() -> dict[str, Any]:
    with (DATA / "countries.yaml").open(encoding="utf-8") as file:
        data = yaml.safe_load(file)
    table = {country: tuple(row["order"]) for row in data["rows"] for country in row["countries"]}
    return {"table": table, "other": tuple(data["other"]), "not_on": data["not_on"]}


@cache
def _robot_words() -> tuple[str, ...]:
    with (DATA / "robots.yaml").open(encoding="utf-8") as file:
        return tuple(yaml.safe_load(file)["contains"])


def country_order(country: str) -> tuple[str, ...]:
    """The country table's row, best first, ending with e-mail."""
    data = _countries()
    row: tuple[str, ...] = data["table"].get(country.upper(), data["other"])
    return row if LAST in row else (*row, LAST)


def choose(
    *,
    connected: Iterable[str],
    fixed: str = "",
    merchant_order: Mapping[str, Sequence[str]] | None = None,
    country: str = "",
    device: str = "",
) -> Choice:
    """`fixed` (the link's own channel, or the one tapped) wins where it is connected. None connected: none ranked."""
    kinds = list(dict.fromkeys(connected))
    if fixed in kinds:
        return Choice(ranked=(fixed,))
    wanted = merchant_order or {}
    by_merchant = wanted.get(country.upper()) or wanted.get("*") or ()
    order = tuple(by_merchant) or country_order(country)
    here = [kind for kind in kinds if kind not in _countries()["not_on"].get(device, ())]
    usable = here or kinds  # better a link that opens badly than none
    ranked = tuple(kind for kind in order if kind in usable)
    ranked += tuple(kind for kind in usable if kind not in ranked)
    close = not by_merchant and len(ranked) > 1 and set(ranked[:2]) <= set(country_order(country))
    return Choice(ranked=ranked, ask=close and device == DESKTOP)


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
