"""Changes of one message in the editor that are more than typing: is it an offer, its template, its languages."""

from collections.abc import Callable, Mapping
from typing import Any

from post_purchase.flows import message_rules
from post_purchase.words import Purpose
from shopapp.lib import clock

Document = Mapping[str, Any]
Verb = Callable[[dict[str, Any], Mapping[str, str], dict[str, str]], Document]


def what(verb: str, step: str, data: Mapping[str, str]) -> str:
    """For the draft's history, whose rows have who and when."""
    words = {
        "make_offer": f"Made {step} an offer",
        "no_offer": f"Said that the words of {step} are no offer",
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


VERBS: dict[str, Verb] = {"make_offer": _make_offer, "no_offer": _no_offer}
