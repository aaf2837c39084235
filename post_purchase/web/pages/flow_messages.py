"""Changes of one message in the editor that are more than typing: is it an offer, its template, its languages."""

from collections.abc import Callable, Mapping
from typing import Any

from post_purchase.flows import message_rules, own_templates
from post_purchase.words import Purpose
from shopapp.lib import clock

Document = Mapping[str, Any]
Verb = Callable[[dict[str, Any], Mapping[str, str], dict[str, str]], Document]


def what(verb: str, step: str, data: Mapping[str, str]) -> str:
    """For the draft's history, whose rows have who and when."""
    words = {
        "make_offer": f"Made {step} an offer",
        "no_offer": f"Said that the words of {step} are no offer",
        "add_template": f"Began a text for WhatsApp at {step}",
        "drop_template": f"Took the text for WhatsApp out of {step}",
        "drop_value": f"Took a value out of the text for WhatsApp at {step}",
    }
    return words[verb]


def _make_offer(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    told["step"] = data.get("step", "")
    told["toast"] = "It is an offer now: it goes only to who said yes to offers."
    return message_rules.set_purpose(document, data.get("message", ""), Purpose.MARKETING.value)


def _no_offer(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    told["step"] = data.get("step", "")
    now = clock.now().isoformat(timespec="seconds")
    changed, words = message_rules.say_no_offer(document, data.get("message", ""), by=told["user"], at=now)
    listed = ", ".join(f"“{word}”" for word in words[:4])
    told["toast"] = f"Kept with your name and the time: {listed} is no offer here."
    return changed


def _add_template(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    told["step"] = data.get("step", "")
    told["toast"] = "Here is a first text for WhatsApp. Read it through; it goes to Meta when the flow is published."
    return own_templates.add_template(document, data.get("message", ""), data.get("language", ""))


def _drop_template(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    told["step"] = data.get("step", "")
    return own_templates.drop_template(document, data.get("message", ""))


def _drop_value(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    told["step"] = data.get("step", "")
    number = data.get("number", "")
    small = number.isascii() and number.isdigit() and len(number) < 4
    return own_templates.drop_value(document, data.get("message", ""), int(number) if small else 0)


VERBS: dict[str, Verb] = {
    "make_offer": _make_offer, "no_offer": _no_offer,
    "add_template": _add_template, "drop_template": _drop_template, "drop_value": _drop_value,
}  # fmt: skip
