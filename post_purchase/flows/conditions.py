"""What a flow can ask of the facts: `{fact: order.total, at_least: 50}`, and `all`, `any`, `not` of these. Pure."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

Facts = Mapping[str, Any]  # JSON-able; its roots are ROOTS
ROOTS = frozenset(
    {
        "order",
        "parcel",
        "contact",
        "conversation",
        "consent",
        "history",
        "guide",
        "bought",
        "shop",
        "review",
        "reward",
        "answers",
        "seen",
        "event",
        "run",
        "language",
    }
)
_COMPARISONS = ("equals", "one_of", "contains", "at_least", "at_most", "exists")


def look_up(facts: Facts, path: tuple[str, ...]) -> Any:
    """The value at a path, None where anything on the way is missing."""
    value: Any = facts
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


class Condition(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    fact: str = ""
    equals: Any = None
    one_of: tuple[Any, ...] | None = None
    contains: tuple[Any, ...] | None = None  # the fact is a list, and has one of these
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    exists: bool | None = None
    all_of: tuple["Condition", ...] | None = Field(default=None, alias="all")
    any_of: tuple["Condition", ...] | None = Field(default=None, alias="any")
    not_: "Condition | None" = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Condition":
        forms = [name for name in ("all_of", "any_of", "not_") if getattr(self, name) is not None]
        if self.fact:
            forms.append("fact")
            root = self.fact.split(".")[0]
            if root not in ROOTS:
                raise ValueError(f"nothing is known of {root!r}; known are {', '.join(sorted(ROOTS))}")
            if len(self._comparisons) != 1:
                raise ValueError(f"say one of {', '.join(_COMPARISONS)} about {self.fact}")
        if len(forms) != 1:
            raise ValueError("a condition is one of: fact, all, any, not")
        return self

    @property
    def _comparisons(self) -> list[str]:
        return [name for name in _COMPARISONS if name in self.model_fields_set]

    @cached_property
    def holds(self) -> Callable[[Facts], bool]:
        """Compiled once: the engine asks some ten of these in each step."""
        if self.all_of is not None:
            parts = tuple(part.holds for part in self.all_of)
            return lambda facts: all(holds(facts) for holds in parts)
        if self.any_of is not None:
            parts = tuple(part.holds for part in self.any_of)
            return lambda facts: any(holds(facts) for holds in parts)
        if self.not_ is not None:
            inner = self.not_.holds
            return lambda facts: not inner(facts)
        path = tuple(self.fact.split("."))
        if self.exists is not None:
            wanted = self.exists
            return lambda facts: (look_up(facts, path) not in (None, "", [], {})) == wanted
        if self.one_of is not None:
            options = self.one_of
            return lambda facts: look_up(facts, path) in options
        if self.contains is not None:
            searched = self.contains
            return lambda facts: _has_one(look_up(facts, path), searched)
        if self.at_least is not None or self.at_most is not None:
            low, high = self.at_least, self.at_most
            return lambda facts: _within(look_up(facts, path), low, high)
        value = self.equals
        return lambda facts: bool(look_up(facts, path) == value)


def _has_one(value: Any, searched: tuple[Any, ...]) -> bool:
    """Words are compared without regard to case: merchants write tags as they like."""
    if not isinstance(value, list | tuple):
        return False
    folded = {item.casefold() if isinstance(item, str) else str(item) for item in value}
    return any((item.casefold() if isinstance(item, str) else str(item)) in folded for item in searched)


def _within(value: Any, low: Decimal | None, high: Decimal | None) -> bool:
    if value is None or isinstance(value, bool):
        return False
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return False
    if not number.is_finite():  # "NaN" and "Infinity" are words that a shopper may write
        return False
    return (low is None or number >= low) and (high is None or number <= high)
