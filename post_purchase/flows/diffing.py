"""What is different between two versions, in words. Pure; takes broken documents."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from post_purchase.words import Purpose

from . import describing
from .paths import steps_of, ways_of
from .reshaping import messages_of
from .rewording import Line, from_to, plain, shortened

Raw = Mapping[str, Any]
_SETTINGS = {
    "for": "wait", "timeout": "give up after", "reminder_after": "remind after", "why": "reason",
    "photo_timeout": "go on without a photo after", "photo_reminder_after": "remind of the photo after",
    "at_least": "from now at least", "low_rating": "offer help up to (stars)", "save_as": "remember the answer as",
    "by": "look for", "tag": "tag", "reason": "reason", "text": "note", "url": "address", "flow": "flow",
    "title": "name", "between": "hours", "weekdays": "days", "offset": "offset", "from": "counted from", "date": "date",
    "cut_short_by": "cut short when", "news": "when", "states": "only of parcels that are", "limit": "at most",
}  # fmt: skip
_LENGTHS = ("for", "timeout", "reminder_after", "photo_timeout", "photo_reminder_after", "at_least", "offset", "after",
            "useful_for", "again_after")  # fmt: skip
_NEWS = ("news", "cut_short_by")
_LISTED = ("cases", "ways", "variants")  # ways out that are written as a list


@dataclass
class Change:
    where: str  # a step's title, "Start", "Words in French"
    lines: list[Line] = field(default_factory=list)


def differences(old: Raw, new: Raw, names: Mapping[str, str]) -> list[Change]:
    """`names`: what languages are called. Empty: the two mean the same."""
    changes = [Change("The flow", list(_whole(old, new))), Change("Start and end", list(_start(old, new)))]
    before, after = steps_of(old), steps_of(new)
    for step in after:
        if step not in before:
            summary = describing.summary(after[step], new)
            what = f"New: {describing.kind_name(after[step].get('kind'))}"
            made = plain(f"{what}. {shortened(summary)}".rstrip(". "))
            changes.append(Change(describing.title_of(step, after[step]), [made]))
    for step in before:
        title = describing.title_of(step, before[step])
        if step not in after:
            changes.append(Change(title, [plain("Taken out")]))
        elif before[step] != after[step]:
            changes.append(Change(title, list(_step(old, new, before[step], after[step]))))
    changes += _paths(old, new)
    changes += _words(old, new, names)
    changes.append(Change("How messages go out", list(_rules(old, new))))
    return [change for change in changes if change.lines]


def _whole(old: Raw, new: Raw) -> Iterable[Line]:
    for name in ("name", "description"):
        if old.get(name) != new.get(name):
            yield from_to(name.capitalize(), old.get(name), new.get(name))


def _start(old: Raw, new: Raw) -> Iterable[Line]:
    was, now = old.get("trigger") or {}, new.get("trigger") or {}
    if was.get("news") != now.get("news"):
        yield plain(f"Starts when {describing.news(now.get('news'))}, before: {describing.news(was.get('news'))}")
    if was.get("if") != now.get("if"):
        yield from_to("Only if", describing.condition(was.get("if")), describing.condition(now.get("if")))
    for name in sorted((was.keys() | now.keys()) - {"news", "if"}):
        if was.get(name) != now.get(name):
            yield from_to(name.replace("_", " ").capitalize(), _said(name, was), _said(name, now))
    if old.get("start") != new.get("start"):
        yield from_to("First step", _title(old, old.get("start")), _title(new, new.get("start")))
    for name, word in (("exits", "Ends early"), ("goals", "Goal")):
        before, after = ([_exit(one) for one in document.get(name) or []] for document in (old, new))
        yield from (plain(f"{word}, new: {one}") for one in after if one not in before)
        yield from (plain(f"{word}, taken out: {one}") for one in before if one not in after)
        if set(before) == set(after) and old.get(name) != new.get(name):
            yield plain(f"{word}: in another order, or called otherwise inside the flow")


def _exit(part: Raw) -> str:
    when = ", and ".join(filter(None, (describing.news(part.get("news")), describing.condition(part.get("if")))))
    goes_on = "; the flow goes on" if part.get("ends") is False else ""
    return f"{part.get('reason') or part.get('title') or part.get('name')} ({when}{goes_on})"


def _step(old: Raw, new: Raw, was: Raw, now: Raw) -> Iterable[Line]:
    if was.get("kind") != now.get("kind"):
        yield plain(f"{describing.kind_name(was.get('kind'))} became {describing.kind_name(now.get('kind'))}")
        return
    yield from _ways(old, new, was, now)
    ways = {way.split(".")[0] for step in (was, now) for way, _ in ways_of(step)}
    said = {*messages_of(was), *messages_of(now)}
    for name in sorted((was.keys() | now.keys()) - ways - said - {"kind", *_LISTED}):
        if was.get(name) != now.get(name):
            label = _SETTINGS.get(name, name.replace("_", " ")).capitalize()
            yield from_to(label, _said(name, was), _said(name, now))
    for name in _LISTED:
        if was.get(name) != now.get(name):
            yield from _listed(name, old, new, was, now)
    for name in sorted(said):
        if was.get(name) != now.get(name):
            verb = (
                "New message" if not was.get(name) else "Message taken out" if not now.get(name) else "Another message"
            )
            yield plain(f"{verb}: {name.replace('_', ' ')}")


def _ways(old: Raw, new: Raw, was: Raw, now: Raw) -> Iterable[Line]:
    """The ways out that have a name of their own."""
    before, after = dict(ways_of(was)), dict(ways_of(now))
    for way in dict.fromkeys((*before, *after)):
        same = before.get(way) == after.get(way) and (way in before) == (way in after)
        if same or way.split(".")[0] in _LISTED:
            continue
        owner, document = (now, new) if way in after else (was, old)
        name = describing.way_name(owner, way, document)
        if way not in after:
            yield plain(f"Way taken out: {name}")
        elif way not in before:
            yield plain(f"New way: {name}, to {_title(new, after[way])}")
        else:
            yield plain(_leads(name, old, new, before[way], after[way]))


def _leads(name: str, old: Raw, new: Raw, before: Any, after: Any) -> str:
    return f"{name}: goes to {_title(new, after)}, before: {_title(old, before)}"


def _listed(field: str, old: Raw, new: Raw, was: Raw, now: Raw) -> Iterator[Line]:
    """The ways of a branch, a split or a trial: each with its rule before, and now."""
    before, after = (list(_rules_of(step, field)) for step in (was, now))
    told = False
    rules = [[rule for rule, _ in each] for each in (before, after)]
    moved = rules[0] != rules[1] and sorted(rules[0]) == sorted(rules[1])
    if moved:
        yield plain(f"Its ways are tried in another order: {'; '.join(rules[1])}")
        told, before = True, sorted(before, key=lambda one: rules[1].index(one[0]))
        rules[0] = [rule for rule, _ in before]
    for _, a, b, c, d in SequenceMatcher(None, rules[0], rules[1], autojunk=False).get_opcodes():
        for at in range(max(b - a, d - c)):
            one = before[a + at] if a + at < b else None
            other = after[c + at] if c + at < d else None
            for line in _way(old, new, one, other):
                told = True
                yield line
    if not told:
        yield plain("Its ways are written in another way")


def _rules_of(step: Raw, field: str) -> Iterator[tuple[str, Any]]:
    """(rule in words, where it leads)"""
    parts = step.get(field)
    for at, part in enumerate(parts if isinstance(parts, list | tuple) else ()):
        if isinstance(part, Mapping):
            yield describing.way_name({**step, field: parts}, f"{field}.{at}.goto", {}), part.get("goto")


def _way(old: Raw, new: Raw, before: tuple[str, Any] | None, after: tuple[str, Any] | None) -> Iterator[Line]:
    if before is None or after is None:
        if after is not None:
            yield plain(f"New way: {after[0]}, to {_title(new, after[1])}")
        elif before is not None:
            yield plain(f"Way taken out: {before[0]}")
        return
    if before[0] != after[0]:
        yield from_to("A way", before[0], after[0])
    if before[1] != after[1]:
        yield plain(_leads(after[0], old, new, before[1], after[1]))


def _paths(old: Raw, new: Raw) -> list[Change]:
    before, after = ([_path(document, one) for one in document.get("listeners") or []] for document in (old, new))
    lines = [plain(f"New: {one}") for one in after if one not in before]
    return [Change("Paths for news", [*lines, *(plain(f"Taken out: {one}") for one in before if one not in after)])]


def _path(document: Raw, listener: Raw) -> str:
    only = describing.condition(listener.get("if"))
    return (
        f"when {describing.news(listener.get('news'))}{f', only if {only}' if only else ''}: "
        f"{_title(document, listener.get('goto'))}"
    )


def _words(old: Raw, new: Raw, names: Mapping[str, str]) -> Iterator[Change]:
    was, now = old.get("texts") or {}, new.get("texts") or {}
    for tag in dict.fromkeys((*was, *now)):
        where = f"Words in {names.get(tag, tag)}"
        if tag not in now or tag not in was:
            yield Change(where, [plain("New language" if tag in now else "Language taken out")])
        else:
            yield Change(where, list(_language(was[tag], now[tag])))


def _language(was: Raw, now: Raw) -> Iterator[Line]:
    before, after = was.get("messages") or {}, now.get("messages") or {}
    for message in dict.fromkeys((*before, *after)):
        one, other = _spread(before.get(message) or {}), _spread(after.get(message) or {})
        for part in dict.fromkeys((*one, *other)):
            if one.get(part) != other.get(part):
                label = _called(message) + ("" if part == "text" else f", {part.replace('_', ' ')}")
                yield from_to(label, _flat(one.get(part)), _flat(other.get(part)))
    small, large = was.get("words") or {}, now.get("words") or {}
    for word in dict.fromkeys((*small, *large)):
        if small.get(word) != large.get(word):
            yield from_to(f"Word {word.replace('_', ' ')}", small.get(word), large.get(word))


def _called(message: str) -> str:
    return message.replace("_", " ").capitalize()


def _rules(old: Raw, new: Raw) -> Iterator[Line]:
    """Purpose, use-by, link and template of each message."""
    before, after = old.get("messages") or {}, new.get("messages") or {}
    for message in after:
        was, now = before.get(message), after[message]
        if was is None or was == now:
            continue
        one, other = _rule(was), _rule(now)
        for label in dict.fromkeys((*one, *other)):
            if one.get(label) != other.get(label):
                yield from_to(f"{_called(message)}, {label}", one.get(label), other.get(label))


def _rule(spec: Raw) -> dict[str, str]:
    """{what it is called: its value in words}"""
    purpose, template = str(spec.get("purpose") or ""), spec.get("template") or {}
    needed = spec.get("requires") or ()
    return {
        "purpose": Purpose(purpose).label if purpose in Purpose.values else purpose,
        "not sent later than": describing.length(spec["useful_for"]) if spec.get("useful_for") else "",
        "link": str(spec.get("url") or ""),
        "left out unless known": describing.either(map(describing.fact, needed), "and"),
        "told once together with": str(spec.get("tells") or "").replace("_", " "),
        "WhatsApp template": str(template.get("name") or ""),
        "category at Meta": str(template.get("category") or "").capitalize(),
        "values of the template": "; ".join(
            f"{one.get('name')}: {one.get('value')} (for example {one.get('sample')})"
            for one in template.get("parameters") or ()
        ),
    }


def _spread(wording: Raw) -> dict[str, Any]:
    """Each network's form by itself: "on sms"."""
    plain_parts = {part: value for part, value in wording.items() if part != "forms"}
    return plain_parts | {f"on {kind}": text for kind, text in (wording.get("forms") or {}).items()}


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
            if name in _NEWS
            else ", ".join(str(one)[:5] if name == "between" else one for one in value)
        )
    return str(value)


def _flat(value: Any) -> str:
    return ", ".join(map(str, value.values())) if isinstance(value, Mapping) else str(value or "")
