"""No message goes out with a hole: what its text names is known, or it has words for that case, or it is left out.

`advance` is engine.advance with that rule. What was not known stands in the facts that it gives back, so that the
recorded log plays again to the same state. Pure.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from post_purchase.services import texts

from . import engine
from .conditions import Facts, look_up
from .definition import FlowDocument, Wording
from .effects import Effect, Say
from .state import Event, RunState
from .wording import variables, words_of

EMPTY: tuple[Any, ...] = (None, "", [], {})
_OUTPUT = re.compile(r"\{\{-?(.*?)-?\}\}", re.S)
_FILTER = r"(?:\|\s*(?:number|day|clock_time|listed|money: order\.currency)\s*)?"
_PLAIN = re.compile(r"\s*([a-z_]+(?:\.[a-z_0-9]+)*)\s*" + _FILTER)


def advance(
    document: FlowDocument, state: RunState, event: Event, facts: Facts, now: datetime
) -> tuple[RunState, list[Effect], Facts]:
    """(the new state, what is to be done, the facts with the holes that were found)."""
    holes: dict[str, list[str]] = {}
    while True:
        after, wanted = engine.advance(document, state, event, facts, now)
        says = [effect for effect in wanted if isinstance(effect, Say)]
        found = {say.key: missing for say in says if (missing := holes_of(document, say, facts, after.answers))}
        if not found or not found.keys() - holes.keys():
            return after, wanted, facts
        holes = holes | found
        facts = {**facts, "holes": holes}


def holes_of(document: FlowDocument, say: Say, facts: Facts, answers: Mapping[str, Any]) -> list[str]:
    """The values that this message's text would write out as nothing. Of a text that cannot be filled in: none."""
    found = document.wording(say.message, facts["language"], facts["default_language"])
    if found is None:
        return []
    language, wording = found
    parts = [part for part in parts_of(wording) if "{{" in part]
    if not parts:
        return []
    words = words_of(document, language, facts["default_language"])
    values = variables(facts, answers, say.parcel, words, say.parcels)
    missing: list[str] = []
    try:
        for part in parts:
            if not _is_whole(part, values):
                texts.render(part, values, language=language, timezone=facts["timezone"], missing=missing)
    except texts.TextError:
        return []
    return missing


def parts_of(wording: Wording) -> Iterable[str]:
    return (wording.text, wording.subject, wording.preheader, *wording.forms.values())


def _is_whole(template: str, values: Mapping[str, Any]) -> bool:
    """All that it names is known: no need to fill it in."""
    named = _named(template)
    return named is not None and all(look_up(values, path) not in EMPTY for path in named)


@lru_cache(maxsize=2_000)
def _named(template: str) -> tuple[tuple[str, ...], ...] | None:
    """None where more than plain values stands in it."""
    found = [_PLAIN.fullmatch(inside) for inside in _OUTPUT.findall(template)]
    return tuple(tuple(one[1].split(".")) for one in found if one) if all(found) else None
