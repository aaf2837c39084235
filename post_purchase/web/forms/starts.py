"""What starts a flow, what ends it early and what it is for, as fields; and the news that a path of its own hears."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from post_purchase.flows.describing import NEWS
from post_purchase.words import EventKind

from . import conditions
from .step_fields import FieldSpec, StepInput, answers_of, field_of
from .steps import READERS

SUBJECTS = {"order": "Each order", "parcel": "Each parcel", "contact": "Each shopper", "review": "Each review"}
IF_RUNNING = {
    "passive": "Run beside it",
    "skip": "Do not start again",
    "interrupt": "End the older one",
}
INTENTS = {
    "where": "where the order is",
    "when": "when it comes",
    "change_address": "to change the address",
    "cancel": "to cancel",
    "return_exchange": "to return or exchange",
    "problem": "about something wrong, damaged or missing",
    "invoice": "for an invoice",
    "how_to": "how to use it",
    "person": "for a person",
    "thanks": "nothing, and says thanks",
    "reorder": "to order again",
}
# Every flow ends with these by itself, or they go to the one run that waits for them.
OF_ITSELF = {EventKind.SHOP_UNINSTALLED, EventKind.CONTACT_REDACTED, EventKind.PRODUCTS_FOUND, EventKind.REWARD_FAILED}
PICKED = {news: words for news, words in NEWS.items() if news not in OF_ITSELF}
_ALWAYS = [
    FieldSpec("news", "several", "When", options=PICKED),
    FieldSpec("if", "condition", "Only if"),
    FieldSpec("subject", "choice", "Once for", options=SUBJECTS),
    FieldSpec("again_after", "duration", "Again, if that was so long ago", "Empty: never again"),
    FieldSpec("if_running", "choice", "While one is under way for the same shopper", options=IF_RUNNING),
]
_MEASURES = {
    EventKind.MESSAGE_RECEIVED: [
        FieldSpec("words", "words", "Only with one of these words", "Divided by commas"),
        FieldSpec("intents", "several", "Or where it asks", options=INTENTS),
    ],
    EventKind.CONTACT_SILENT: [FieldSpec("after", "duration", "Silent for")],
    EventKind.PURCHASE_AGED: [FieldSpec("after", "duration", "After the purchase")],
    EventKind.PARCEL_STALLED: [
        FieldSpec("working_days", "number", "Working days without a scan, in the same country", low=1, high=30),
        FieldSpec("working_days_abroad", "number", "And abroad", low=1, high=60),
    ],
    EventKind.DATE_REACHED: [
        FieldSpec("date", "text", "The date", "Like 12-01 (each year on 1 December), or contact.birthday"),
        FieldSpec("offset", "offset", "Days before (-) or after it"),
    ],
}
EXIT = [
    FieldSpec("reason", "text", "Why it ends"),
    FieldSpec("news", "several", "As soon as", options=PICKED),
    FieldSpec("if", "condition", "If"),
]
GOAL = [
    FieldSpec("title", "text", "Goal"),
    FieldSpec("news", "several", "Reached when", options=PICKED),
    FieldSpec("if", "condition", "If"),
    FieldSpec("ends", "tick", "The flow is then over"),
]
LISTENER = [FieldSpec("news", "several", "When", options=PICKED), FieldSpec("if", "condition", "Only if")]


@dataclass
class Group:
    place: str  # "exits.0"
    title: str
    inputs: list[StepInput]
    folded: bool = False  # its list of news is closed: what it hangs on is the condition


def trigger_specs(trigger: Mapping[str, Any]) -> list[FieldSpec]:
    heard = trigger.get("news") or []
    more = {spec.name: spec for news, specs in _MEASURES.items() if news in heard for spec in specs}
    return [_ALWAYS[0], *more.values(), *_ALWAYS[1:]]


def start_groups(document: Mapping[str, Any]) -> list[Group]:
    asked = answers_of(document)
    trigger = document.get("trigger") or {}
    groups = [Group("trigger", "Starts", [_made(spec, trigger, "trigger.", asked) for spec in trigger_specs(trigger)])]
    for name, specs, word in (("exits", EXIT, "Ends early"), ("goals", GOAL, "Goal")):
        for at, part in enumerate(document.get(name) or []):
            title = str(part.get("reason") or part.get("title") or part.get("name") or word)
            inputs = [_made(spec, part, f"{name}.{at}.", asked) for spec in specs]
            groups.append(Group(f"{name}.{at}", f"{word}: {title}", inputs, folded=bool(part.get("if"))))
    return groups


def listener_group(document: Mapping[str, Any], at: int) -> Group:
    part, asked = document["listeners"][at], answers_of(document)
    return Group(f"listeners.{at}", "Hears", [_made(spec, part, f"listeners.{at}.", asked) for spec in LISTENER])


def _made(spec: FieldSpec, part: Mapping[str, Any], prefix: str, asked: list[str]) -> StepInput:
    made = field_of(spec, part, prefix, asked)
    if spec.kind == "words":
        made.value = ", ".join(part.get(spec.name) or [])
    if spec.name == "ends":
        made.value = part.get("ends", True)
    return made


def read_start(document: Mapping[str, Any], data: Any) -> tuple[dict[str, Any], dict[str, str]]:
    changed: dict[str, Any] = deepcopy(dict(document))
    errors: dict[str, str] = {}
    name = " ".join(data.get("name", "").split())[:120]
    if name:
        changed["name"] = name
    elif "name" in data:
        errors["name"] = "A flow needs a name."
    if "description" in data:
        changed["description"] = data["description"].strip()[:1000]
    trigger = dict(changed.get("trigger") or {})
    _read_group(trigger, trigger_specs(trigger), "trigger.", data, errors)
    changed["trigger"] = trigger
    for kind, specs in (("exits", EXIT), ("goals", GOAL)):
        for at, part in enumerate(changed.get(kind) or []):
            _read_group(part, specs, f"{kind}.{at}.", data, errors)
    return changed, errors


def read_listener(document: Mapping[str, Any], at: int, data: Any) -> tuple[dict[str, Any], dict[str, str]]:
    changed: dict[str, Any] = deepcopy(dict(document))
    errors: dict[str, str] = {}
    _read_group(changed["listeners"][at], LISTENER, f"listeners.{at}.", data, errors)
    return changed, errors


def _read_group(part: dict[str, Any], specs: list[FieldSpec], prefix: str, data: Any, errors: dict[str, str]) -> None:
    for spec in specs:
        name = prefix + spec.name
        if spec.kind == "words":
            if name in data:
                words = [word.strip()[:60] for word in data[name].split(",") if word.strip()]
                part.update({"words": words[:30]}) if words else part.pop("words", None)
        elif spec.kind == "condition":
            _read_if(part, name, data, errors)
        elif spec.kind == "several" and (spec.name == "intents" or prefix.startswith(("exits.", "goals."))):
            if data.get("ticks"):
                chosen = [value for value in data.getlist(name) if value in spec.options]
                part.update({spec.name: chosen}) if chosen else part.pop(spec.name, None)
        elif spec.name == "ends":
            if data.get("ticks"):
                part["ends"] = bool(data.get(name))
        elif spec.name == "again_after" and f"{name}#number" in data and not data[f"{name}#number"].strip():
            part.pop(spec.name, None)
        else:
            READERS[spec.kind](part, spec, name, data, errors)


def _read_if(part: dict[str, Any], name: str, data: Any, errors: dict[str, str]) -> None:
    if f"{name}#both" not in data and f"{name}#yaml" not in data:
        return
    found, wrong = conditions.read(name, data, part.get("if"))
    errors.update(wrong)
    if found is not None:
        part["if"] = found
    elif not wrong:
        part.pop("if", None)
