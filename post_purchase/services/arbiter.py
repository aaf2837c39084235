"""May this message go, when, by which channel, as what kind? Pure, and judged at send time.

One judge over all flows. The caller (services/reach) gathers a Situation from the rows; the rehearsal gathers the same
from a virtual shop. Who has to give way is told when to ask again, and is not dropped before its use-by date.

Another way: a network's "not delivered" comes back as `Candidate.blocked_reason`, and so does a silence that
services/fallbacks has found too long. `Proposal.keeps_channel` is for those that go the first way or not at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from post_purchase.words import Mode, Purpose

from .situations import CAP_SPAN, PROMOTIONS, Candidate, Caps, Other, Proposal, Situation, Told
from .timing import earliest, hours_of, wake_time, zones_of

__all__ = [
    "CAP_SPAN",
    "PROMOTIONS",
    "Candidate",
    "Caps",
    "Decision",
    "Detour",
    "Other",
    "Proposal",
    "Situation",
    "Told",
    "Verdict",
    "hours_of",
    "judge",
    "wake_time",
    "why_no_answer",
]

PATIENCE = timedelta(hours=1)  # longer is not waited for a network that asks for it, where another reaches the shopper
LOOK_AGAIN = timedelta(minutes=15)  # while an account is stopped, or Meta reads a text
LAST_LOOK = timedelta(minutes=1)  # before its time has passed
MAY_BE_ANSWERED = frozenset({Purpose.SERVICE, Purpose.UTILITY})
SAME_NEWS = timedelta(hours=12)  # two flows that tell one fact within this tell it once


class Decision(StrEnum):
    GO = "go"
    HOLD = "hold"
    MERGE = "merge"
    SUPPRESS = "suppress"


class Detour(StrEnum):
    NONE = ""
    OTHER_CHANNEL = "other channel"
    AS_TEMPLATE = "as template"


@dataclass(frozen=True)
class Verdict:
    """`reason` is plain words for the merchant, always there: "Held until 09:00 in Lyon: quiet hours"."""

    decision: Decision
    reason: str
    candidate: Candidate | None = None
    mode: Mode = Mode.NONE
    until: datetime | None = None
    detour: Detour = Detour.NONE  # goes, but not as it was wished: worth reading at the message


def judge(proposal: Proposal, situation: Situation, now: datetime) -> Verdict:
    """The first rule that stops the message names the reason; what can go later is held, never dropped."""
    never = _never(proposal, situation, now)
    if never:
        return Verdict(Decision.SUPPRESS, never)
    told = next((each for each in situation.told if not each.waiting and each.at > now - SAME_NEWS), None)
    if told is not None and proposal.fixed_point_id is None:
        return Verdict(Decision.MERGE, f"Not said twice: “{told.by}” told the same {_ago(now - told.at)}")
    chosen, why_not, halted = _choose(proposal, situation, now)
    if chosen is None and not halted:
        return Verdict(Decision.SUPPRESS, why_not)
    if chosen is None:
        return _hold(proposal, situation, now, _next_look(proposal, now), halted)
    until, why = earliest(proposal, situation, chosen, now)
    if until > now:
        return _hold(proposal, situation, now, until, why)
    return _go(chosen, why_not or halted)


def _go(chosen: Candidate, why_not: str) -> Verdict:
    label = chosen.kind.label
    if why_not:
        return Verdict(Decision.GO, f"By {label}: {why_not}", chosen, chosen.mode, detour=Detour.OTHER_CHANNEL)
    if chosen.mode == Mode.TEMPLATE:
        why = chosen.mode_reason or f"{label} allows only that now"
        return Verdict(Decision.GO, f"As an approved template: {why}", chosen, chosen.mode, detour=Detour.AS_TEMPLATE)
    return Verdict(Decision.GO, f"Goes by {label}", chosen, chosen.mode)


def _never(proposal: Proposal, situation: Situation, now: datetime) -> str:
    caps = situation.caps
    if not situation.shop_installed:
        return "The app is no longer installed in this shop"
    if proposal.use_by_at and now >= proposal.use_by_at:
        return "Out of date: its time had passed before it could go"
    if proposal.purpose in PROMOTIONS and situation.handed_off and not proposal.is_unasked_promotion:
        return "A person is looking after this shopper, so nothing is asked or offered meanwhile"
    if proposal.is_unasked_promotion and min(caps.per_day, caps.per_week) < 1:
        return "Review requests and offers are switched off (the settings allow none)"
    if proposal.is_unasked_promotion and proposal.purpose == Purpose.MARKETING and caps.offers_per_week < 1:
        return "Offers are switched off (the settings allow none per week)"
    return ""


def _choose(proposal: Proposal, situation: Situation, now: datetime) -> tuple[Candidate | None, str, str]:
    """(the first candidate that may carry it, why the most wanted may not, why one may later: see LOOK_AGAIN)

    Who would have to wait long for the network's leave comes after those who need not.
    """
    why_not, halted = "", ""
    late: Candidate | None = None
    for candidate in situation.candidates:
        if proposal.fixed_point_id is not None and candidate.point_id != proposal.fixed_point_id:
            continue
        obstacle = _obstacle(proposal, candidate)
        if obstacle:
            why_not = why_not or obstacle
        elif candidate.halted_reason:
            halted = halted or f"{candidate.kind.label} is stopped: {candidate.halted_reason}"
        elif candidate.mode == Mode.TEMPLATE and not candidate.has_template:
            halted = halted or candidate.template_waits
        elif candidate.not_before and candidate.not_before > now + PATIENCE:
            late = late or candidate
        else:
            slow = late.why_wait if late else ""
            return candidate, why_not or slow, halted
        if proposal.keeps_channel:
            break
    if late is not None:
        return late, why_not, halted
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
    if candidate.mode == Mode.TEMPLATE and not candidate.has_template and not candidate.template_waits:
        why = candidate.mode_reason or f"{label} allows only an approved template now"
        return f"{why.rstrip('.')}; this message has no approved template"
    return ""


def why_no_answer(label: str, granted: frozenset[Purpose], withdrawn: frozenset[Purpose], *, has_written: bool) -> str:
    """Why a person's answer may not go by this network; "" where it may.

    Who wrote there may be answered there by a person, also where nothing shows that the sender is who they say; and so
    may who asked for news there.
    """
    if Purpose.SERVICE in withdrawn:
        return f"The shopper has opted out on {label}"
    if not has_written and granted.isdisjoint(MAY_BE_ANSWERED):
        return f"The shopper has neither written by {label} nor asked for news there"
    return ""


def _consents(proposal: Proposal, candidate: Candidate) -> bool:
    """Starting a conversation grants answers and news of the order; an offer needs its own yes."""
    if proposal.confirms_stop:
        return True
    purpose, granted, withdrawn = proposal.purpose, candidate.granted, candidate.withdrawn
    if purpose == Purpose.SERVICE and proposal.from_person:
        return not why_no_answer("", granted, withdrawn, has_written=candidate.has_written)
    if purpose == Purpose.REVIEW_REQUEST:
        return purpose not in withdrawn and (purpose in granted or Purpose.UTILITY in granted)
    return purpose in granted and purpose not in withdrawn


def _next_look(proposal: Proposal, now: datetime) -> datetime:
    """In a while; once more just before it would be out of date."""
    until = now + LOOK_AGAIN
    return min(until, max(now + LAST_LOOK, proposal.use_by_at - LAST_LOOK)) if proposal.use_by_at else until


def _hold(proposal: Proposal, situation: Situation, now: datetime, until: datetime, why: str) -> Verdict:
    if proposal.use_by_at and until >= proposal.use_by_at:
        return Verdict(Decision.SUPPRESS, f"It would be out of date by the time it may go: {why}")
    return Verdict(Decision.HOLD, f"Held until {_spoken(until, situation, now)}: {why}", until=until)


def _spoken(until: datetime, situation: Situation, now: datetime) -> str:
    zone = zones_of(situation)[0]
    pattern = "%H:%M" if until - now < timedelta(hours=20) else "%a %-d %b %H:%M"
    place = situation.place or ("" if situation.timezone else _first(situation.fallback_zones) or "UTC")
    return until.astimezone(zone).strftime(pattern) + (f" in {place}" if place else "")


def _ago(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 2:
        return "just now"
    return f"{minutes} minutes ago" if minutes < 120 else f"{minutes // 60} hours ago"


def _first(names: Iterable[str]) -> str:
    return next(iter(names), "")
