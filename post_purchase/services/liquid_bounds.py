"""Liquid closed in: what one text may cost. python-liquid bounds loops and output; all else is bounded here.

A rendering has an allowance of work, spent by every value read, every filter and every round of a loop, by its size:
so the same text costs the same on every machine, and no clock is asked. Pure.
"""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import wraps
from typing import Any

from liquid import BoundTemplate, Environment, RenderContext, Token
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import LiquidError
from liquid.undefined import UNDEFINED

MAX_VALUE = 20_000  # characters of a text, or of all texts of a list, on their way through a filter
MAX_RANGE = 1_000  # numbers from (1..n)
MAX_NUMBER = 10**30
MAX_ROUNDS = 400  # of loops inside each other, multiplied
MAX_OUTPUT = 8_000  # bytes out; the longest network takes 4,096 characters, e-mail any
MAX_WORK = 30_000  # steps; some hundredths of a second, a quarter at worst
PER_STEP = 20  # characters that a filter goes through in one step
DEEPEST = 8  # lists in lists
REFUSED_TAGS = frozenset(  # they read files, hide output, or remember between renders
    {"include", "render", "liquid", "increment", "decrement", "cycle", "tablerow", "ifchanged", "echo", "doc", "#"}
)
REFUSED_FILTERS = frozenset({"date"})  # it reads the machine's clock and knows one language; `day` is ours


class TooMuch(LiquidError):
    """The text would take too much time or memory. The message is for the merchant."""


_whole_range = RangeLiteral._make_range


def _short_range(literal: RangeLiteral, start: Any, stop: Any) -> range:
    """(1..n) is short: `reversed`, `contains` and filters go through all of it at once."""
    made = _whole_range(literal, start, stop)
    if made.stop - made.start > MAX_RANGE:
        raise TooMuch(f"A range may have at most {MAX_RANGE} numbers", token=literal.token)
    return made


# The parser makes RangeLiteral by name and can be given no other class. Nobody else here uses Liquid.
RangeLiteral._make_range = _short_range  # type: ignore[method-assign, assignment]


class _Context(RenderContext):
    __slots__ = ("_left",)

    def __init__(self, *values: Any, **options: Any):
        super().__init__(*values, **options)
        self._left = MAX_WORK

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise TooMuch("The text takes too long to fill in: it repeats or computes too much", token=None)

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        found = super().get(path, token=token, default=default)
        self.spend(1 + size_of(found) // PER_STEP)
        return found

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        return _bounded(name, super().filter(name, token), self)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        super().raise_for_loop_limit(length)
        self.spend(length * 10)


class _Template(BoundTemplate):
    context_class = _Context


class BoundedEnvironment(Environment):
    template_class = _Template
    block_nesting_limit = 12
    context_depth_limit = 12
    loop_iteration_limit = MAX_ROUNDS
    local_namespace_limit = 20_000
    output_stream_limit = MAX_OUTPUT

    def __init__(self, **options: Any):
        super().__init__(**options)
        for name in REFUSED_TAGS & self.tags.keys():
            del self.tags[name]
        for name in REFUSED_FILTERS & self.filters.keys():
            del self.filters[name]


def _bounded(name: str, function: Callable[..., Any], context: _Context) -> Callable[..., Any]:
    """A filter alone could fill the memory: what would grow too long is refused before it is made."""

    @wraps(function)
    def checked(*values: Any, **options: Any) -> Any:
        sizes = [_checked(name, value) for value in (*values, *options.values())]
        if _grown(name, values) > MAX_VALUE:
            raise TooMuch(f"{name} would make too long a text", token=None)
        context.spend(1 + sum(sizes) // PER_STEP + _work(name, values))
        result = function(*values, **options)
        _checked(name, result)
        return result

    return checked


def _checked(name: str, value: Any) -> int:
    if isinstance(value, int | float | Decimal) and not _is_small(value):
        raise TooMuch(f"{name}: the number is too large", token=None)
    size = size_of(value)
    if size > MAX_VALUE:
        raise TooMuch(f"{name}: the text or list is too long", token=None)
    return size


def _is_small(value: int | float | Decimal) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite() and abs(value) <= MAX_NUMBER
    return (isinstance(value, int) or math.isfinite(value)) and -MAX_NUMBER <= value <= MAX_NUMBER


def size_of(value: Any, *, depth: int = 0) -> int:
    """Characters of a text; of a list or mapping all that is in it, and one for each item. Counted up to the limit."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, range):
        return len(value)
    if not isinstance(value, list | tuple | Mapping):
        return 1
    if depth > DEEPEST:
        return MAX_VALUE + 1
    total = 0
    for item in value.values() if isinstance(value, Mapping) else value:
        total += 1 + size_of(item, depth=depth + 1)
        if total > MAX_VALUE:
            break
    return total


def _grown(name: str, values: tuple[Any, ...]) -> int:
    """How long the result may get, of the two filters that multiply."""
    between = str(values[-1]) if len(values) > 1 else ""
    if name == "join":
        return (len(values[0]) if isinstance(values[0], list | tuple | range | str) else 1) * len(between)
    if name == "replace" and len(values) == 3:
        return (size_of(values[0]) + 1 if values[1] == "" else str(values[0]).count(str(values[1]))) * len(between)
    return 0


def _work(name: str, values: tuple[Any, ...]) -> int:
    """Steps of the two filters whose time grows by the square of what they are given."""
    first = values[0] if values else None
    if name == "uniq" and isinstance(first, list | tuple | range):
        return len(first) ** 2 // 100
    if name == "strip_html" and isinstance(first, str):
        return first.count("<") * len(first) // 500
    return 0
