"""What a step says: its messages in one language as fields, and what is typed back into the document."""

import dataclasses
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from post_purchase.flows import languages, message_rules, own_templates
from post_purchase.flows.describing import VALUES, readable, said
from post_purchase.flows.reshaping import messages_of
from post_purchase.flows.template_lint import longest_sample
from post_purchase.flows.window import JUST_ANSWERED
from post_purchase.words import ChannelKind, Purpose

from . import links

MAX_TEXT = 4000
LINES = {"subject": "E-mail subject", "preheader": "E-mail preview line", "url_title": "Words on the button"}
NAMES = {
    "message": "Message", "question": "Question", "retry_message": "Asked again in other words", "reminder": "Reminder",
    "more_question": "After the stars", "more_question_low": "After few stars", "photo_question": "Asking for a photo",
    "photo_reminder": "Reminder of the photo",
}  # fmt: skip
PURPOSES = {
    Purpose.UTILITY: ("News of the order", "for everybody who may hear of it, from 8 to 21 hours their time"),
    Purpose.SERVICE: ("An answer", "to what the shopper has just written or tapped; at any hour, past all limits"),
    Purpose.REVIEW_REQUEST: ("Asks for a review", "at the hours of the place, within your limits; not to who refused"),
    Purpose.MARKETING: ("An offer", "only to who said yes to offers; at the hours of the place, within your limits"),
}

FORMS = (ChannelKind.SMS, ChannelKind.EMAIL, ChannelKind.WHATSAPP, ChannelKind.MESSENGER, ChannelKind.TELEGRAM)


@dataclass
class ValueInput:
    """A value of a template: {{1}}."""

    number: int
    words: str
    sample: str
    name: str  # of the input
    is_used: bool

    @property
    def place(self) -> str:
        return f"{{{{{self.number}}}}}"


@dataclass
class WordingInput:
    field: str  # of the step: "message", "reminder"
    message: str
    label: str
    base: str  # "texts.en.messages.receipt"
    text: str = ""
    instead: str = ""  # what is said while this language has no words
    has_forms: bool = False
    link: links.LinkInput | None = None
    lines: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)  # (input, label, value)
    choices: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)
    forms: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)  # (input, network, value)
    template: str = ""  # for Meta
    has_template: bool = False
    template_instead: str = ""  # what another language has
    values: list[ValueInput] = dataclasses.field(default_factory=list)
    template_problems: list[str] = dataclasses.field(default_factory=list)
    state: str = ""  # the template's, at Meta
    to_translate: str = ""  # the language of which these words are a copy
    purpose: str = ""
    purposes: list[tuple[str, str, str, bool]] = dataclasses.field(default_factory=list)  # (value, name, words, chosen)
    no_offer: Mapping[str, Any] | None = None  # who said so, and when
    is_follow_up: bool = False  # said at once after an answer: it is never too late, and leads nowhere else
    may_go: bool = False  # the step can do without it


def inputs_of(document: Mapping[str, Any], step: Mapping[str, Any], language: str) -> list[WordingInput]:
    found = []
    for name, message in messages_of(step).items():
        base = f"texts.{language}.messages.{message}"
        wording = _wording(document, language, message)
        spec = (document.get("messages") or {}).get(message) or {}
        made = WordingInput(name, message, NAMES.get(name, name), base, str(wording.get("text", "")))
        made.to_translate = str(wording.get("to_translate", ""))
        made.purpose = str(spec.get("purpose", ""))
        made.purposes = _purposes(step, name, made.purpose)
        made.no_offer = spec.get("no_offer") if isinstance(spec.get("no_offer"), Mapping) else None
        made.has_template, made.template = bool(spec.get("template")), str(wording.get("template", ""))
        if made.has_template:
            made.values = _values(document, message, spec["template"])
            made.template_instead = "" if made.template else _template_of_others(document, message)
        made.instead = "" if made.text else said(document, message, language)
        made.lines = [(f"{base}.{line}", label, str(wording.get(line, ""))) for line, label in LINES.items()]
        made.is_follow_up = name in JUST_ANSWERED
        if spec.get("url") or not made.is_follow_up:
            made.link = links.input_of(message, str(spec.get("url") or ""))
        made.forms = _forms(base, wording)
        made.has_forms = any(value for _, _, value in made.forms)
        made.choices = [
            (
                f"{base}.choices.{choice}",
                f"Tap: {choice.replace('_', ' ')}",
                str((wording.get("choices") or {}).get(choice, "")),
            )
            for choice in _choices(document, step, message)
        ]
        made.may_go = name in ("reminder", "retry_message", "photo_reminder") or step.get("kind") == "hand_off"
        found.append(made)
    return found


def _purposes(step: Mapping[str, Any], field: str, now: str) -> list[tuple[str, str, str, bool]]:
    """What may be chosen: the stars are asked for by a request for a review, or by an offer."""
    asks = step.get("kind") == "collect_review" and field in ("question", "reminder", "photo_reminder")
    wanted = (Purpose.REVIEW_REQUEST, Purpose.MARKETING) if asks else tuple(PURPOSES)
    return [(one.value, *PURPOSES[one], one == now) for one in PURPOSES if one in wanted or one == now]


