"""What the pretend person was told before, for the arbiter: as services/history, without rows."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from post_purchase.services import arbiter
from post_purchase.services.history import LOW_RATING
from post_purchase.words import Purpose


@dataclass(slots=True)
class Memory:
    unasked: list[arbiter.Other] = field(default_factory=list)
    facts: dict[str, list[tuple[int, arbiter.Told]]] = field(default_factory=dict)  # by fact: (run, told)
    rated: tuple[int, datetime] | None = None  # the last rating, and when

    def sent(self, proposal: arbiter.Proposal, *, at: datetime, fact: str, by: str) -> None:
        if proposal.fixed_point_id is None and proposal.purpose != Purpose.SERVICE:
            self.unasked.append(arbiter.Other(proposal.purpose, at, run_id=proposal.run_id))
        if fact and proposal.run_id is not None:
            self.facts.setdefault(fact, []).append((proposal.run_id, arbiter.Told(at=at, by=by)))

    def others(self, proposal: arbiter.Proposal, *, now: datetime) -> tuple[arbiter.Other, ...]:
        if not proposal.is_unasked_promotion:
            return ()
        return tuple(other for other in self.unasked if other.at > now - arbiter.CAP_SPAN)

    def told(self, proposal: arbiter.Proposal, fact: str) -> tuple[arbiter.Told, ...]:
        found: Iterable[tuple[int, arbiter.Told]] = self.facts.get(fact, ()) if fact else ()
        return tuple(told for run, told in found if run != proposal.run_id)

    def unhappy_until(self, *, days: int, now: datetime) -> datetime | None:
        if self.rated is None or self.rated[0] > LOW_RATING:
            return None
        until = self.rated[1] + timedelta(days=days)
        return until if until > now else None
