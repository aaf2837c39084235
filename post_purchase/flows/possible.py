"""What a fact can be, so that a condition that can never hold is told while it is written. Pure."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from post_purchase.words import ParcelState

YES_NO = frozenset(
    [
        "order.paid",
        "order.delivered",
        "order.cancelled",
        "order.fully_refunded",
        "order.point_of_sale",
        "order.requires_shipping",
        "order.test",
        "order.gift",
        "order.return_open",
        "order.cash_on_delivery",
        "parcel.partial",
        "contact.known",
        "conversation.started",
        "conversation.handed_off",
        "consent.marketing",
        "reward.offered",
        "history.bought_since",
        "event.answered_by_person",
        "event.may_ask",
    ]
)
NUMBERS = frozenset(
    [
        "order.total",
        "order.subtotal",
        "order.parcel_count",
        "history.orders",
        "history.reviews",
        "history.last_rating",
        "history.days_since_order",
        "event.rating",
        "answers.rating",
    ]
)
TIMES = frozenset(
    [
        "order.placed_at",
        "order.delivered_at",
        "order.day_expected",
        "parcel.delivered_at",
        "parcel.shipped_at",
        "parcel.day_expected",
        "history.due_again_at",
        "history.win_back_at",
    ]
)
COUNTRIES = frozenset({"order.country", "contact.country"})
STATES = tuple(state.value for state in ParcelState)
COMPARED = ("equals", "one_of", "contains", "at_least", "at_most")


def impossible(path: str, comparison: str, value: Any) -> str:
    """Why this never holds, in words that say what to write; "" where it can."""
    if comparison == "exists":
        return ""
    values = value if isinstance(value, list | tuple) else [value]
    if path in YES_NO:
        plain = comparison in ("equals", "one_of") and all(isinstance(each, bool) for each in values)
        return "" if plain else "Choose “is” and write yes or no."
    if path in TIMES:
        return "Choose “is known”: a day is waited for, in a wait, and not compared."
    if path in NUMBERS or path.startswith("seen."):
        return "" if all(map(_is_number, values)) else "Write a number."
    if any(isinstance(each, bool) for each in values):
        return "This is not answered by yes or no: choose “is known”, or write what it is."
    if path in COUNTRIES:
        odd = [each for each in values if not _is_country(each)]
        return f"Write countries by their two letters, like DE, FR: not {odd[0]}." if odd else ""
    if path == "parcel.state":
        return next((_no_state(str(each)) for each in values if each not in STATES), "")
    return ""


def impossible_parts(condition: Any) -> Iterator[str]:
    """Of a whole condition, however deep: each part that never holds, with its fact's name."""
    if not isinstance(condition, Mapping):
        return
    for joint in ("all", "any"):
        for part in condition.get(joint) or ():
            yield from impossible_parts(part)
    yield from impossible_parts(condition.get("not"))
    path = condition.get("fact")
    for comparison in COMPARED if isinstance(path, str) else ():
        if comparison in condition and (why := impossible(str(path), comparison, condition[comparison])):
            yield f"{path}: {why}"


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_country(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 2 and value.isascii() and value.isalpha() and value.isupper()


def _no_state(written: str) -> str:
    near = difflib.get_close_matches(written.lower().replace(" ", "_"), STATES, n=1, cutoff=0.5)
    hint = f"Do you mean {near[0]}?" if near else f"There are: {', '.join(STATES)}."
    return f"A parcel is never “{written[:40]}”. {hint}"
