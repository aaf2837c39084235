"""May this message go, when, by which channel, as what kind? Pure: no database, no network, no clock; judged at send time.

The caller (services/messages) gathers a Situation from the rows; the rehearsal can gather the same from a virtual shop.
"""

from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum

from post_purchase.words import ChannelKind, Mode, Purpose


@dataclass(frozen=True)
class Candidate:
    """One way to reach the person, in the order of preference."""

    point_id: int
    channel_id: int
    kind: ChannelKind
    mode: Mode
    mode_reason: str = ""
    blocked_reason: str = ""  # the network said never again
    halted_reason: str = ""  # the account needs mending; waits
    not_before: datetime | None = None  # rate limit of the account or of the person
    granted: frozenset[Purpose] = frozenset()  # by the newest line of the ledger
    withdrawn: frozenset[Purpose] = frozenset()
    has_template: bool = False  # this message has an approved template on this channel in its language


@dataclass(frozen=True)
class Proposal:
    purpose: Purpose
    fixed_point_id: int | None = None  # a reply: this point or nowhere
    use_by_at: datetime | None = None
    from_person: bool = False  # typed by the team


@dataclass(frozen=True)
class Situation:
    candidates: tuple[Candidate, ...]
    timezone: str = ""  # IANA name of the shopper; empty: not known
    country: str = ""
    place: str = ""  # for the reason: "Lyon"
    quiet_from: time = time(21, 0)
    quiet_until: time = time(8, 0)
    promotions_sent_at: tuple[datetime, ...] = ()  # marketing and review requests of the last 7 days, all flows
    max_promotions_per_week: int = 2
    delivered: bool = False  # the order this is about, or the newest one
    handed_off: bool = False  # a person is looking after this shopper
    shop_installed: bool = True
    extra: dict[str, str] = field(default_factory=dict)


class Decision(StrEnum):
    GO = "go"
    HOLD = "hold"
    SUPPRESS = "suppress"


@dataclass(frozen=True)
class Verdict:
    """`reason` is plain words for the merchant, always there: "Held until 09:00 in Lyon: quiet hours"."""

    decision: Decision
    reason: str
    candidate: Candidate | None = None
    mode: Mode = Mode.NONE
    until: datetime | None = None


def judge(proposal: Proposal, situation: Situation, now: datetime) -> Verdict:
    raise NotImplementedError
