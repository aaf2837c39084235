"""Offers marked as answers or order news, though nobody asked: they would slip past the yes and the caps. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from post_purchase.words import EventKind, Purpose

from .definition import Problem
from .paths import listeners_of, steps_of, ways_of
from .reshaping import messages_of
from .step import WROTE

_TAGS = re.compile(r"\{[{%](.*?)[%}]\}", re.DOTALL)
_OFFERS = re.compile(r"\b(reward\.(?:code|percentage|ends_at)|products)\b")
ASKED = {*WROTE, EventKind.MEDIA_STORED.value}  # the shopper did something: what follows is an answer
AFTER_AN_ANSWER = ("retry_message", "more_question", "more_question_low", "photo_question", "photo_reminder")
_REFUSED = "it goes without the shopper's yes and past the limits for offers. Make it an offer, or ask first"


def lint(document: Mapping[str, Any]) -> list[Problem]:
    """Of the raw document: each message that offers something and is reached without any answer of the shopper."""
    specs: Any = document.get("messages") or {}
    found = []
    for step in _unasked(document):
        for field, message in messages_of(steps_of(document)[step]).items():
            purpose = str((specs.get(message) or {}).get("purpose"))
            if field in AFTER_AN_ANSWER or purpose not in (Purpose.SERVICE, Purpose.UTILITY):
                continue
            if named := _offered(document, message):
                kind = "an answer" if purpose == Purpose.SERVICE else "order news"
                why = f"This names {named} and is marked as {kind}, but nobody has asked here: {_REFUSED}"
                found.append(Problem(f"messages.{message}.purpose", why))
    return list(dict.fromkeys(found))


def _unasked(document: Mapping[str, Any]) -> Iterable[str]:
    """The steps that a run can come to before the shopper has answered anything."""
    steps, waiting = steps_of(document), []
    trigger: Any = document.get("trigger") or {}
    if not _all_asked(trigger.get("news")):
        waiting.append(document.get("start"))
    waiting += [one.get("goto") for one in listeners_of(document) if not _all_asked(one.get("news"))]
    found: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if not isinstance(name, str) or name not in steps or name in found:
            continue
        found[name] = None
        step = steps[name]
        waiting += [target for way, target in ways_of(step) if not _answered(step, way)]
    return found


def _answered(step: Mapping[str, Any], way: str) -> bool:
    if step.get("kind") in ("ask", "collect_review"):
        return way != "on_timeout"
    return way == "on_cut_short" and _all_asked(step.get("cut_short_by"))


def _all_asked(news: Any) -> bool:
    return isinstance(news, list | tuple) and bool(news) and all(str(one) in ASKED for one in news)


def _offered(document: Mapping[str, Any], message: str) -> str:
    """The first value of an offer that the message names, in any language."""
    spec: Any = (document.get("messages") or {}).get(message) or {}
    written = [spec.get("url")]
    written += [one.get("value") for one in (spec.get("template") or {}).get("parameters") or ()]
    for spoken in (document.get("texts") or {}).values():
        wording: Any = ((spoken or {}).get("messages") or {}).get(message) or {}
        written += [wording.get(name) for name in ("text", "subject", "preheader")]
        written += (wording.get("forms") or {}).values()
    for tag in _TAGS.findall(" ".join(str(one) for one in written if one)):
        if named := _OFFERS.search(tag):
            return named.group(1)
    return ""
