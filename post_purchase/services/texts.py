"""Message texts are Liquid: merchants know it from their notifications. Here it is closed in: no files, no endless
loops, small output.

Values are written as the reader's language writes them (CLDR, through Babel):
`{{ order.total | money: order.currency }}`, `{{ parcel.day_expected | day }}`, `{{ parcel.items | listed }}`.
Pure: no database, no clock.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache, wraps
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time
from babel.lists import format_list
from babel.numbers import UnknownCurrencyError, format_currency, format_decimal
from liquid import BoundTemplate, Environment, Undefined
from liquid.exceptions import FilterArgumentError, LiquidError

MAX_TEMPLATE = 6_000  # characters in
MAX_VALUE = 20_000  # characters of a text, items of a list, bits of a number on their way through a filter
MAX_OUTPUT = 8_000  # bytes out; the longest network takes 4,096 characters, e-mail any
RTL_LANGUAGES = frozenset({"ar", "fa", "he", "ur"})
REFUSED_TAGS = frozenset(  # they read files, hide output, or remember between renders
    {"include", "render", "liquid", "increment", "decrement", "cycle", "tablerow", "ifchanged", "echo", "doc", "#"}
)


class TextError(Exception):
    """The text cannot be rendered. The message is for the merchant: what is wrong and where."""


@dataclass
class _Rendering:
    locale: Locale
    zone: ZoneInfo
    fallbacks: Mapping[str, str]
    missing: list[str] = field(default_factory=list)


_now_rendering: ContextVar[_Rendering] = ContextVar("rendering")


class _Missing(Undefined):
    """A name that nobody gave a value: written as its declared fallback, else as nothing, and remembered."""

    __slots__ = ()

    def __str__(self) -> str:
        rendering = _now_rendering.get()
        if self.name in rendering.fallbacks:
            return rendering.fallbacks[self.name]
        if self.name not in rendering.missing:
            rendering.missing.append(self.name)
        return ""

    def __liquid__(self) -> str:
        return ""


class _Environment(Environment):
    block_nesting_limit = 12
    context_depth_limit = 12
    loop_iteration_limit = 400
    local_namespace_limit = 20_000
    output_stream_limit = MAX_OUTPUT


def _environment() -> _Environment:
    environment = _Environment(undefined=_Missing)
    for name in REFUSED_TAGS & environment.tags.keys():
        del environment.tags[name]
    del environment.filters[
        "date"
    ]  # it reads the machine's clock and knows one language; `day` and `clock_time` are ours
    for function in (_money, _day, _clock_time, _listed, _number):
        environment.add_filter(function.__name__.strip("_"), function)
    for name, function in environment.filters.items():
        environment.filters[name] = _bounded(name, function)
    return environment


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Liquid's own limits count loops and output; a filter alone could fill the memory: refused before it works."""

    @wraps(function)
    def checked(*values: Any, **options: Any) -> Any:
        if any(_size(value) > MAX_VALUE for value in values) or _grown(name, values) > MAX_VALUE:
            raise FilterArgumentError(f"{name} would make too long a text", token=None)
        return function(*values, **options)

    return checked


def _size(value: Any) -> int:
    if isinstance(value, int):
        return value.bit_length()
    return len(value) if isinstance(value, str | list | tuple | range) else 0


def _grown(name: str, values: tuple[Any, ...]) -> int:
    """How long the result may get, of the two filters that multiply."""
    between = str(values[-1]) if len(values) > 1 else ""
    if name == "join":
        return _size(values[0]) * len(between)
    if name == "replace" and len(values) == 3:
        return (_size(values[0]) + 1 if values[1] == "" else str(values[0]).count(str(values[1]))) * len(between)
    return 0


def _money(amount: Any, currency: Any = "") -> str:
    """`49.5 | money: "EUR"` in German is "49,50 €"."""
    if amount in (None, "") or isinstance(amount, Undefined):
        return ""
    try:
        return format_currency(Decimal(str(amount)), str(currency), locale=_now_rendering.get().locale)
    except (ArithmeticError, UnknownCurrencyError, ValueError) as error:
        raise FilterArgumentError(f"money needs an amount and a currency, not {amount!r}", token=None) from error


