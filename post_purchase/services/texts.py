"""Message texts are Liquid: merchants know it from their notifications. What one may cost: services.liquid_bounds.

Values are written as the reader's language writes them (CLDR, through Babel):
`{{ order.total | money: order.currency }}`, `{{ parcel.day_expected | day }}`, `{{ parcel.items | listed }}`.
Pure: no database, no clock.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time
from babel.lists import format_list
from babel.numbers import UnknownCurrencyError, format_currency, format_decimal
from liquid import BoundTemplate, Undefined
from liquid.exceptions import (
    BlockNestingError,
    ContextDepthError,
    FilterArgumentError,
    LiquidError,
    LocalNamespaceLimitError,
    LoopIterationLimitError,
    OutputStreamLimitError,
)

from .liquid_bounds import MAX_OUTPUT, MAX_ROUNDS, BoundedEnvironment
from .text_holes import Missing, Rendering, now_rendering, watch

MAX_TEMPLATE = 6_000  # characters in
MOST_DIGITS = 30  # of a number that is written out
RTL_LANGUAGES = frozenset({"ar", "fa", "he", "ur"})


class TextError(Exception):
    """The text cannot be rendered. The message is for the merchant: what is wrong and where."""


def _money(amount: Any, currency: Any = "") -> str:
    """`49.5 | money: "EUR"` in German is "49,50 €"."""
    if amount in (None, "") or isinstance(amount, Undefined):
        return ""
    try:
        return format_currency(_decimal(amount), str(currency), locale=now_rendering.get().locale)
    except (ArithmeticError, UnknownCurrencyError, ValueError) as error:
        raise FilterArgumentError(f"money needs an amount and a currency, not {amount!r}", token=None) from error


def _number(value: Any) -> str:
    if value in (None, "") or isinstance(value, Undefined):
        return ""
    try:
        return str(format_decimal(_decimal(value), locale=now_rendering.get().locale))
    except (ArithmeticError, ValueError) as error:
        raise FilterArgumentError(f"number needs a number, not {value!r}", token=None) from error


def _decimal(value: Any) -> Decimal:
    number = Decimal(str(value))
    if not number.is_finite() or number.adjusted() > MOST_DIGITS or number.adjusted() < -MOST_DIGITS:
        raise ValueError("too large, too small, or no number")
    return number


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
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(now_rendering.get().zone)


def _day(value: Any) -> str:
    """The weekday and day in the shopper's own time zone: "Tuesday, 3 March"."""
    moment = _moment(value)
    return "" if moment is None else format_skeleton("MMMMEEEEd", moment, locale=now_rendering.get().locale)


def _clock_time(value: Any) -> str:
    moment = _moment(value)
    if not isinstance(moment, datetime):
        return ""
    return format_time(moment, "short", tzinfo=moment.tzinfo, locale=now_rendering.get().locale)


def _listed(items: Any) -> str:
    """`["mug", "apron"]` in English is "mug and apron"."""
    if not isinstance(items, list | tuple):
        return str(items or "")
    words = [str(item) for item in items if item not in (None, "")]
    return format_list(words, locale=now_rendering.get().locale) if words else ""


def _environment() -> BoundedEnvironment:
    environment = BoundedEnvironment(undefined=Missing)
    watch(environment)
    for function in (_money, _day, _clock_time, _listed, _number):
        environment.add_filter(function.__name__.strip("_"), function)
    return environment


_liquid = _environment()
_TWO_STOPS = re.compile(r"(?<![.…])\.\.(?=\s|$)")


