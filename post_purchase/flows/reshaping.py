"""Adding, moving, copying and deleting steps: a draft in, a draft out. Pure; takes broken drafts.

A place in the path is an edge: what is written where a step leads on ("steps.review.on_help", "start").
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from .paths import edges, reach, steps_of, ways_of

Raw = Mapping[str, Any]
MAX_STEPS = 200
HELLO = "Hello! This is about your order {{ order.name }}. Answer here if you need us."


class CannotReshape(ValueError):
    """The change is not possible; the words are for the merchant."""


def blank(kind: str, step_id: str) -> dict[str, Any]:
    """A new step of this kind, as it can be published or nearly so."""
    made: dict[str, dict[str, Any]] = {
        "send": {"message": step_id},
        "ask": {"message": step_id, "choices": {"yes": None, "no": None}, "timeout": "P2D", "save_as": step_id},
        "wait": {"for": "P1D", "why": ""},
        "branch": {"cases": [{"if": {"fact": "order.total", "at_least": 50}, "goto": None}]},
        "split": {"ways": [{"weight": 50, "goto": None}, {"weight": 50, "goto": None}]},
        "experiment": {
            "goal": "",
            "variants": [{"name": "a", "weight": 1, "goto": None}, {"name": "b", "weight": 1, "goto": None}],
        },
        "digest": {"for": "PT2H", "news": ["parcel_shipped"]},
        "collect_review": {
            "question": f"{step_id}_question",
            "more_question": f"{step_id}_more",
            "more_question_low": f"{step_id}_low",
            "photo_question": f"{step_id}_photo",
            "timeout": "P7D",
            "photo_timeout": "PT20H",
            "disclosure": "disclosure",
        },
        "add_photo": {"review_step": ""},
        "reward": {"timeout": "P1D"},
        "recommend": {"by": "compatible", "limit": 1},
        "send_guide": {"message": step_id},
        "tag": {"tag": "Doorstep"},
        "set_field": {"field": "note", "value": "yes"},
        "give_consent": {"purpose": "marketing", "asked_in": ""},
        "note": {"text": "Look at this order, please"},
        "hand_off": {"reason": "The flow asks for a person"},
        "call_webhook": {"url": "https://"},
        "start_flow": {"flow": ""},
        "end": {"reason": "Finished"},
    }
    return {"kind": kind, **made.get(kind, {})}


# The first words of a new message, so that the step can be tried at once.
_WORDS: dict[str, dict[str, tuple[str, dict[str, str]]]] = {
    "send": {"": (HELLO, {})},
    "ask": {"": ("A question about your order {{ order.name }}: is all well?", {"yes": "Yes", "no": "No"})},
    "send_guide": {"": ("{{ guide.text }}", {})},
    "collect_review": {
        "_question": (
            "{{ review.product | default: order.name }}: how do you like it? Tap or write 1 to 5.",
            {str(stars): "★" * stars + "☆" * (5 - stars) for stars in range(1, 6)},
        ),
        "_more": ("Thank you! What should others know about it?", {"skip": "No comment"}),
        "_low": ("Thank you for being honest. What is wrong?", {"help": "Get help", "skip": "No comment"}),
        "_photo": ("Would you add a photo?", {"skip": "No photo"}),
    },
}


def add(document: Raw, edge: str, kind: str, language: str = "en") -> tuple[dict[str, Any], str]:
    """(draft, id of the new step). It stands between the edge and what the edge led to."""
    changed: dict[str, Any] = deepcopy(dict(document))
    if len(steps_of(changed)) >= MAX_STEPS:
        raise CannotReshape(f"A flow has {MAX_STEPS} steps at most")
    step_id = free_id(changed, kind)
    changed.setdefault("steps", {})[step_id] = blank(kind, step_id)
    for suffix, (text, choices) in _WORDS.get(kind, {}).items():
        purpose = "review_request" if suffix == "_question" else "service" if suffix else "utility"
        changed.setdefault("messages", {})[step_id + suffix] = {"purpose": purpose}
        spoken = changed.setdefault("texts", {}).setdefault(language, {}).setdefault("messages", {})
        spoken[step_id + suffix] = {"text": text, **({"choices": choices} if choices else {})}
    _put_in(changed, step_id, edge)
    return changed, step_id


def move(document: Raw, step_id: str, edge: str) -> dict[str, Any]:
    """The step alone moves; what stood after it closes up."""
    changed: dict[str, Any] = deepcopy(dict(document))
    _known(changed, step_id)
    if edge.startswith(f"steps.{step_id}."):
        raise CannotReshape("A step cannot stand behind itself")
    _take_out(changed, step_id)
    _put_in(changed, step_id, edge)
    return changed


def shift(document: Raw, step_id: str, by: int) -> dict[str, Any]:
    """One place up (-1) or down (1) on its own line."""
    _known(document, step_id)
    step = steps_of(document)[step_id]
    if by > 0:
        below = _main(step)[1]
        if below is None or below == step_id:
            raise CannotReshape("It is the last step of its way")
        after = _main(steps_of(document)[below])[0] if below in steps_of(document) else ""
        if not after:
            raise CannotReshape("The way parts here. Choose a place under “Move to”.")
        return move(document, step_id, f"steps.{below}.{after}")
    leading = [edge for edge, target in edges(document) if target == step_id]
    if not leading:
        raise CannotReshape("Nothing leads to this step. Choose a place under “Move to”.")
    parts = leading[0].split(".")
    if parts[0] != "steps":
        raise CannotReshape("It is the first step of its way")
    before = [edge for edge, target in edges(document) if target == parts[1]]
    if not before:
        raise CannotReshape("It is the first step of its way")
    return move(document, step_id, before[0])


def copy(document: Raw, step_id: str) -> tuple[dict[str, Any], str]:
    """A copy right after it, with messages of its own."""
    changed: dict[str, Any] = deepcopy(dict(document))
    _known(changed, step_id)
    if len(steps_of(changed)) >= MAX_STEPS:
        raise CannotReshape(f"A flow has {MAX_STEPS} steps at most")
    step = deepcopy(dict(changed["steps"][step_id]))
    new_id = free_id(changed, step_id)
    for name, message in messages_of(step).items():
        twin = free_id(changed, message, among="messages")
        step[name] = twin
        if message in changed.get("messages", {}):
            changed["messages"][twin] = deepcopy(changed["messages"][message])
            if template := changed["messages"][twin].get("template"):
                template["name"] = f"{template.get('name', twin)}_{new_id}"[:100]
        for spoken in changed.get("texts", {}).values():
            if message in spoken.get("messages", {}):
                spoken["messages"][twin] = deepcopy(spoken["messages"][message])
    for way, _ in ways_of(step):
        _set(step, way.split("."), None)
    changed["steps"][new_id] = step
    way, _ = _main(changed["steps"][step_id])
    leading = next((edge for edge, target in edges(changed) if target == step_id), "")
    _put_in(changed, new_id, f"steps.{step_id}.{way}" if way else leading)
    return changed, new_id


def delete(document: Raw, step_id: str) -> tuple[dict[str, Any], list[str]]:
    """(draft, ids that went). What only this step led to goes along, with the words that nothing uses any more."""
    changed: dict[str, Any] = deepcopy(dict(document))
    _known(changed, step_id)
    before = _reached(changed)
    _take_out(changed, step_id)
    for way, _ in ways_of(changed["steps"][step_id]):
        _set(changed["steps"][step_id], way.split("."), None)
    after = _reached(changed)
    gone = [name for name in steps_of(changed) if name == step_id or (name in before and name not in after)]
    for name in gone:
        del changed["steps"][name]
    _forget_unused(changed, document)
    return changed, gone


def listen(document: Raw, news: str) -> tuple[dict[str, Any], int]:
    """A path of its own for some news, with a first message to be written."""
    changed: dict[str, Any] = deepcopy(dict(document))
    listeners = changed.setdefault("listeners", [])
    listeners.append({"news": [news], "goto": None})
    at = len(listeners) - 1
    changed, _ = add(changed, f"listeners.{at}.goto", "send")
    return changed, at


def stop_listening(document: Raw, at: int) -> dict[str, Any]:
    changed: dict[str, Any] = deepcopy(dict(document))
    if not 0 <= at < len(changed.get("listeners", [])):
        raise CannotReshape("There is no such path any more")
    before = _reached(changed)
    del changed["listeners"][at]
    for name in before - _reached(changed):
        del changed["steps"][name]
    _forget_unused(changed, document)
    return changed


def set_target(document: Raw, edge: str, target: str | None) -> dict[str, Any]:
    changed: dict[str, Any] = deepcopy(dict(document))
    _set(changed, edge.split("."), target)
    return changed


def messages_of(step: Raw) -> dict[str, str]:
    """{field: message id} of every message that the step may send, as written."""
    fields = (
        "message", "question", "retry_message", "reminder",
        "more_question", "more_question_low", "photo_question", "photo_reminder",
    )  # fmt: skip
    return {name: str(step[name]) for name in fields if step.get(name)}


def free_id(document: Raw, like: str, among: str = "steps") -> str:
    taken = set(document.get(among) or {}) | set(document.get("steps") or {})
    if like not in taken:
        return like
    base = like[:36].rstrip("_0123456789") or like[:36]
    return next(name for number in range(2, 10_000) if (name := f"{base}_{number}") not in taken)


def _known(document: Raw, step_id: str) -> None:
    if step_id not in steps_of(document):
        raise CannotReshape("This step is not there any more")


def _main(step: Raw) -> tuple[str, str | None]:
    """(field, target) of the way on which the path goes on."""
    ways = ways_of(step)
    main = next(((way, target) for way, target in ways if way == "next"), None)
    return main or (ways[0] if ways else ("", None))


def _take_out(document: dict[str, Any], step_id: str) -> None:
    """Everything that led to the step leads to what came after it."""
    way, after = _main(document["steps"][step_id])
    after = None if after == step_id else after
    for edge, target in list(edges(document)):
        if target == step_id and not edge.startswith(f"steps.{step_id}."):
            if edge.startswith("listeners.") and after is None:
                raise CannotReshape("A path needs one step at least. Delete the whole path instead.")
            _set(document, edge.split("."), after)
    if way:
        _set(document["steps"][step_id], way.split("."), None)


def _put_in(document: dict[str, Any], step_id: str, edge: str) -> None:
    known = dict(edges(document))
    if edge not in known:
        raise CannotReshape("This place is not there any more")
    after = known[edge]
    _set(document, edge.split("."), step_id)
    if after is None or after == step_id:
        return
    step = document["steps"][step_id]
    ways = ways_of(step)
    if not ways:
        return  # an end: what came after is not reached any more, and is shown as such
    open_ways = [way for way, target in ways if target is None and not way.startswith("on_")]
    for way in open_ways or [_main(step)[0]]:
        _set(step, way.split("."), after)


def _reached(document: Raw) -> set[str]:
    found: set[str] = set()
    for edge, target in edges(document):
        if not edge.startswith("steps."):
            found.update(reach(document, target))
    return found


def _forget_unused(changed: dict[str, Any], before: Raw) -> None:
    """Messages that a step used and no step uses now."""
    were = {message for step in steps_of(before).values() for message in messages_of(step).values()}
    used = {message for step in steps_of(changed).values() for message in messages_of(step).values()}
    for message in were - used:
        changed.get("messages", {}).pop(message, None)
        for spoken in changed.get("texts", {}).values():
            spoken.get("messages", {}).pop(message, None)


def _set(target: Any, path: list[str], value: Any) -> None:
    for name in path[:-1]:
        target = target[int(name)] if isinstance(target, list) else target[name]
    target[path[-1]] = value


_PARTS: dict[str, Any] = {
    "exits": {"reason": "It is not needed any more", "if": {"fact": "order.cancelled", "equals": True}},
    "goals": {"news": ["review_given"], "ends": False},
    "cases": {"if": {"fact": "order.total", "at_least": 50}, "goto": None},
    "ways": {"weight": 50, "goto": None},
    "variants": {"weight": 1, "goto": None},
}
_MOST = {"exits": 20, "goals": 6, "cases": 10, "ways": 10, "variants": 6, "choices": 10}
_LEAST = {"cases": 1, "ways": 2, "variants": 2}


def add_part(document: Raw, place: str, title: str = "", language: str = "en") -> dict[str, Any]:
    """One more exit, goal, case, way, variant or answer. `place`: "exits", "steps.ask.choices"."""
    changed: dict[str, Any] = deepcopy(dict(document))
    owner, name = _owner(changed, place)
    parts = owner.get(name) or ({} if name == "choices" else [])
    if len(parts) >= _MOST[name]:
        raise CannotReshape(f"There can be {_MOST[name]} at most")
    if name == "choices":
        owner[name] = dict(parts) | {(choice := _choice_id(parts, title)): None}
        for message in (owner.get("message"), owner.get("retry_message"), owner.get("reminder")):
            if message:
                spoken = changed.setdefault("texts", {}).setdefault(language, {}).setdefault("messages", {})
                wording = spoken.setdefault(message, {"text": "…"})
                wording["choices"] = {**(wording.get("choices") or {}), choice: title[:24] or "Answer"}
        return changed
    part = deepcopy(_PARTS[name])
    if name in ("goals", "variants"):
        taken = {str(one.get("name")) for one in parts}
        part["name"] = next(word for n in range(1, 99) if (word := _name(name, n)) not in taken)
    owner[name] = [*parts, part]
    return changed


def _name(part: str, number: int) -> str:
    return f"goal_{number}" if part == "goals" else "abcdefghij"[number - 1] if number < 11 else f"variant_{number}"


def _choice_id(taken: Any, title: str) -> str:
    word = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in title.lower()).strip("_")[:30]
    word = word if word and word[0].isalpha() else f"answer_{word}".strip("_")
    return word if word not in taken else next(one for n in range(2, 99) if (one := f"{word}_{n}") not in taken)


def drop_part(document: Raw, place: str) -> dict[str, Any]:
    """`place`: "exits.2", "steps.ask.choices.no". What only it led to stays, and is shown as led to by nothing."""
    changed: dict[str, Any] = deepcopy(dict(document))
    path, _, last = place.rpartition(".")
    owner, name = _owner(changed, path)
    parts = owner.get(name) or []
    key: Any = last if name == "choices" else int(last) if last.isascii() and last.isdigit() and len(last) < 4 else -1
    if key not in (parts if name == "choices" else range(len(parts))):
        raise CannotReshape("This is not there any more")
    if len(parts) <= _LEAST.get(name, 0):
        raise CannotReshape("One fewer would leave no choice. Delete the step instead.")
    del parts[key]
    if name == "choices":
        used = {owner.get("message"), owner.get("retry_message"), owner.get("reminder")} - {None}
        for spoken in changed.get("texts", {}).values():
            for message in used & set(spoken.get("messages", {})):
                spoken["messages"][message].get("choices", {}).pop(key, None)
    return changed


def add_message(document: Raw, step_id: str, name: str, language: str) -> dict[str, Any]:
    """A message for a reminder, or for asking again in other words."""
    changed: dict[str, Any] = deepcopy(dict(document))
    _known(changed, step_id)
    if name not in ("reminder", "retry_message", "photo_reminder", "message") or changed["steps"][step_id].get(name):
        raise CannotReshape("This message is there already")
    message = free_id(changed, f"{step_id}_{name}"[:36], among="messages")
    changed["steps"][step_id][name] = message
    if name.endswith("reminder"):
        changed["steps"][step_id].setdefault(f"{name}_after", "P1D")
    specs, step = changed.setdefault("messages", {}), changed["steps"][step_id]
    asked_as = (specs.get(step.get("message") or step.get("question")) or {}).get("purpose")
    specs[message] = {"purpose": asked_as if name.endswith("reminder") and asked_as else "service"}
    asked = said_choices(changed, changed["steps"][step_id], language)
    spoken = changed.setdefault("texts", {}).setdefault(language, {}).setdefault("messages", {})
    spoken[message] = {"text": "One more time, in other words:", **({"choices": asked} if asked else {})}
    return changed


def said_choices(document: Raw, step: Raw, language: str) -> dict[str, str]:
    first = step.get("message") or step.get("question")
    for tag in (language, "en"):
        wording = ((document.get("texts") or {}).get(tag, {}).get("messages") or {}).get(first)
        if wording and wording.get("choices"):
            return dict(wording["choices"])
    return {}


def drop_message(document: Raw, step_id: str, name: str) -> dict[str, Any]:
    changed: dict[str, Any] = deepcopy(dict(document))
    _known(changed, step_id)
    if name not in ("reminder", "retry_message", "photo_reminder") and not (
        name == "message" and changed["steps"][step_id].get("kind") == "hand_off"
    ):
        raise CannotReshape("The step needs this message")
    changed["steps"][step_id].pop(name, None)
    changed["steps"][step_id].pop(f"{name}_after", None)
    _forget_unused(changed, document)
    return changed


def _owner(document: dict[str, Any], place: str) -> tuple[dict[str, Any], str]:
    """The part of the document that has the list, and the list's name."""
    parts = place.split(".")
    if len(parts) == 1 and parts[0] in ("exits", "goals"):
        return document, parts[0]
    if len(parts) == 3 and parts[0] == "steps" and parts[2] in ("cases", "ways", "variants", "choices"):
        _known(document, parts[1])
        if parts[2] == "choices" and document["steps"][parts[1]].get("kind") != "ask":
            raise CannotReshape("Only a question has answers")
        if parts[2] != "choices" and parts[2] not in document["steps"][parts[1]]:
            raise CannotReshape("This step has no such ways")
        return document["steps"][parts[1]], parts[2]
    raise CannotReshape("This cannot be changed here")