def _number(value: Any) -> str:
    if value in (None, "") or isinstance(value, Undefined):
        return ""
    try:
        return str(format_decimal(Decimal(str(value)), locale=_now_rendering.get().locale))
    except (ArithmeticError, ValueError) as error:
        raise FilterArgumentError(f"number needs a number, not {value!r}", token=None) from error


def _moment(value: Any) -> datetime | date | None:
    if value in (None, "") or isinstance(value, Undefined):
        return None
    text = str(value)
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise FilterArgumentError(f"not a date: {text[:40]!r}", token=None) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(_now_rendering.get().zone)


def _day(value: Any) -> str:
    """The weekday and day in the shopper's own time zone: "Tuesday, 3 March"."""
    moment = _moment(value)
    return "" if moment is None else format_skeleton("MMMMEEEEd", moment, locale=_now_rendering.get().locale)


def _clock_time(value: Any) -> str:
    moment = _moment(value)
    if not isinstance(moment, datetime):
        return ""
    return format_time(moment, "short", tzinfo=moment.tzinfo, locale=_now_rendering.get().locale)


def _listed(items: Any) -> str:
    """`["mug", "apron"]` in English is "mug and apron"."""
    if not isinstance(items, list | tuple):
        return str(items or "")
    words = [str(item) for item in items if item not in (None, "")]
    return format_list(words, locale=_now_rendering.get().locale) if words else ""


_liquid = _environment()


@lru_cache(maxsize=2_000)
def _parsed(template: str) -> BoundTemplate:
    if len(template) > MAX_TEMPLATE:
        raise TextError(f"The text is longer than {MAX_TEMPLATE} characters")
    try:
        return _liquid.from_string(template)
    except LiquidError as error:
        raise TextError(_plain(error)) from error


def _plain(error: LiquidError) -> str:
    where = ""
    token = getattr(error, "token", None)
    if token is not None and getattr(token, "start_index", -1) >= 0:
        line = token.source[: token.start_index].count("\n") + 1
        where = f" (line {line})"
    return f"{error.args[0] if error.args else type(error).__name__}{where}"


@lru_cache(maxsize=200)
def locale_of(language: str) -> Locale:
    """The CLDR locale of a BCP 47 tag; the base language where the region is unknown; English where all is."""
    parts = language.replace("_", "-").split("-")
    for tag in (parts, parts[:1]):
        try:
            return Locale.parse("-".join(tag), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


@lru_cache(maxsize=500)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def is_rtl(language: str) -> bool:
    return language.split("-")[0].lower() in RTL_LANGUAGES


@contextmanager
def _rendering(rendering: _Rendering) -> Iterator[_Rendering]:
    token = _now_rendering.set(rendering)
    try:
        yield rendering
    finally:
        _now_rendering.reset(token)


def render(
    template: str,
    variables: Mapping[str, Any],
    *,
    language: str,
    timezone: str = "UTC",
    fallbacks: Mapping[str, str] | None = None,
    missing: list[str] | None = None,
) -> str:
    """The text with its values, tidied: no spaces at line ends, at most one empty line in a row.

    `variables` are plain data (dicts, lists, text, numbers; times as ISO 8601). A name without a value becomes its
    entry in `fallbacks`, else nothing, and is added to `missing`. Raises TextError with words for the merchant.
    """
    parsed = _parsed(template)
    with _rendering(_Rendering(locale_of(language), _zone(timezone or "UTC"), fallbacks or {})) as rendering:
        try:
            text = parsed.render(**variables)
        except LiquidError as error:
            raise TextError(_plain(error)) from error
        if missing is not None:
            missing.extend(name for name in rendering.missing if name not in missing)
    return _tidy(text)


def problems(template: str) -> list[str]:
    """What is wrong with a text before it is used: nothing, or one readable sentence."""
    try:
        _parsed(template)
    except TextError as error:
        return [str(error)]
    return []


def _tidy(text: str) -> str:
    lines: list[str] = []
    for line in text.strip().splitlines():
        line = line.rstrip()
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines)
