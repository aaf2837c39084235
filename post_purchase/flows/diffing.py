"""What is different between two versions, in words. Pure; takes broken documents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import describing
from .paths import steps_of, ways_of
from .reshaping import messages_of

Raw = Mapping[str, Any]
LONG = 140
_SETTINGS = {
    "for": "wait", "timeout": "give up after", "reminder_after": "remind after", "why": "reason",
    "photo_timeout": "go on without a photo after", "photo_reminder_after": "remind of the photo after",
    "at_least": "from now at least", "low_rating": "offer help up to (stars)", "save_as": "remember the answer as",
    "by": "look for", "tag": "tag", "reason": "reason", "text": "note", "url": "address", "flow": "flow",
    "title": "name", "between": "hours", "weekdays": "days", "offset": "offset", "from": "counted from", "date": "date",
}  # fmt: skip
_LENGTHS = ("for", "timeout", "reminder_after", "photo_timeout", "photo_reminder_after", "at_least", "offset", "after",
            "useful_for", "again_after")  # fmt: skip


@dataclass
class Change:
    where: str  # a step's title, "Start", "Words in French"
    lines: list[str] = field(default_factory=list)


def differences(old: Raw, new: Raw, names: Mapping[str, str]) -> list[Change]:
    """`names`: what languages are called. Empty: the two mean the same."""
    changes = [Change("The flow", list(_whole(old, new))), Change("Start and end", list(_start(old, new)))]
    before, after = steps_of(old), steps_of(new)
    for step in after:
        if step not in before:
            summary = describing.summary(after[step], new)
            what = f"New: {describing.kind_name(after[step].get('kind'))}"
            changes.append(Change(describing.title_of(step, after[step]), [f"{what}. {_short(summary)}".rstrip(". ")]))
    for step in before:
        title = describing.title_of(step, before[step])
        if step not in after:
            changes.append(Change(title, ["Taken out"]))
        elif before[step] != after[step]:
            changes.append(Change(title, list(_step(old, new, before[step], after[step]))))
    changes += _paths(old, new)
    changes += _words(old, new, names)
    return [change for change in changes if change.lines]


def _whole(old: Raw, new: Raw) -> Iterable[str]:
    for name in ("name", "description"):
        if old.get(name) != new.get(name):
            yield f"{name.capitalize()}: {_from_to(old.get(name), new.get(name))}"


def _start(old: Raw, new: Raw) -> Iterable[str]:
    was, now = old.get("trigger") or {}, new.get("trigger") or {}
    if was.get("news") != now.get("news"):
        yield f"Starts when {describing.news(now.get('news'))}, before: {describing.news(was.get('news'))}"
    if was.get("if") != now.get("if"):
        yield f"Only if: {_from_to(describing.condition(was.get('if')), describing.condition(now.get('if')))}"
    for name in sorted((was.keys() | now.keys()) - {"news", "if"}):
        if was.get(name) != now.get(name):
            yield f"{name.replace('_', ' ').capitalize()}: {_from_to(_said(name, was), _said(name, now))}"
    if old.get("start") != new.get("start"):
        yield f"First step: {_from_to(_title(old, old.get('start')), _title(new, new.get('start')))}"
    for name, word in (("exits", "Ends early"), ("goals", "Goal")):
        before, after = ([_exit(one) for one in document.get(name) or []] for document in (old, new))
        yield from (f"{word}, new: {one}" for one in after if one not in before)
        yield from (f"{word}, taken out: {one}" for one in before if one not in after)


def _exit(part: Raw) -> str:
    when = describing.news(part.get("news")) or describing.condition(part.get("if"))
    return f"{part.get('reason') or part.get('title') or part.get('name')} ({when})"


def _step(old: Raw, new: Raw, was: Raw, now: Raw) -> Iterable[str]:
    if was.get("kind") != now.get("kind"):
        yield f"{describing.kind_name(was.get('kind'))} became {describing.kind_name(now.get('kind'))}"
        return
    before, after = dict(ways_of(was)), dict(ways_of(now))
    for way in dict.fromkeys((*before, *after)):
        if before.get(way) == after.get(way) and (way in before) == (way in after):
            continue
        owner, document = (now, new) if way in after else (was, old)
        name = describing.way_name(owner, way, document)
        if way not in after:
            yield f"Way taken out: {name}"
        else:
            target = _title(new, after[way])
            yield (
                f"New way: {name}, to {target}"
                if way not in before
                else f"{name}: goes to {target}, before: {_title(old, before[way])}"
            )
    ways = {way.split(".")[0] for way in (*before, *after)}
    said = {*messages_of(was), *messages_of(now)}
    for name in sorted((was.keys() | now.keys()) - ways - said - {"kind"}):
        if was.get(name) != now.get(name):
            label = _SETTINGS.get(name, name.replace("_", " ")).capitalize()
            yield f"{label}: {_from_to(_said(name, was), _said(name, now))}"
    for name in ("cases", "ways", "variants"):
        rules = ([{**part, "goto": None} for part in step.get(name) or []] for step in (was, now))
        if len({str(one) for one in rules}) > 1:
            yield "The rules of its ways"
    for name in sorted(said):
        if was.get(name) != now.get(name):
            verb = (
                "New message" if not was.get(name) else "Message taken out" if not now.get(name) else "Another message"
            )
            yield f"{verb}: {name.replace('_', ' ')}"


def _paths(old: Raw, new: Raw) -> list[Change]:
    before, after = ([_path(document, one) for one in document.get("listeners") or []] for document in (old, new))
    lines = [f"New: {one}" for one in after if one not in before]
    return [Change("Paths for news", [*lines, *(f"Taken out: {one}" for one in before if one not in after)])]


def _path(document: Raw, listener: Raw) -> str:
    only = describing.condition(listener.get("if"))
    return (
        f"when {describing.news(listener.get('news'))}{f', only if {only}' if only else ''}: "
        f"{_title(document, listener.get('goto'))}"
    )


def _words(old: Raw, new: Raw, names: Mapping[str, str]) -> list[Change]:
    changes = []
    was, now = old.get("texts") or {}, new.get("texts") or {}
    for tag in dict.fromkeys((*was, *now)):
        name = names.get(tag, tag)
        if tag not in now or tag not in was:
            changes.append(Change(f"Words in {name}", ["New language" if tag in now else "Language taken out"]))
            continue
        lines = []
        before, after = was[tag].get("messages") or {}, now[tag].get("messages") or {}
        for message in dict.fromkeys((*before, *after)):
            one, other = before.get(message) or {}, after.get(message) or {}
            one, other = _spread(one), _spread(other)
            for part in dict.fromkeys((*one, *other)):
                if one.get(part) != other.get(part):
                    label = message.replace("_", " ").capitalize() + (
                        "" if part == "text" else f", {part.replace('_', ' ')}"
                    )
                    lines.append(f"{label}: {_from_to(_flat(one.get(part)), _flat(other.get(part)))}")
        small, large = was[tag].get("words") or {}, now[tag].get("words") or {}
        for word in dict.fromkeys((*small, *large)):
            if small.get(word) != large.get(word):
                lines.append(f"Word {word.replace('_', ' ')}: {_from_to(small.get(word), large.get(word))}")
        changes.append(Change(f"Words in {name}", lines))
    specs, fresh = old.get("messages") or {}, new.get("messages") or {}
    rules = [
        f"{message.replace('_', ' ').capitalize()}: purpose, use-by, link or template"
        for message in fresh
        if message in specs and specs[message] != fresh[message]
    ]
    return [*changes, Change("How messages go out", rules)]


def _spread(wording: Raw) -> dict[str, Any]:
    """Each network's form by itself: "on sms"."""
    plain = {part: value for part, value in wording.items() if part != "forms"}
    return plain | {f"on {kind}": text for kind, text in (wording.get("forms") or {}).items()}


def _title(document: Raw, step: Any) -> str:
    found = steps_of(document).get(step) if isinstance(step, str) else None
    return f"“{describing.title_of(step, found)}”" if found is not None else "the end"


def _said(name: str, part: Raw) -> str:
    value = part.get(name)
    if value is None:
        return ""
    if name in _LENGTHS:
        return describing.length(value)
    if isinstance(value, Mapping) and ({"fact", "all", "any", "not"} & value.keys()):
        return describing.condition(value)
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return (
            describing.news(value)
            if name == "news"
            else ", ".join(str(one)[:5] if name == "between" else one for one in value)
        )
    return str(value)


def _flat(value: Any) -> str:
    return ", ".join(map(str, value.values())) if isinstance(value, Mapping) else str(value or "")


def _from_to(before: Any, after: Any) -> str:
    was, now = _short(str(before or "")), _short(str(after or ""))
    if not was or not now:
        return f"now “{now}”" if now else f"not any more (was “{was}”)"
    return f"“{was}” became “{now}”"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LONG else f"{flat[: LONG - 1].rstrip()}…"