_LIMITS: dict[type[LiquidError], str] = {
    LoopIterationLimitError: f"The text repeats too much: at most {MAX_ROUNDS} rounds",
    OutputStreamLimitError: f"The text becomes too long when it is filled in: at most {MAX_OUTPUT} bytes",
    LocalNamespaceLimitError: "The text keeps too much in what it assigns",
    ContextDepthError: "Too many parts stand inside each other",
    BlockNestingError: "Too many parts stand inside each other",
}
_PLAIN = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r"expected '\}\}', found .*", r"A value is not closed: write }} after it"),
        (r"expected '%\}', found .*", r"A tag is not closed: write %} after it"),
        (r"expected tag end(\w+), found .*", r"{% \1 %} is not closed: write {% end\1 %} after it"),
        (r"unexpected tag 'end(\w+)'", r"{% end\1 %} closes nothing: {% \1 %} is missing before it"),
        (r"unexpected tag '(\w+)'", r"There is no tag {% \1 %}"),
        (r"unknown filter '(\w+)'", r"There is no filter “\1”"),
        (r"missing expression|expected a primitive expression, found .*", r"Something is missing between the braces"),
        (r"expected end of expression, found .*", r"There is something too much between the braces"),
        (r"(\w+): can't divide by .*", r"\1: nothing can be divided by 0"),
        (r"(\w+)\(\) missing \d+ required .*", r"\1 needs a value after the colon"),
        (
            r".*not supported between '(\w+)' and '(\w+)'.*",
            r"These two cannot be compared: they are of different kinds",
        ),
        (r"unexpected '(\w+)'", r"{% \1 %} may only stand inside {% for %}"),
        (r"unexpected liquid parsing error", r"The text cannot be read: it is too deeply nested or broken"),
    )
]


@lru_cache(maxsize=2_000)
def _parsed(template: str) -> BoundTemplate:
    if len(template) > MAX_TEMPLATE:
        raise TextError(f"The text is longer than {MAX_TEMPLATE} characters")
    try:
        return _liquid.from_string(template)
    except LiquidError as error:
        raise TextError(_plain(error)) from error


def _plain(error: LiquidError) -> str:
    """What is wrong in a merchant's words, and in which line."""
    where = ""
    token = getattr(error, "token", None)
    if token is not None and getattr(token, "start_index", -1) >= 0:
        line = token.source[: token.start_index].count("\n") + 1
        where = f" (line {line})"
    said = str(error.args[0]) if error.args else type(error).__name__
    for kind, words in _LIMITS.items():
        if isinstance(error, kind):
            return f"{words}{where}"
    for pattern, words in _PLAIN:
        found = pattern.fullmatch(said)
        if found:
            return f"{found.expand(words)}{where}"
    return f"{said[:200]}{where}"


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
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def is_rtl(language: str) -> bool:
    return language.split("-")[0].lower() in RTL_LANGUAGES


@contextmanager
def _rendering(rendering: Rendering) -> Iterator[Rendering]:
    token = now_rendering.set(rendering)
    try:
        yield rendering
    finally:
        now_rendering.reset(token)


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
    entry in `fallbacks`, else nothing; `missing` is told of all that is written out as nothing (text_holes).
    Raises TextError with words for the merchant.
    """
    parsed = _parsed(template)
    with _rendering(Rendering(locale_of(language), _zone(timezone or "UTC"), fallbacks or {})) as rendering:
        try:
            text = parsed.render(**variables)
        except LiquidError as error:
            raise TextError(_plain(error)) from error
        except Exception as error:  # whatever a merchant's text does is the text's fault, and must stop nothing else
            raise TextError("The text cannot be filled in: a value in it is too large, or of a wrong kind") from error
        if missing is not None:
            missing.extend(name for name in rendering.missing if name not in missing)
    return _tidy(text)


def problems(template: str, variables: Mapping[str, Any] | None = None, *, language: str = "en") -> list[str]:
    """What is wrong with a text before it is used: nothing, or one readable sentence.

    With `variables` it is filled in as well: what only shows then would else stop the next order's message.
    """
    try:
        if variables is None:
            _parsed(template)
        else:
            render(template, variables, language=language)
    except TextError as error:
        return [str(error)]
    return []


def names_in(template: str) -> list[tuple[str | int, ...]]:
    """The values that a text names, as ("order", "items", 0, "title"); not what it makes itself."""
    found = _parsed(template).global_variable_segments()
    return [tuple(name for name in takewhile(_is_plain, segments) if isinstance(name, str | int)) for segments in found]


def _is_plain(name: object) -> bool:
    return isinstance(name, str | int)  # a list is a name in a name: order[answers.which]


def _tidy(text: str) -> str:
    """A value may end with the full stop that the sentence has too: a French "29 nov."."""
    lines: list[str] = []
    for line in text.strip().splitlines():
        line = _TWO_STOPS.sub(".", line.rstrip())
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines)
