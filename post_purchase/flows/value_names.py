"""What the values of a text are called, and why a message without one is left out. Pure."""

from collections.abc import Iterable

_WHOSE = {
    "contact": "the shopper's", "order": "the order's", "parcel": "the parcel's", "each": "the parcel's",
    "reward": "the reward's", "products": "the product's", "guide": "the guide's", "shop": "the shop's",
    "answers": "the answer", "review": "the reviewed", "history": "the shopper's", "bought": "the product's",
}  # fmt: skip
_CALLED = {
    "day_expected": "expected day", "tracking_url": "tracking link", "ends_at": "last day", "name": "number",
    "delivered_at": "day of delivery", "placed_at": "day", "shipped_at": "day of shipping", "cart_url": "link",
}  # fmt: skip


def called(path: str) -> str:
    """parcel.carrier: "the parcel's carrier"."""
    root, _, rest = path.partition(".")
    root = root.partition("[")[0]
    last = rest.rpartition(".")[2]
    if not rest or root not in _WHOSE:
        return f"“{path}”"
    return f"{_WHOSE[root]} {_CALLED.get(last, last.replace('_', ' '))}"


def reason(missing: Iterable[str]) -> str:
    """Why a message is left out, for the merchant."""
    names = list(dict.fromkeys(map(called, missing)))
    said = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    verb = "are" if len(names) > 1 else "is"
    return f"{said[:1].upper()}{said[1:]} {verb} not known, and the text has no words for that case"
