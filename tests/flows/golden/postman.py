"""When a journey's messages go: the real arbiter judges each when it is said, and again when it said to ask."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from post_purchase.flows.effects import Say
from post_purchase.flows.rehearsal.memory import Memory
from post_purchase.flows.wording import Composed
from post_purchase.services import arbiter
from post_purchase.services.messages import USEFUL_FOR
from post_purchase.words import ChannelKind, Mode, Purpose

EVERYTHING = frozenset(Purpose)
# Where this shopper is reached whatever the hour and however long ago they wrote: what holds a message is the arbiter.
PHONE = arbiter.Candidate(point_id=1, channel_id=1, kind=ChannelKind.SMS, mode=Mode.FREE, granted=EVERYTHING)
UNHAPPY_DAYS = 30


@dataclass
class Letter:
    say: Say
    purpose: Purpose
    proposal: arbiter.Proposal
    due: datetime
    fact: str = ""
    gone_at: datetime | None = None
    why: str = ""  # held, or never sent
    open: bool = True


@dataclass
class Postman:
    flow: str
    letters: list[Letter] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    wrote_at: datetime | None = None
    handed_off: bool = False  # by the flow itself

    def takes(self, say: Say, composed: Composed, now: datetime) -> None:
        purpose = say.purpose(composed.purpose)
        proposal = arbiter.Proposal(
            purpose,
            fixed_point_id=PHONE.point_id if say.answers_shopper else None,
            use_by_at=now + (composed.useful_for or USEFUL_FOR[purpose]),
            run_id=1,
        )
        self.letters.append(Letter(say, purpose, proposal, now, composed.fact))

    def goes_round(self, until: datetime, facts: dict[str, Any]) -> None:
        """Judge what is due until then, each at its own moment."""
        while due := [letter for letter in self.letters if letter.open and letter.due <= until]:
            self._judge(min(due, key=lambda letter: letter.due), facts)

    def drop_waiting(self, reason: str) -> None:
        for letter in self.letters:
            if letter.open:
                letter.open, letter.why = False, reason

    def has_gone(self, say: Say) -> bool:
        return any(letter.say == say and letter.gone_at for letter in self.letters)

    def another_flow_sends(self, purpose: Purpose, now: datetime) -> None:
        self.memory.sent(arbiter.Proposal(purpose, run_id=2), at=now, fact="", by="Another flow")

    def rated(self, rating: int, now: datetime) -> None:
        self.memory.rated = (rating, now)

    def _judge(self, letter: Letter, facts: dict[str, Any]) -> None:
        now = letter.due
        verdict = arbiter.judge(letter.proposal, self._situation(letter, facts, now), now)
        if verdict.decision == arbiter.Decision.HOLD and verdict.until is not None:
            letter.due, letter.why = verdict.until, letter.why or verdict.reason
            return
        letter.open = False
        if verdict.decision == arbiter.Decision.GO:
            letter.gone_at = now
            self.memory.sent(letter.proposal, at=now, fact=letter.fact, by=self.flow)
        else:
            letter.why = verdict.reason

    def _situation(self, letter: Letter, facts: dict[str, Any], now: datetime) -> arbiter.Situation:
        order, zone = facts["order"] or {}, facts["timezone"]
        waiting = tuple(
            arbiter.Other(other.purpose, other.due, waiting=True, run_id=1)
            for other in self.letters
            if other.open
            and other is not letter
            and other.proposal.fixed_point_id is None
            and other.purpose != Purpose.SERVICE
        )
        return arbiter.Situation(
            candidates=(PHONE,),
            timezone=zone,
            country=order.get("country", ""),
            place=zone.rpartition("/")[2].replace("_", " "),
            others=self.memory.others(letter.proposal, now=now)
            + (waiting if letter.proposal.is_unasked_promotion else ()),
            delivered=not order or bool(order["delivered"]) or _long_ago(order["placed_at"], now),
            handed_off=self.handed_off or bool(facts["conversation"]["handed_off"]),
            unhappy_until=self.memory.unhappy_until(days=UNHAPPY_DAYS, now=now),
            wrote_at=self.wrote_at,
        )


def _long_ago(placed_at: str, now: datetime) -> bool:
    """As services/history.may_travel: an old order is on its way no more."""
    return now - datetime.fromisoformat(placed_at) > timedelta(days=60)
