"""When a message may go at the earliest: delivery, an unhappy shopper, caps, pace, the network, the night. Pure.

Each rule says the first moment that it allows; they are asked in turn until nobody moves it any more.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from post_purchase.words import Purpose

from .daytime import ALWAYS, Hours, Quiet, hours_for_news, hours_for_offers, next_open
from .situations import PROMOTIONS, Candidate, Other, Proposal, Situation

DAY, WEEK = timedelta(days=1), timedelta(days=7)
URGENCY = {Purpose.SERVICE: 0, Purpose.UTILITY: 1, Purpose.REVIEW_REQUEST: 2, Purpose.MARKETING: 3}
WAIT_FOR_DELIVERY = timedelta(days=1)
WAIT_FOR_TEAM = timedelta(hours=4)  # while a person looks after the shopper
CHAT_PAUSE = timedelta(minutes=30)  # nobody who is writing just now is interrupted by an offer
SAME_NEWS_LOOK = timedelta(minutes=5)

Rule = Callable[[datetime], tuple[datetime, str]]  # the first moment, not before this one, that it allows; and why


def earliest(proposal: Proposal, situation: Situation, chosen: Candidate, now: datetime) -> tuple[datetime, str]:
    """The first moment at which every rule is content, and the rules that moved it there, in words."""
    rules = _rules(proposal, situation, chosen, now)
    until, reasons = now, list[str]()
    for _ in range(200):  # each round moves forward; every rule but the night is content for good after some of them
        before = until
        for rule in rules:
            allowed, why = rule(until)
            if allowed > until:
                until = allowed
                reasons = [each for each in reasons if each != why] + [why]
        if until == before:
            break
    return until, ", then ".join(reasons[-2:])


def _rules(proposal: Proposal, situation: Situation, chosen: Candidate, now: datetime) -> list[Rule]:
    rules: list[Rule] = []
    if proposal.fixed_point_id is None:
        rules.append(lambda at: _after_same_news(situation, at, now))
    if proposal.purpose in PROMOTIONS:
        rules.append(lambda at: _when_arrived(situation, at, now))
    if proposal.is_unasked_promotion:
        rules += [
            lambda at: _when_team_is_done(situation, at, now),
            lambda at: _when_happy(proposal, situation, at),
            lambda at: _under_caps(proposal, situation, at),
            lambda at: _paced(proposal, situation, at, now),
        ]
    rules.append(lambda at: _network_is_ready(chosen, at))
    if _keeps_quiet_hours(proposal):
        rules.append(lambda at: _by_day(proposal, situation, at))
        if situation.own_quiet is not None:
            rules.append(lambda at: _by_own_hours(situation, at))
    return rules


def _after_same_news(situation: Situation, at: datetime, now: datetime) -> tuple[datetime, str]:
    ahead = [told for told in situation.told if told.waiting]
    if not ahead:
        return at, ""
    return max(now, *(told.at for told in ahead)) + SAME_NEWS_LOOK, f"“{ahead[0].by}” is about to tell the same"


def _when_arrived(situation: Situation, at: datetime, now: datetime) -> tuple[datetime, str]:
    return (at, "") if situation.delivered else (now + WAIT_FOR_DELIVERY, "the order has not arrived yet")


def _when_team_is_done(situation: Situation, at: datetime, now: datetime) -> tuple[datetime, str]:
    if situation.handed_off:
        return now + WAIT_FOR_TEAM, "a person is looking after this shopper"
    if situation.awaits_team:
        return now + WAIT_FOR_TEAM, "the shopper waits for an answer of your team"
    return at, ""


def _when_happy(proposal: Proposal, situation: Situation, at: datetime) -> tuple[datetime, str]:
    """Offers only. To ask happy shoppers alone for reviews is forbidden (16 CFR 465.7): ratings mute no request."""
    if proposal.purpose != Purpose.MARKETING or situation.unhappy_until is None:
        return at, ""
    return situation.unhappy_until, "the last rating was low, so no offers for a while"


def _under_caps(proposal: Proposal, situation: Situation, at: datetime) -> tuple[datetime, str]:
    caps = situation.caps
    sent = [other for other in situation.others if other.purpose in PROMOTIONS and not other.waiting]
    offers = [other.at for other in sent if other.purpose == Purpose.MARKETING]
    day, week = _talks(sent, besides=proposal.run_id), [other.at for other in sent]
    found = [
        (_free(day, DAY, caps.per_day, at), f"{_count(caps.per_day)} in a day already"),
        (_free(week, WEEK, caps.per_week, at), f"{_count(caps.per_week)} in seven days already"),
    ]
    if proposal.purpose == Purpose.MARKETING:
        enough = f"{caps.offers_per_week} {'offer' if caps.offers_per_week == 1 else 'offers'} in seven days already"
        found.append((_free(offers, WEEK, caps.offers_per_week, at), enough))
    return max(found, key=lambda each: each[0])


def _count(number: int) -> str:
    return "1 request or offer" if number == 1 else f"{number} requests or offers"


def _talks(sent: Iterable[Other], *, besides: int | None) -> list[datetime]:
    """The newest message of each run; those without a run each for itself; not the run that asks."""
    found: list[datetime] = []
    newest: dict[int, datetime] = {}
    for other in sent:
        if other.run_id is None:
            found.append(other.at)
        elif other.run_id != besides:
            newest[other.run_id] = max(other.at, newest.get(other.run_id, other.at))
    return found + list(newest.values())


def _free(moments: Iterable[datetime], span: timedelta, limit: int, at: datetime) -> datetime:
    """The first moment, not before `at`, with fewer than `limit` of these in the span that ends there."""
    recent = sorted(moment for moment in moments if moment > at - span)
    surplus = len(recent) - limit
    return at if surplus < 0 else max(at, recent[surplus] + span)


def _paced(proposal: Proposal, situation: Situation, at: datetime, now: datetime) -> tuple[datetime, str]:
    """After what was sent, around what waits and is more urgent, and not into the middle of a talk."""
    pause, rank = situation.caps.pause, URGENCY[proposal.purpose]
    if situation.wrote_at and situation.wrote_at <= at < situation.wrote_at + CHAT_PAUSE:
        return situation.wrote_at + CHAT_PAUSE, "the shopper is writing just now"
    for other in sorted(situation.others, key=lambda each: each.at):
        moment = max(other.at, now) if other.waiting else other.at
        if other.waiting and URGENCY[other.purpose] < rank and abs(moment - at) < pause:
            return moment + pause, f"something more urgent goes first: {other.purpose.label.lower()}"
        if not other.waiting and moment <= at < moment + pause:
            return moment + pause, "a pause after the last message"
    return at, ""


def _network_is_ready(chosen: Candidate, at: datetime) -> tuple[datetime, str]:
    return chosen.not_before or at, chosen.why_wait


def _keeps_quiet_hours(proposal: Proposal) -> bool:
    if proposal.purpose == Purpose.SERVICE or proposal.from_person:
        return False
    return proposal.purpose in PROMOTIONS or proposal.fixed_point_id is None  # news that answers a tap is not held


def _by_day(proposal: Proposal, situation: Situation, at: datetime) -> tuple[datetime, str]:
    hours = hours_of(proposal.purpose, situation)
    found = wake_time(situation, at, hours)
    return found, "" if found == at else hours.why_closed(at.astimezone(zones_of(situation)[0]).date())


def _by_own_hours(situation: Situation, at: datetime) -> tuple[datetime, str]:
    if situation.own_quiet is None:
        return at, ""
    return next_open(at, zones_of(situation), ALWAYS, Quiet(*situation.own_quiet)), "the shopper's own quiet hours"


def hours_of(purpose: Purpose, situation: Situation) -> Hours:
    return hours_for_offers(situation.country, situation.province) if purpose in PROMOTIONS else hours_for_news()


def wake_time(situation: Situation, moment: datetime, hours: Hours) -> datetime:
    """`moment`, or the next one at which it is day for the shopper; zone not known: in all fallback zones."""
    return next_open(moment, zones_of(situation), hours, Quiet(situation.quiet_from, situation.quiet_until))


def zones_of(situation: Situation) -> list[ZoneInfo]:
    zones: list[ZoneInfo] = []
    for name in (situation.timezone,) if situation.timezone else situation.fallback_zones:
        try:
            zones.append(ZoneInfo(name))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return zones or [ZoneInfo("UTC")]
