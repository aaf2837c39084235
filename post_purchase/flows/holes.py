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
_EACH = "(each)"
_PARTS = re.compile(r"\{%-?\s*(.*?)\s*-?%\}|\{\{-?\s*(.*?)\s*-?\}\}", re.S)
_NAME = r"[a-z_]+(?:\.[a-z_0-9]+)*"
_FILTER = r"(?:\|\s*(?:number|day|listed|money: order\.currency)\s*)?"
_PLAIN = re.compile(rf"({_NAME})\s*((?:\|\s*default: {_NAME}\s*)*){_FILTER}")
_LOOP = re.compile(rf"\{{%-?\s*for ([a-z_]+) in ({_NAME})\s*-?%\}}")
_ROOTS = {"parcel", "order", "contact", "reward", "review", "guide", "shop", "answers", "words", "history", "bought"}
_IF = re.compile(r"(?:els)?if (.*)", re.S)


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
    """All that it writes out is known, or asked for just before: no need to fill it in."""
    written = _written(template)
    return written is not None and all(any(_is_known(values, path) for path in paths) for paths in written)


def _is_known(values: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    if path[0] != _EACH:
        return look_up(values, path) not in EMPTY
    *listed, name = path[1:]
    found = look_up(values, tuple(listed))
    return isinstance(found, list) and all(isinstance(one, dict) and one.get(name) not in EMPTY for one in found)


@lru_cache(maxsize=2_000)
def _written(template: str) -> tuple[tuple[tuple[str, ...], ...], ...] | None:
    """For each value that is written out: the paths of which one must be known. None: it is not as simple as that."""
    found, before = [], ""
    listed = _LOOP.findall(template)
    loops = dict(listed)
    if len(loops) < len(set(listed)) or loops.keys() & _ROOTS:
        return None
    for tag, inside in _PARTS.findall(template):
        if tag.startswith(("assign", "capture")):
            return None
        if tag:
            before = tag
            continue
        match = _PLAIN.fullmatch(inside)
        if match is None:
            return None
        if match[1] not in _asked(before):
            stand_ins = [one.strip() for one in match[2].split("| default:") if one.strip()]
            found.append(tuple(_path(one, loops) for one in (match[1], *stand_ins)))
    return tuple(found)


def _asked(tag: str) -> list[str]:
    """What is known right behind `{% if parcel.carrier and order.paid %}`."""
    match = _IF.fullmatch(tag)
    return match[1].split(" and ") if match and " or " not in tag else []


def _path(name: str, loops: Mapping[str, str]) -> tuple[str, ...]:
    root, _, rest = name.partition(".")
    return (_EACH, *loops[root].split("."), rest) if root in loops else tuple(name.split("."))
