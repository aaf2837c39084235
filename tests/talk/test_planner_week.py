"""A simulated week: many flows propose to many people at once, and one planner decides. All in memory."""

import heapq
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from post_purchase.services.arbiter import (
    Candidate,
    Caps,
    Decision,
    Other,
    Proposal,
    Situation,
    Told,
    hours_of,
    judge,
)
from post_purchase.services.daytime import Quiet, is_open
from post_purchase.words import ChannelKind, Mode, Purpose

MONDAY = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
PLACES = (
    ("Europe/Paris", "FR", ""),
    ("America/New_York", "US", "FL"),
    ("America/Chicago", "US", "TX"),
    ("Asia/Kolkata", "IN", ""),
    ("Europe/Berlin", "DE", ""),
)
PURPOSES = (Purpose.SERVICE, Purpose.UTILITY, Purpose.UTILITY, Purpose.REVIEW_REQUEST, Purpose.MARKETING)
PROMOTIONS = (Purpose.REVIEW_REQUEST, Purpose.MARKETING)
NIGHT = Quiet(time(21), time(8))


@dataclass
class Mail:
    number: int
    person: int
    run: int
    proposal: Proposal
    asked_at: datetime
    due: datetime
    fact: str = ""
    judged: int = 0
    outcome: str = "waiting"
    reason: str = ""
    sent_at: datetime | None = None

    @property
    def purpose(self) -> Purpose:
        return self.proposal.purpose


@dataclass
class Person:
    number: int
    place: tuple[str, str, str]
    granted: frozenset[Purpose]
    caps: Caps
    arrives_at: datetime
    helped: tuple[datetime, datetime] | None  # a person of the team is in the talk
    mails: list[Mail] = field(default_factory=list)

    def situation(self, mail: Mail, now: datetime) -> Situation:
        zone, country, province = self.place
        rest = [each for each in self.mails if each is not mail]
        unasked = [each for each in rest if each.purpose != Purpose.SERVICE]
        same = [each for each in rest if mail.fact and each.fact == mail.fact and each.run != mail.run]
        way = Candidate(1, 1, ChannelKind.WHATSAPP, Mode.FREE, granted=self.granted)
        return Situation(
            candidates=(way,),
            timezone=zone,
            country=country,
            province=province,
            caps=self.caps,
            others=tuple(
                Other(each.purpose, each.sent_at or each.due, waiting=each.sent_at is None, run_id=each.run)
                for each in unasked
                if each.sent_at or (each.outcome == "waiting" and each.asked_at <= now)
            ),
            told=tuple(
                Told(each.sent_at or each.due, f"flow {each.run}", waiting=each.sent_at is None)
                for each in same
                if each.sent_at or (each.outcome == "waiting" and each.number < mail.number and each.asked_at <= now)
            ),
            delivered=now >= self.arrives_at,
            handed_off=self.helped is not None and self.helped[0] <= now < self.helped[1],
        )


def make_week(chance: random.Random, people: int, mails: int) -> list[Person]:
    found = []
    number = 0
    for each in range(people):
        agreed = [Purpose.SERVICE, Purpose.UTILITY, *([Purpose.MARKETING] if chance.random() < 0.7 else [])]
        caps = Caps(per_day=chance.randint(1, 2), per_week=chance.randint(1, 4), offers_per_week=chance.randint(0, 2))
        begin = MONDAY + timedelta(hours=chance.randint(0, 150))
        helped = (begin, begin + timedelta(hours=chance.randint(1, 30))) if chance.random() < 0.3 else None
        arrives = MONDAY + timedelta(hours=chance.randint(-40, 90))
        person = Person(each, chance.choice(PLACES), frozenset(agreed), caps, arrives, helped)
        for _ in range(chance.randint(1, mails)):
            number += 1
            at = MONDAY + timedelta(minutes=chance.randint(0, 7 * 24 * 60))
            purpose, run = chance.choice(PURPOSES), chance.randint(1, 5)
            use_by = at + timedelta(days=3 if purpose == Purpose.UTILITY else chance.randint(2, 21))
            fact = chance.choice(("", "shipped:parcel:1")) if purpose == Purpose.UTILITY else ""
            proposal = Proposal(purpose, use_by_at=use_by, run_id=run)
            person.mails.append(Mail(number, each, run, proposal, at, at, fact))
        found.append(person)
    return found


