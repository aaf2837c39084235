"""May this message go, when, by which channel, as what kind? Pure, and judged at send time.

The caller (services/reach) gathers a Situation from the rows; the rehearsal can gather the same from a virtual shop.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from post_purchase.words import ChannelKind, Mode, Purpose

PROMOTIONS = frozenset({Purpose.MARKETING, Purpose.REVIEW_REQUEST})  # these count against the weekly cap
CAP_SPAN = timedelta(days=7)
LOOK_AGAIN = timedelta(minutes=15)  # while an account is stopped
WAIT_FOR_DELIVERY = timedelta(days=1)


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
    confirms_stop: bool = False  # the one message that may follow a STOP (47 CFR 64.1200(a)(12))


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
    fallback_zones: tuple[str, ...] = ()  # zone not known: all zones of the country; day must be in every one of them
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
    """The first rule that stops the message names the reason; what can go later is held, never dropped."""
    never = _never(proposal, situation, now)
    if never:
        return Verdict(Decision.SUPPRESS, never)
    chosen, why_not, halted = _choose(proposal, situation)
    if chosen is None and not halted:
        return Verdict(Decision.SUPPRESS, why_not)
    if chosen is None:
        return _hold(proposal, situation, now, now + LOOK_AGAIN, halted)
    until, why = _earliest(proposal, situation, chosen, now)
    if until > now:
        return _hold(proposal, situation, now, until, why)
    return Verdict(Decision.GO, f"Goes by {chosen.kind.label}", candidate=chosen, mode=chosen.mode)


def _never(proposal: Proposal, situation: Situation, now: datetime) -> str:
    if not situation.shop_installed:
        return "The app is no longer installed in this shop"
    if proposal.use_by_at and now >= proposal.use_by_at:
        return "Out of date: its time had passed before it could go"
    if proposal.purpose in PROMOTIONS and situation.handed_off:
        return "A person is looking after this shopper, so nothing is asked or offered meanwhile"
    if proposal.purpose in PROMOTIONS and situation.max_promotions_per_week < 1:
        return "Review requests and offers are switched off (none allowed per week)"
    return ""


def _choose(proposal: Proposal, situation: Situation) -> tuple[Candidate | None, str, str]:
    """(the first candidate that may carry it, why the most wanted may not, why a stopped account may later)"""
    why_not, halted = "", ""
    for candidate in situation.candidates:
        if proposal.fixed_point_id is not None and candidate.point_id != proposal.fixed_point_id:
            continue
        obstacle = _obstacle(proposal, candidate)
        if obstacle:
            why_not = why_not or obstacle
        elif candidate.halted_reason:
            halted = halted or f"{candidate.kind.label} is stopped: {candidate.halted_reason}"
        else:
            return candidate, "", ""
    return None, why_not or "No connected channel reaches this shopper", halted


def _obstacle(proposal: Proposal, candidate: Candidate) -> str:
    label = candidate.kind.label
    if candidate.blocked_reason:
        return f"{label} cannot be used: {candidate.blocked_reason}"
    if not _consents(proposal, candidate):
        if proposal.purpose in candidate.withdrawn or Purpose.SERVICE in candidate.withdrawn:
            return f"The shopper has opted out on {label}"
        return f"The shopper has not agreed to this on {label}: {proposal.purpose.label.lower()}"
    if candidate.mode == Mode.NONE:
        return candidate.mode_reason or f"{label} does not allow a message now"
    if candidate.mode == Mode.TEMPLATE and not candidate.has_template:
        why = candidate.mode_reason or f"{label} allows only an approved template now"
        return f"{why}; this message has no approved template"
    return ""


def _consents(proposal: Proposal, candidate: Candidate) -> bool:
    """Starting a conversation grants answers and news of the order; an offer needs its own yes."""
    if proposal.confirms_stop:
        return True
    purpose, granted, withdrawn = proposal.purpose, candidate.granted, candidate.withdrawn
    if purpose == Purpose.REVIEW_REQUEST:
        return purpose not in withdrawn and (purpose in granted or Purpose.UTILITY in granted)
    return purpose in granted and purpose not in withdrawn


def _earliest(proposal: Proposal, situation: Situation, chosen: Candidate, now: datetime) -> tuple[datetime, str]:
    """The first moment at which every rule is content, and the rule that decided it."""
    until, why = now, ""
    if proposal.purpose == Purpose.MARKETING and not situation.delivered:
        until, why = now + WAIT_FOR_DELIVERY, "the order has not arrived yet"
    if proposal.purpose in PROMOTIONS:
        free = _under_cap(situation, now)
        if free > until:
            until, why = free, f"{situation.max_promotions_per_week} requests or offers in seven days already"
    if chosen.not_before and chosen.not_before > until:
        until, why = chosen.not_before, f"{chosen.kind.label} asked us to slow down"
    if _keeps_quiet_hours(proposal):
        day = wake_time(situation, until)
        if day > until:
            until, why = day, "quiet hours" if not why else f"{why}, then quiet hours"
    return until, why


def _keeps_quiet_hours(proposal: Proposal) -> bool:
    if proposal.purpose == Purpose.SERVICE or proposal.from_person:
        return False
    return proposal.purpose in PROMOTIONS or proposal.fixed_point_id is None  # news that answers a tap is not held


def _under_cap(situation: Situation, now: datetime) -> datetime:
    recent = sorted(moment for moment in situation.promotions_sent_at if moment > now - CAP_SPAN)
    surplus = len(recent) - situation.max_promotions_per_week
    return now if surplus < 0 else recent[surplus] + CAP_SPAN


def wake_time(situation: Situation, moment: datetime) -> datetime:
    """`moment`, or the next end of the quiet hours after it, in the shopper's zone.

    Where the zone is not known it must be day in all fallback zones; where no such moment exists, in the first of them.
    """
    zones = _zones(situation)
    for group in (zones, zones[:1]):
        found = moment
        for _ in range(4 * len(group) + 4):
            quiet = [_quiet_end(found, zone, situation) for zone in group]
            ends = [end for end in quiet if end is not None]
            if not ends:
                return found
            found = max(ends)
    return found


def _zones(situation: Situation) -> list[ZoneInfo]:
    zones = []
    for name in (situation.timezone,) if situation.timezone else situation.fallback_zones:
        try:
            zones.append(ZoneInfo(name))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return zones or [ZoneInfo("UTC")]


def _quiet_end(moment: datetime, zone: ZoneInfo, situation: Situation) -> datetime | None:
    """When the quiet hours that hold at `moment` end; None where it is day. Right across clock changes."""
    local = moment.astimezone(zone)
    start, end = situation.quiet_from, situation.quiet_until
    at = local.time()
    if start == end or not (start <= at < end if start < end else at >= start or at < end):
        return None
    day = local.date() + timedelta(days=1) if start > end and at >= start else local.date()
    finish = datetime.combine(day, end, tzinfo=zone).astimezone(UTC)
    if finish <= moment:  # the hour that comes twice: its second end
        finish = datetime.combine(day, end.replace(fold=1), tzinfo=zone).astimezone(UTC)
    return finish


def _hold(proposal: Proposal, situation: Situation, now: datetime, until: datetime, why: str) -> Verdict:
    if proposal.use_by_at and until >= proposal.use_by_at:
        return Verdict(Decision.SUPPRESS, f"It would be out of date by the time it may go: {why}")
    return Verdict(Decision.HOLD, f"Held until {_spoken(until, situation, now)}: {why}", until=until)


def _spoken(until: datetime, situation: Situation, now: datetime) -> str:
    zone = _zones(situation)[0]
    pattern = "%H:%M" if until - now < timedelta(hours=20) else "%a %-d %b %H:%M"
    place = situation.place or ("" if situation.timezone else _first(situation.fallback_zones) or "UTC")
    return until.astimezone(zone).strftime(pattern) + (f" in {place}" if place else "")


def _first(names: Iterable[str]) -> str:
    return next(iter(names), "")