def _values(document: Mapping[str, Any], message: str, template: Mapping[str, Any]) -> list[ValueInput]:
    used, found = own_templates.used_values(document, message), []
    for at, part in enumerate(template.get("parameters") or ()):
        value = str(part.get("value") or "")
        words = VALUES.get(value) or readable(value) or str(part.get("name"))
        name = f"messages.{message}.template.parameters.{at}.sample"
        found.append(ValueInput(at + 1, words, str(part.get("sample") or ""), name, at + 1 in used))
    return found


def values_in(document: Mapping[str, Any], message: str) -> list[Any]:
    spec = (document.get("messages") or {}).get(message) or {}
    return list((spec.get("template") or {}).get("parameters") or ())


def _template_of_others(document: Mapping[str, Any], message: str) -> str:
    bodies = [str(_wording(document, tag, message).get("template", "")) for tag in document.get("texts") or {}]
    return next(filter(None, bodies), "")


def purpose_name(said: WordingInput) -> str:
    return next((name for _, name, _, chosen in said.purposes if chosen), "")


def _wording(document: Mapping[str, Any], language: str, message: str) -> dict[str, Any]:
    found = (((document.get("texts") or {}).get(language) or {}).get("messages") or {}).get(message)
    return found if isinstance(found, dict) else {}


def _forms(base: str, wording: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The usual networks, and whatever else has a form of its own already."""
    written = wording.get("forms") or {}
    kinds = [kind for kind in ChannelKind if kind in FORMS or kind in written]
    kinds.sort(key=lambda kind: FORMS.index(kind) if kind in FORMS else len(FORMS))
    return [(f"{base}.forms.{kind.value}", kind.label, str(written.get(kind.value, ""))) for kind in kinds]


def _choices(document: Mapping[str, Any], step: Mapping[str, Any], message: str) -> list[str]:
    if isinstance(step.get("choices"), Mapping) and step["choices"]:
        return list(step["choices"])
    found: dict[str, None] = {}
    for spoken in (document.get("texts") or {}).values():
        found |= dict.fromkeys(((spoken.get("messages") or {}).get(message) or {}).get("choices") or {})
    return list(found)


def part_of(document: Mapping[str, Any], step: Mapping[str, Any], language: str) -> list[Any]:
    """What the form changes: by it two people at one message are noticed."""
    messages = messages_of(step).values()
    specs = document.get("messages") or {}
    return [[specs.get(message), _wording(document, language, message)] for message in messages]


def read(
    document: dict[str, Any], step: Mapping[str, Any], data: Mapping[str, str], language: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """(the document with what was typed, errors). A text that is emptied is said in the next language of the chain."""
    changed: dict[str, Any] = deepcopy(document)
    errors: dict[str, str] = {}
    for made in inputs_of(document, step, language):
        purpose = data.get(f"messages.{made.message}.purpose", made.purpose)
        if purpose != made.purpose and purpose in [one[0] for one in made.purposes]:
            changed = message_rules.set_purpose(changed, made.message, purpose)
        spec = (changed.get("messages") or {}).get(made.message)
        if made.link is not None and isinstance(spec, dict):
            errors |= links.read(spec, made.link, data)
        if made.has_template:
            _read_values(changed["messages"][made.message]["template"], made, data, errors)
        wording = dict(_wording(changed, language, made.message))
        for line in ("text", "template", *LINES):
            name = f"{made.base}.{line}"
            if name not in data:
                continue
            value = data[name].replace("\r\n", "\n").replace("\0", "")
            if len(value) > MAX_TEXT:
                errors[name] = f"This is longer than {MAX_TEXT} characters."
                continue
            if line == "template" and made.has_template:
                value = own_templates.numbered(changed["messages"][made.message]["template"], value)
            _put(wording, line, value if line in ("text", "template") else " ".join(value.split()))
        forms = dict(wording.get("forms") or {})
        for name, _, _ in made.forms:
            if len(data.get(name, "")) > MAX_TEXT:
                errors[name] = f"This is longer than {MAX_TEXT} characters."
            elif name in data:
                _put(forms, name.rpartition(".")[2], data[name].replace("\r\n", "\n").replace("\0", ""))
        _keep(wording, "forms", forms)
        titles = dict(wording.get("choices") or {})
        for name, _, _ in made.choices:
            if name in data:
                _put(titles, name.rpartition(".")[2], " ".join(data[name].split()))
        _keep(wording, "choices", titles)
        messages = changed.setdefault("texts", {}).setdefault(language, {}).setdefault("messages", {})
        if wording.get("text"):
            messages[made.message] = wording
        elif any(f"{made.base}.{line}" in data for line in ("text",)):
            messages.pop(made.message, None)
    return languages.unmark_changed(document, changed), errors


def _read_values(template: dict[str, Any], made: WordingInput, data: Mapping[str, str], errors: dict[str, str]) -> None:
    for value in made.values:
        if value.name not in data or data[value.name] == value.sample:
            continue
        if len(data[value.name]) > longest_sample():
            errors[value.name] = f"This is longer than {longest_sample()} characters."
        else:
            own_templates.set_sample(template, value.number - 1, data[value.name].replace("\0", ""))


def _put(target: dict[str, Any], name: str, value: str) -> None:
    if value.strip():
        target[name] = value
    else:
        target.pop(name, None)


def _keep(wording: dict[str, Any], name: str, parts: dict[str, str]) -> None:
    if parts:
        wording[name] = parts
    else:
        wording.pop(name, None)