def play(people: list[Person]) -> None:
    """As the outbox does it: what is due, one for each person at a time, oldest first."""
    everybody = {person.number: person for person in people}
    queue = [(mail.due, mail.number, mail) for person in people for mail in person.mails]
    heapq.heapify(queue)
    while queue:
        now, number, mail = heapq.heappop(queue)
        mail.judged += 1
        assert mail.judged < 200, "from hold to hold without end"
        verdict = judge(mail.proposal, everybody[mail.person].situation(mail, now), now)
        mail.reason = verdict.reason
        if verdict.decision == Decision.GO:
            mail.outcome, mail.sent_at = "sent", now
        elif verdict.decision == Decision.HOLD:
            assert verdict.until is not None
            mail.due = verdict.until
            heapq.heappush(queue, (verdict.until, number, mail))
        else:
            mail.outcome = verdict.decision.value


def check(people: list[Person]) -> None:
    for person in people:
        sent = sorted((mail for mail in person.mails if mail.sent_at), key=lambda mail: mail.sent_at)
        for mail in person.mails:
            assert mail.outcome != "waiting"
            assert mail.reason
            if mail.purpose == Purpose.SERVICE:
                assert mail.sent_at == mail.asked_at
            if mail.purpose == Purpose.UTILITY:
                assert mail.outcome in ("sent", "merge")
                assert mail.sent_at is None or mail.sent_at - mail.asked_at <= timedelta(hours=12)
        for mail in sent:
            keeps_the_rules(person, mail, sent)
        facts = [mail for mail in sent if mail.fact]
        for one, other in pairwise(facts):
            assert one.run == other.run or other.sent_at - one.sent_at >= timedelta(hours=12)


def keeps_the_rules(person: Person, mail: Mail, sent: list[Mail]) -> None:
    zone, country, province = person.place
    at = mail.sent_at
    assert at is not None
    if mail.purpose == Purpose.SERVICE:
        return
    hours = hours_of(mail.purpose, Situation((), country=country, province=province))
    assert is_open(at, ZoneInfo(zone), hours, NIGHT)
    if mail.purpose not in PROMOTIONS:
        return
    assert at >= person.arrives_at
    assert person.helped is None or not person.helped[0] <= at < person.helped[1]
    before = [each for each in sent if each is not mail and each.sent_at <= at and each.purpose in PROMOTIONS]
    week = [each for each in before if each.sent_at > at - timedelta(days=7)]
    assert len(week) < person.caps.per_week
    day = {each.run for each in before if each.sent_at > at - timedelta(days=1)} - {mail.run}
    assert len(day) < person.caps.per_day
    if mail.purpose == Purpose.MARKETING:
        assert Purpose.MARKETING in person.granted
        assert len([each for each in week if each.purpose == Purpose.MARKETING]) < person.caps.offers_per_week
    last = max((each.sent_at for each in sent if each is not mail and asked_before(each, at)), default=None)
    assert last is None or at - last >= person.caps.pause


def asked_before(other: Mail, at: datetime) -> bool:
    return other.purpose != Purpose.SERVICE and other.sent_at is not None and other.sent_at < at


@how(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_any_week_of_any_people_keeps_every_rule(seed):
    people = make_week(random.Random(seed), people=3, mails=14)
    play(people)
    check(people)


def test_a_full_week_of_two_hundred_people_in_figures():
    people = make_week(random.Random(20261124), people=200, mails=12)
    play(people)
    check(people)
    figures: dict[tuple[str, str], int] = defaultdict(int)
    for mail in (mail for person in people for mail in person.mails):
        figures[mail.purpose.value, mail.outcome] += 1
    lost = [
        mail
        for person in people
        for mail in person.mails
        if mail.outcome == "suppress" and not mail.reason.startswith(("The shopper has not agreed", "Offers are"))
    ]
    # What was not said had no consent, was switched off, or found no free place before its use-by date.
    assert all(mail.reason.startswith("It would be out of date by the time it may go: ") for mail in lost)
    assert figures["service", "sent"] == sum(mail.purpose == Purpose.SERVICE for p in people for mail in p.mails)
    assert figures["utility", "merge"] > 20
    assert figures["review_request", "sent"] > figures["review_request", "suppress"]
    assert figures["marketing", "sent"] > 30
    assert max(mail.judged for person in people for mail in person.mails) < 100


def test_a_request_that_lost_its_place_gets_the_next_free_one():
    """Five flows want the same Tuesday noon: one goes, the others follow day by day."""
    caps = Caps(per_day=1, per_week=5)
    person = Person(1, PLACES[4], frozenset(Purpose), caps, MONDAY, None)
    noon = MONDAY + timedelta(days=1, hours=12)
    for run in range(1, 6):
        proposal = Proposal(Purpose.REVIEW_REQUEST, use_by_at=noon + timedelta(days=14), run_id=run)
        person.mails.append(Mail(run, 1, run, proposal, noon, noon))
    play([person])
    assert [mail.sent_at - noon for mail in person.mails] == [timedelta(days=number) for number in range(5)]
