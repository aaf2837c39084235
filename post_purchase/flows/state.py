"""Where a run stands, as plain data. A run has threads: the main way, and one for each news it hears."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

START = "start"  # the event that begins a run
TIMER = "timer"  # a wait is over; data: {"timer": "<step id>:<visit>"}

INTERRUPT = "interrupt"  # ended from outside: by a person, or by a newer run; data: {"reason": ...}

MOVED = "moved"  # the run goes on in another version; data: flows.moving.Plan

ACTIVE, ENDED, PARKED = "active", "ended", "parked"

FINISHED = "Finished"  # the reason of an end that needs none


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, as the engine sees it. `kind` is words.EventKind, START or TIMER."""

    kind: str
    key: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    parcel: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "key": self.key,
            "at": self.at.isoformat(),
            "data": dict(self.data),
            "parcel": self.parcel,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Event":
        return cls(
            value["kind"], value["key"], datetime.fromisoformat(value["at"]), value.get("data", {}), value.get("parcel")
        )


@dataclass(slots=True)
class Thread:
    key: str  # "main", or the key of the event that it was started by
    step: str
    visit: int = 0  # how often the run has been at this step, this time included; 0: not entered yet
    phase: str = ""  # where inside the step
    since: datetime | None = None  # waits since
    due_at: datetime | None = None  # waits until at most
    said: int = 0  # messages of this visit
    parcel: int | None = None
    memory: dict[str, Any] = field(default_factory=dict)
    parcels: list[int] = field(default_factory=list)  # news of several parcels gathered into one (steps/digest)

    @property
    def mark(self) -> str:
        return f"{self.step}:{self.visit}"

    def copy(self) -> "Thread":
        return Thread(
            self.key,
            self.step,
            self.visit,
            self.phase,
            self.since,
            self.due_at,
            self.said,
            self.parcel,
            self.memory.copy() if self.memory else {},
            self.parcels.copy(),
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """No message went at this step, for this reason in plain words."""

    step: str
    why: str
    at: datetime

    def to_json(self) -> dict[str, str]:
        return {"step": self.step, "why": self.why, "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, value: Mapping[str, str]) -> "LeftOut":
        return cls(value["step"], value["why"], datetime.fromisoformat(value["at"]))


@dataclass(slots=True)
class RunState:
    threads: list[Thread] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)  # visits by step id
    status: str = ACTIVE
    reason: str = ""
    moved: dict[str, str] = field(default_factory=dict)  # a question of an older version: the one that stands for it
    spoke: bool = False  # it has wanted to send something, whatever became of it
    left_out: list[LeftOut] = field(default_factory=list)  # what it did not send, and why

    def copy(self) -> "RunState":
        return RunState(
            [thread.copy() for thread in self.threads],
            self.answers.copy(),
            self.seen.copy(),
            self.status,
            self.reason,
            self.moved.copy() if self.moved else {},
            self.spoke,
            self.left_out.copy(),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "status": self.status,
            "reason": self.reason,
            "answers": self.answers,
            "seen": self.seen,
            **({"moved": self.moved} if self.moved else {}),
            **({"spoke": True} if self.spoke else {}),
            **({"left_out": [one.to_json() for one in self.left_out]} if self.left_out else {}),
            "threads": [
                {
                    "key": thread.key,
                    "step": thread.step,
                    "visit": thread.visit,
                    "phase": thread.phase,
                    "since": thread.since and thread.since.isoformat(),
                    "due_at": thread.due_at and thread.due_at.isoformat(),
                    "said": thread.said,
                    "parcel": thread.parcel,
                    "memory": thread.memory,
                    **({"parcels": thread.parcels} if thread.parcels else {}),
                }
                for thread in self.threads
            ],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "RunState":
        """An empty dict is a run that has not begun."""
        return cls(
            threads=[
                Thread(
                    key=thread["key"],
                    step=thread["step"],
                    visit=thread["visit"],
                    phase=thread["phase"],
                    since=_moment(thread["since"]),
                    due_at=_moment(thread["due_at"]),
                    said=thread["said"],
                    parcel=thread["parcel"],
                    memory=dict(thread["memory"]),
                    parcels=list(thread.get("parcels", ())),
                )
                for thread in value.get("threads", [])
            ],
            answers=dict(value.get("answers", {})),
            seen=dict(value.get("seen", {})),
            status=value.get("status", ACTIVE),
            reason=value.get("reason", ""),
            moved=dict(value.get("moved", {})),
            spoke=bool(value.get("spoke")),
            left_out=[LeftOut.from_json(one) for one in value.get("left_out", [])],
        )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
