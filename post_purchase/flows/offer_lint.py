"""Offers marked as something else: they would go without the shopper's yes and past the caps. Pure; broken drafts, too.

A finding stops publishing until the words are changed, the message is made an offer, or somebody says by name that the
sentence is none (`no_offer` of the message). Who then changes that sentence is asked again.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from post_purchase.words import EventKind, Purpose

from .definition import Problem
from .offer_words import REWARD, VALUE, Term, terms
from .paths import listeners_of, steps_of, ways_of
from .reshaping import messages_of
from .step import WROTE

Raw = Mapping[str, Any]
_TAG = re.compile(r"\{([{%])(.*?)[%}]\}", re.DOTALL)
_OFFERS = re.compile(r"\b(reward\.(?:code|percentage|ends_at)|products)\b")
_REWARDS = re.compile(r"\b(?:reward|products)\b")
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_SMALL_WORD = re.compile(r"\bwords\.(\w+)")
_PLACE = re.compile(r"\{\{(\d+)\}\}")
_ENDS = re.compile(r"(?<=[.!?。！？؟])\s+|(?<=[。！？])|\n+")
ASKED = {*WROTE, EventKind.MEDIA_STORED.value}  # the shopper did something: what follows is an answer
AFTER_AN_ANSWER = ("retry_message", "more_question", "more_question_low", "photo_question", "photo_reminder")
_TALK = {EventKind.RETURN_REQUESTED.value, EventKind.CONVERSATION_CLOSED.value, EventKind.HANDED_OFF.value}
_NOBODY_ASKED = (
    "It is marked as an answer, but nobody has written or tapped here: it would go at any hour, past all limits. "
    "Choose “News of the order”"
)
CALLED = {Purpose.SERVICE: "an answer", Purpose.UTILITY: "order news", Purpose.REVIEW_REQUEST: "a request for a review"}
SHOWN = 4  # words
_REFUSED = "it goes without the shopper's yes and past the limits for offers. Make it an offer, or ask first"


@dataclass
class Finding:
    """What makes one message an offer, and the sentences in which it stands."""

    message: str
    purpose: str
    words: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    value: str = ""  # "reward.code": an offer that is filled in, where nobody has asked
    mild: list[str] = field(default_factory=list)

    def why(self) -> str:
        called = CALLED[Purpose(self.purpose)]
        if self.value:
            return f"This names {self.value} and is marked as {called}, but nobody has asked here: {_REFUSED}"
        telling = [word for word in self.words if not word.startswith("%")] or self.words
        listed = ", ".join(f"“{word}”" for word in telling[:SHOWN])
        return (
            f"This reads like an offer ({listed}) and is marked as {called}: it would reach people who never said yes "
            "to offers. Change the words, make it an offer, or say that it is none"
        )


def lint(document: Raw) -> list[Problem]:
    """What stops publishing, at the message."""
    found = findings(document).values()
    return [Problem(f"messages.{one.message}.purpose", one.why()) for one in found if one.marks]


def hints(document: Raw) -> list[Problem]:
    """Words that may be an offer, or kindness."""
    found = [one for one in findings(document).values() if one.mild and not one.marks]
    return [
        Problem(
            f"messages.{one.message}.purpose",
            f"Some may read an offer in this ({', '.join(f'“{word}”' for word in one.mild[:SHOWN])}). "
            "If it is one, make it an offer",
        )
        for one in found
    ]


def unasked_answers(document: Raw) -> list[Problem]:
    """Answers to nobody: they would go at any hour and past all limits."""
    specs = _mapping(document.get("messages"))
    news: Any = _mapping(document.get("trigger")).get("news")
    if isinstance(news, list | tuple) and all(str(one) in ASKED | _TALK for one in news):
        return []
    unasked = _unasked(document)
    return [
        Problem(f"messages.{message}.purpose.asked", _NOBODY_ASKED)
        for message, places in _places(document).items()
        if _mapping(specs.get(message)).get("purpose") == Purpose.SERVICE
        and any(step in unasked and name not in AFTER_AN_ANSWER for step, name in places)
    ]


def findings(document: Raw) -> dict[str, Finding]:
    """By message: of those that steps send and that are no offers yet. What somebody has answered is left out."""
    specs = _mapping(document.get("messages"))
    unasked, unprompted = _unasked(document), _unasked(document, _prompted(document))
    consent = {str(step.get("asked_in")) for step in steps_of(document).values() if step.get("kind") == "give_consent"}
    found: dict[str, Finding] = {}
    for message, places in _places(document).items():
        purpose = str(_mapping(specs.get(message)).get("purpose"))
        if purpose not in CALLED:
            continue
        asked = not any(step in unasked and name not in AFTER_AN_ANSWER for step, name in places)
        wanted = purpose == Purpose.SERVICE and not any(
            step in unprompted and name not in AFTER_AN_ANSWER for step, name in places
        )
        rewarded = purpose == Purpose.REVIEW_REQUEST or (asked and purpose == Purpose.SERVICE)
        one = Finding(message, purpose)
        _look(one, document, plain=wanted or message in consent, rewards=rewarded, value=not asked)
        if one.marks or one.mild:
            found[message] = one
    return found


def _look(finding: Finding, document: Raw, *, plain: bool, rewards: bool, value: bool) -> None:
    """`plain`, `rewards`: it may speak of offers, or beside a reward; `value`: it may not name one unasked."""
    spec = _mapping(_mapping(document.get("messages")).get(finding.message))
    answered = set(_mapping(spec.get("no_offer")).get("said") or ())
    if value and finding.purpose != Purpose.REVIEW_REQUEST and (named := _offered(document, finding.message)):
        mark = mark_of(f"value {named}")
        if mark not in answered:
            finding.value, finding.marks = named, [mark]
    for language, sentence, rewarding in sentences(document, finding.message):
        mark = mark_of(sentence)
        if mark in answered:
            continue
        allowed = plain or (rewards and rewarding)
        said = [term for term in terms(sentence, language) if term.weight == "push" or not allowed]
        _note(finding, said, mark)


def _note(finding: Finding, said: Iterable[Term], mark: str) -> None:
    for term in said:
        if term.weight == "mild":
            finding.mild.append(term.words)
        else:
            finding.words.append(term.words)
            finding.marks.append(mark)
    finding.words, finding.marks = list(dict.fromkeys(finding.words)), list(dict.fromkeys(finding.marks))
    finding.mild = list(dict.fromkeys(finding.mild))


def mark_of(sentence: str) -> str:
    return hashlib.sha256(" ".join(sentence.split()).casefold().encode()).hexdigest()[:16]


def sentences(document: Raw, message: str) -> Iterable[tuple[str, str, bool]]:
    """(language, sentence, does its text name a reward) of all that a message may say. Values: REWARD or VALUE."""
    spec = _mapping(_mapping(document.get("messages")).get(message))
    parameters = _mapping(spec.get("template")).get("parameters") or ()
    values = [str(_mapping(one).get("value") or "") for one in parameters]
    lines: tuple[str, ...] = _LINES
    if spec.get("url"):
        yield "en", str(spec["url"]), False
        lines = (*_LINES, "url_title")
    for language, spoken in _mapping(document.get("texts")).items():
        small = {str(name): str(word) for name, word in _mapping(_mapping(spoken).get("words")).items()}
        wording = _mapping(_mapping(_mapping(spoken).get("messages")).get(message))
        for text in _written(wording, lines, values):
            parts = _sentences(_with_words(text, small))
            rewarding = any(REWARD in part for part in parts)
            yield from ((str(language), part, rewarding) for part in parts)


def _written(wording: Raw, lines: Iterable[str], values: list[str]) -> Iterable[str]:
    yield from (str(wording[name]) for name in lines if wording.get(name))
    for name in ("forms", "choices"):
        yield from map(str, _mapping(wording.get(name)).values())
    if body := str(wording.get("template") or ""):
        yield _PLACE.sub(lambda found: _value(values, int(found[1])), body)


_LINES = ("text", "subject", "preheader", "list_title")


def _value(values: list[str], number: int) -> str:
    return values[number - 1] if 0 < number <= len(values) else " "


def _with_words(text: str, small: Mapping[str, str]) -> str:
    """The small words that the text names stand behind it: they are said, too."""
    named = dict.fromkeys(_SMALL_WORD.findall(text))
    return "\n".join([text, *(small[name] for name in named if name in small)])


@lru_cache(maxsize=4096)
def _sentences(text: str) -> tuple[str, ...]:
    quoted: list[str] = []

    def stand_in(tag: re.Match[str]) -> str:
        quoted.extend(one or other for one, other in _QUOTED.findall(tag[2]))
        if tag[1] == "%":
            return ""
        return REWARD if _REWARDS.search(tag[2]) else VALUE

    plain = _TAG.sub(stand_in, text)
    return tuple(one.strip() for one in _ENDS.split("\n".join([plain, *quoted])) if one.strip())


def _places(document: Raw) -> dict[str, list[tuple[str, str]]]:
    """{message: the (step, field) that say it}."""
    found: dict[str, list[tuple[str, str]]] = {}
    for step_id, step in steps_of(document).items():
        for name, message in messages_of(step).items():
            found.setdefault(message, []).append((step_id, name))
    return found


def _prompted(document: Raw) -> set[str]:
    """Steps whose answers ask for an offer: a question that is one, for the yes to offers, or for a review."""
    steps, specs = steps_of(document), _mapping(document.get("messages"))
    consent = {str(step.get("asked_in")) for step in steps.values() if step.get("kind") == "give_consent"}
    return {
        name
        for name, step in steps.items()
        if step.get("kind") == "collect_review"
        or str(step.get("message")) in consent
        or _mapping(specs.get(str(step.get("message")))).get("purpose") == Purpose.MARKETING
    }


def _unasked(document: Raw, prompts: Collection[str] | None = None) -> Collection[str]:
    """The steps that a run can come to before the shopper has answered anything; with `prompts`: one of these steps."""
    steps, waiting = steps_of(document), []
    trigger: Any = document.get("trigger") or {}
    if not (trigger.get("words") if prompts is not None else _all_asked(trigger.get("news"))):
        waiting.append(document.get("start"))
    for one in listeners_of(document):
        if prompts is not None or not _all_asked(one.get("news")):
            waiting.append(one.get("goto"))
    found: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if not isinstance(name, str) or name not in steps or name in found:
            continue
        found[name] = None
        step = steps[name]
        counts = prompts is None or name in prompts
        waiting += [target for way, target in ways_of(step) if not (counts and _answered(step, way))]
    return found


def is_unasked(document: Raw, step_id: str) -> bool:
    return step_id in _unasked(document)


def _answered(step: Raw, way: str) -> bool:
    if step.get("kind") in ("ask", "collect_review"):
        return way != "on_timeout"
    return way == "on_cut_short" and _all_asked(step.get("cut_short_by"))


def _all_asked(news: Any) -> bool:
    return isinstance(news, list | tuple) and bool(news) and all(str(one) in ASKED for one in news)


def _offered(document: Raw, message: str) -> str:
    """The first value of an offer that the message names, in any language."""
    spec = _mapping(_mapping(document.get("messages")).get(message))
    written = [spec.get("url")]
    written += [_mapping(one).get("value") for one in _mapping(spec.get("template")).get("parameters") or ()]
    for spoken in _mapping(document.get("texts")).values():
        wording = _mapping(_mapping(_mapping(spoken).get("messages")).get(message))
        written += [wording.get(name) for name in ("text", "subject", "preheader")]
        written += _mapping(wording.get("forms")).values()
    for _, tag in _TAG.findall(" ".join(str(one) for one in written if one)):
        if named := _OFFERS.search(tag):
            return named.group(1)
    return ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
