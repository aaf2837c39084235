"""What is on the stage: runs, messages, orders, and what came of one person's weeks."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from post_purchase.flows import effects as wants
from post_purchase.flows.state import RunState
from post_purchase.services import arbiter
from post_purchase.words import Purpose

from .world import Held, OrderPast, PlayedFlow


@dataclass(slots=True)
class Told:
    """What became of one message."""

    flow: str
    message: str
    step: str
    purpose: Purpose
    language: str
    order_id: int | None
    contact_id: int | None
    country: str
    queued_at: datetime
    at: datetime | None = None  # when it went; None: not
    outcome: str = "waiting"  # sent, waiting, not_sent
    reason: str = ""  # why not, or why it still waits
    held: str = ""  # why it was held first
    kind: str = ""
    mode: str = ""
    run: int = 0
    text: str = ""


class Watcher(Protocol):
    """Hears what happens. All of it is optional."""

    def happened(self, at: datetime, what: str, about: str) -> None: ...

    def said(self, told: Told, run: "Run", say: wants.Say, facts: dict[str, Any], answers: dict[str, Any]) -> None: ...


@dataclass(slots=True)
class Outcome:
    """What came of one person's weeks."""

    told: list[Told] = field(default_factory=list)
    opened: int = 0
    heard: int = 0  # news of the kinds that start the rehearsed flow
    started: dict[str, int] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    active: dict[str, int] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)  # (flow, what)
    missing: list[tuple[str, str]] = field(default_factory=list)  # (flow, what is not known)
    not_started: dict[tuple[str, str], int] = field(default_factory=dict)  # (flow, why): clashes of runs
    other: dict[str, int] = field(default_factory=dict)  # rewards, reviews, hand-offs ...

    def count(self, name: str) -> None:
        self.other[name] = self.other.get(name, 0) + 1


class Run:
    __slots__ = ("facts", "flow", "held", "id", "order", "state", "subject", "timers", "waiting")

    def __init__(self, flow: PlayedFlow, held: Held, subject: str, number: int, order: "OrderPlay | None"):
        self.flow, self.held, self.subject, self.id, self.order = flow, held, subject, number, order
        self.state = RunState()
        self.timers: dict[str, datetime] = {}
        self.waiting: list[Pending] = []
        self.facts: dict[str, Any] = {}


@dataclass(slots=True)
class Pending:
    told: Told
    proposal: arbiter.Proposal
    run: Run
    say: wants.Say
    order: "OrderPlay | None"
    has_template: bool
    due: datetime
    fact: str = ""
    open: bool = True


@dataclass(slots=True)
class OrderPlay:
    past: OrderPast
    facts: dict[str, Any]
    opened: bool = False
    state_at: dict[int, datetime] = field(default_factory=dict)  # of parcels

    @property
    def pk(self) -> int:
        return self.past.row.pk
