"""What an order tells about itself by its tags, items and payment: a gift, cash on delivery. Words in services/data."""

from functools import lru_cache
from typing import Any

from .phrases import load, plain

_NO = {"", "no", "false", "0", "off", "nein", "non", "nee", "nie", "nej", "não", "hayır"}


def is_gift(*, tags: list[Any], titles: list[Any], properties: list[Any]) -> bool:
    """The merchant tagged the order, the shopper bought gift wrap, or said so at an item (services/data/gifts.yaml).

    Only that it is one is kept, never what was written to whom.
    """
    if any(is_one_of_gifts("tags", tag) for tag in tags) or any(is_one_of_gifts("wraps", title) for title in titles):
        return True
    for each in properties:
        if isinstance(each, dict):
            said = str(each.get("value") or "").strip().casefold()
            if said not in _NO and is_one_of_gifts("properties", each.get("name") or each.get("key")):
                return True
    return False


def is_cash_on_delivery(gateways: list[Any]) -> bool:
    """One of the order's payment gateways is called so (services/data/cash_on_delivery.yaml)."""
    named = [f" {plain(str(name or ''))} " for name in gateways]
    return any(sought in name for sought in _cash_on_delivery_names() for name in named)


@lru_cache(maxsize=1)
def _cash_on_delivery_names() -> tuple[str, ...]:
    """As words of their own ("cod" is not in "code"); Japanese is written without spaces."""
    names = (plain(name) for name in load("cash_on_delivery")["names"])
    return tuple(f" {name} " if name[0] < "\u3000" else name for name in names)


def is_one_of_gifts(kind: str, text: Any) -> bool:
    return plain(str(text or "")) in _gift_words(kind)


@lru_cache(maxsize=4)
def _gift_words(kind: str) -> frozenset[str]:
    return frozenset(plain(word) for word in load("gifts")[kind])
