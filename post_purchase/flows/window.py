"""Which messages may come when WhatsApp's window is closed: more than a day after the shopper's last word. Pure."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from .definition import Problem
from .offer_lint import ASKED
from .paths import listeners_of, steps_of, ways_of
from .reshaping import messages_of
from .step import parse_duration

Raw = Mapping[str, Any]
OPEN_FOR = timedelta(hours=24)  # Meta, customer service window (read 2026-11-22); Messenger has the same
LATE = OPEN_FOR + timedelta(minutes=1)  # whatever is later is as late
JUST_ANSWERED = ("retry_message", "more_question", "more_question_low", "photo_question")
WHAT_HAPPENS = (
    "More than 24 hours after the shopper wrote, WhatsApp does not take this: it then goes another way, such as "
    "e-mail, or not at all"
)


def lint(document: Raw) -> list[Problem]:
    """At each message without a template that may come too late for plain words."""
    specs: Any = document.get("messages") or {}
    since, late = silences(document), {}
    for step_id, step in steps_of(document).items():
        for name, message in messages_of(step).items():
            if step_id in since and said_after(step, name, since[step_id]) > OPEN_FOR:
                late[message] = True
    return [
        Problem(f"messages.{message}.template", WHAT_HAPPENS)
        for message in late
        if isinstance(specs.get(message), Mapping) and not specs[message].get("template")
    ]


def silences(document: Raw) -> dict[str, timedelta]:
    """{step: the longest time since the shopper's last word when a run comes to it}, of all that it may come to."""
    steps = steps_of(document)
    found: dict[str, timedelta] = {}
    trigger: Any = document.get("trigger") or {}
    waiting: list[tuple[Any, timedelta]] = [(document.get("start"), _after_news(trigger.get("news")))]
    waiting += [(one.get("goto"), _after_news(one.get("news"))) for one in listeners_of(document)]
    while waiting:
        name, since = waiting.pop()
        since = min(since, LATE)
        if not isinstance(name, str) or name not in steps or found.get(name, timedelta(-1)) >= since:
            continue
        found[name] = since
        waiting += _onward(steps[name], since)
    return found


def _onward(step: Raw, since: timedelta) -> Iterable[tuple[Any, timedelta]]:
    for way, target in ways_of(step):
        yield target, _passed(step, way, since)


def _passed(step: Raw, way: str, since: timedelta) -> timedelta:
    kind = step.get("kind")
    if kind == "ask":
        return since + _length(step.get("timeout")) if way == "on_timeout" else timedelta(0)
    if kind == "collect_review":
        return since + _length(step.get("timeout")) if way == "on_timeout" else _length(step.get("photo_timeout"))
    if kind == "wait":
        if way == "on_cut_short":
            return _after_news(step.get("cut_short_by"))
        plain = step.get("for") and not step.get("from")
        return since + _length(step.get("for")) if plain else LATE
    if kind == "digest":
        return since + _length(step.get("for"))
    if kind == "reward" and way == "on_failure":
        return since + _length(step.get("timeout"))
    return since


def said_after(step: Raw, name: str, since: timedelta) -> timedelta:
    """How long after the shopper's last word this message of the step may go. `name`: its field."""
    if name in JUST_ANSWERED:
        return timedelta(0)
    if name == "photo_reminder":
        return _length(step.get("photo_reminder_after"))
    return since + _length(step.get("reminder_after")) if name == "reminder" else since


def _after_news(news: Any) -> timedelta:
    wrote = isinstance(news, list | tuple) and bool(news) and all(str(one) in ASKED for one in news)
    return timedelta(0) if wrote else LATE


def _length(raw: Any) -> timedelta:
    try:
        return parse_duration(str(raw)) if raw else timedelta(0)
    except ValueError:
        return LATE
