"""What the arbiter is told: a message that wants to go, and everything about the person that bears on it. Data only."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from post_purchase.words import ChannelKind, Mode, Purpose

PROMOTIONS = frozenset({Purpose.MARKETING, Purpose.REVIEW_REQUEST})
CAP_SPAN = timedelta(days=7)  # how far back the caller looks for other messages


@dataclass(frozen=True)
class Candidate:
    """One way to reach the person, in the order of preference."""

    point_id: int
    channel_id: int
    kind: ChannelKind
    mode: Mode
    mode_reason: str = ""
    blocked_reason: str = ""  # the network said never again, or another channel is wanted
    halted_reason: str = ""  # the account needs mending; waits
    not_before: datetime | None = None  # rate limit of the account or of the person
    wait_reason: str = ""  # why not before; empty: the network asked us to slow down
    granted: frozenset[Purpose] = frozenset()  # by the newest line of the ledger
    withdrawn: frozenset[Purpose] = frozenset()
    has_written: bool = False  # something came from there; asked only for what a person has typed
    has_template: bool = False  # this message has an approved template on this channel in its language
    template_waits: str = ""  # why it has none yet, and may have one soon

    @property
    def why_wait(self) -> str:
        return self.wait_reason or f"{self.kind.label} asked us to slow down"


@dataclass(frozen=True)
class Proposal:
    purpose: Purpose
    fixed_point_id: int | None = None  # a reply: this point or nowhere
    use_by_at: datetime | None = None
    from_person: bool = False  # typed by the team
    confirms_stop: bool = False  # the one message that may follow a STOP (47 CFR 64.1200(a)(12))
    run_id: int | None = None
    keeps_channel: bool = False  # the merchant's word: by the most wanted way, or not at all

    @property
    def is_unasked_promotion(self) -> bool:
        return self.purpose in PROMOTIONS and self.fixed_point_id is None and not self.from_person


@dataclass(frozen=True)
class Other:
    """Another message to this person that no word of theirs called for: sent, on its way, or waiting."""

    purpose: Purpose
    at: datetime  # sent; on its way: now; waiting: when it is due
    waiting: bool = False
    run_id: int | None = None


@dataclass(frozen=True)
class Told:
    """The same fact in another flow's message."""

    at: datetime
    by: str  # the flow's name
    waiting: bool = False  # not told yet, but it goes first


@dataclass(frozen=True)
class Caps:
    """For one person, over all flows. Only offers and review requests are counted."""

    per_day: int = 1  # what one run says in a day counts once: a review with its reminder is one talk
    per_week: int = 2
    offers_per_week: int = 1
    pause: timedelta = timedelta(hours=2)  # before an offer or request, after any message that was not asked for


@dataclass(frozen=True)
class Situation:
    candidates: tuple[Candidate, ...]
    timezone: str = ""  # IANA name of the shopper; empty: not known
    country: str = ""
    province: str = ""
    place: str = ""  # for the reason: "Lyon"
    quiet_from: time = time(21, 0)
    quiet_until: time = time(8, 0)
    own_quiet: tuple[time, time] | None = None  # the shopper's own quiet hours: from, until
    others: tuple[Other, ...] = ()  # of the last CAP_SPAN, and what waits
    told: tuple[Told, ...] = ()
    caps: Caps = Caps()
    delivered: bool = False  # nothing that this is about is still on its way
    handed_off: bool = False  # a person is looking after this shopper
    awaits_team: bool = False  # an answer by a person is promised and not given yet
    unhappy_until: datetime | None = None  # a low rating: no offers meanwhile (review requests do not look at ratings)
    wrote_at: datetime | None = None  # the shopper's last word
    shop_installed: bool = True
    fallback_zones: tuple[str, ...] = ()  # zone not known: all zones of the country; day must be in every one of them
