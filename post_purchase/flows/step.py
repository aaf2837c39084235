"""The face that every step has, and what a step may do. Pure."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from .conditions import Facts
from .effects import Effect, Say, Unsaid
from .state import Event, RunState, Thread

_ISO = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")
LONGEST = timedelta(days=400)


def parse_duration(text: str) -> timedelta:
    """ISO 8601 without years and months, whose length depends: P7D, PT20H, P1W, P1DT12H."""
    match = _ISO.match(text)
    if not match or not any(match.groups()):
        raise ValueError(f"{text!r} is not a duration; write P7D for 7 days, PT20H for 20 hours")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if length > LONGEST:
        raise ValueError(f"{text} is longer than {LONGEST.days} days")
    return length


def parse_offset(text: str) -> timedelta:
    """As parse_duration, with a sign for before: -P2D."""
    return -parse_duration(text[1:]) if text.startswith("-") else parse_duration(text)


def format_offset(length: timedelta) -> str:
    return f"-{format_duration(-length)}" if length < timedelta(0) else format_duration(length)


def format_duration(length: timedelta) -> str:
    hours, seconds = divmod(length.seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    date = f"{length.days}D" if length.days else ""
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    return f"P{date}{'T' + clock if clock or not date else ''}{'0S' if not clock and not date else ''}"


def _duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _offset(value: Any) -> Any:
    return parse_offset(value) if isinstance(value, str) else value


Offset = Annotated[timedelta, BeforeValidator(_offset), PlainSerializer(format_offset, return_type=str)]
Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(format_duration, return_type=str)]


class Claim(StrEnum):
    """Whose is an inbound message? Asked of every waiting run before one of them gets it."""

    NO = "no"
    MAYBE = "maybe"  # we ask something, but this is not an answer: we may ask again
    YES = "yes"


WROTE = (
    "message_received",
    "conversation_started",
    "review_wanted",
)  # the shopper has just written: an answer is not held at night


@dataclass(slots=True)
class Context:
    """One step at work: what it sees, and what it wants."""

    state: RunState
    thread: Thread
    event: Event
    facts: Facts  # with answers, seen, event and parcel as they are now
    now: datetime
    titles: "Titles"
    effects: list[Effect] = field(default_factory=list)

    def say(self, message: str, *, choices: Iterable[str] = (), reply: bool = True) -> None:
        thread, event = self.thread, self.event
        asked_for = "review_wanted" in (event.kind, event.data.get("by"))
        thread.said += 1
        said = Say(
            key=f"{thread.step}:{thread.visit}:{thread.said}",
            step=thread.step,
            message=message,
            choices=tuple(f"{thread.step}:{thread.visit}:{choice}" for choice in choices),
            parcel=thread.parcel,
            parcels=tuple(thread.parcels),
            answers_shopper=reply and (event.kind in WROTE or asked_for),
            asked_for=reply and asked_for,
        )
        missing = self.facts.get("holes", {}).get(said.key)
        self.effects.append(Unsaid(say=said, missing=tuple(missing)) if missing else said)

    def answer(self, name: str, value: Any) -> None:
        self.state.answers[name] = value

    def wait(self, *, until: datetime | None = None, phase: str = "") -> "Stay":
        self.thread.since = self.now
        self.thread.due_at = until
        self.thread.phase = phase
        return STAY


class Titles(ABC):
    """What the taps of a message are called, in every language: an answer may be typed instead."""

    @abstractmethod
    def choices(self, message: str) -> dict[str, list[str]]:
        """Choice id to its titles, casefolded."""


@dataclass(frozen=True, slots=True)
class GoTo:
    step: str | None  # None: this thread is done
    why: str = ""  # why it goes on there, in plain words
    gave_up: bool = False  # the step does not say what it is for: a message is left out


@dataclass(frozen=True, slots=True)
class Stay:
    """The thread waits."""


STAY = Stay()
Outcome = GoTo | Stay


class Step(BaseModel):
    """One kind of step. `enter` does its work or begins to wait; `resume` is asked about every event while it waits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    waits: ClassVar[bool] = False
    title: str = Field(default="", max_length=80)  # the merchant's name for it
    why: str = ""  # the reason for a delay, for the merchant
    next: str | None = None

    @abstractmethod
    def enter(self, ctx: Context) -> Outcome: ...

    def resume(self, ctx: Context) -> Outcome | None:
        """None: the event is not for this step."""
        return None

    def claims(self, ctx: Context) -> Claim:
        """Of a message_received event."""
        return Claim.NO

    def targets(self) -> Iterable[tuple[str, str | None]]:
        """(field, step id) of every way out."""
        return (("next", self.next),)

    def skips_to(self) -> str | None:
        """Where to go on when its message cannot be said because something that it needs is not known."""
        return self.next

    def passes(self) -> Iterable[str | None]:
        """The ways out that may be taken at once, without waiting: a circle of these would never end."""
        return () if self.waits else (target for _, target in self.targets())

    def messages(self) -> Iterable[tuple[str, str]]:
        """(field, message id) of every message it may send."""
        return ()

    def waiting_for(self) -> str:
        """In plain words, while it waits."""
        return ""
