"""Where a text would have a hole: a value that is written out, is not there, and has no words to stand in for it.

`{{ parcel.carrier | default: words.carrier }}` and `{% if parcel.carrier %}` are such words. Pure.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TextIO
from zoneinfo import ZoneInfo

from babel import Locale
from liquid import Environment, RenderContext, Undefined
from liquid.builtin.expressions import FilteredExpression, Path, StringLiteral
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.capture_tag import CaptureNode, CaptureTag
from liquid.stringify import to_liquid_string


@dataclass
class Rendering:
    locale: Locale
    zone: ZoneInfo
    fallbacks: Mapping[str, str]
    missing: list[str] = field(default_factory=list)
    captures: int = 0  # what is kept for later is asked about where it is written out

    def miss(self, name: str) -> None:
        if not self.captures and name not in self.missing:
            self.missing.append(name)


now_rendering: ContextVar[Rendering] = ContextVar("rendering")


class Missing(Undefined):
    """A name that nobody gave a value: written as its declared fallback, else as nothing."""

    __slots__ = ()

    def __str__(self) -> str:
        return now_rendering.get().fallbacks.get(self.name, "")

    def __liquid__(self) -> None:
        return None  # in `if` it is as if it were not there; an empty text would be true


class _Written(OutputNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        text = to_liquid_string(self.expression.evaluate(context), context.autoescape)
        if not text.strip() and (name := _without_words(self.expression)):
            now_rendering.get().miss(name)
        return buffer.write(text)


def _without_words(expression: object) -> str:
    """The value's name; "" where the text says what shall stand there instead, be it nothing."""
    if not isinstance(expression, FilteredExpression) or not isinstance(expression.left, Path):
        return ""
    for each in expression.filters or ():
        if each.name == "default" and each.args and isinstance(each.args[0].value, StringLiteral):
            return ""
    return str(expression.left)


class _WrittenTag(Output):
    node_class = _Written


class _Kept(CaptureNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        rendering = now_rendering.get()
        rendering.captures += 1
        try:
            return super().render_to_output(context, buffer)
        finally:
            rendering.captures -= 1


class _KeptTag(CaptureTag):
    node_class = _Kept


def watch(environment: Environment) -> None:
    """From now on its templates tell `now_rendering` of every hole."""
    environment.add_tag(_WrittenTag)
    environment.add_tag(_KeptTag)
