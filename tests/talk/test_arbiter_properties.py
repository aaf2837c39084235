"""Whatever the situation: never without consent, never at night, never above a cap, and no answer starved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
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
from post_purchase.services.daytime import is_open
from post_purchase.services.template_words import READING
from post_purchase.words import ChannelKind, Mode, Purpose
from tests.talk.test_arbiter import WHATSAPP, hours

ZONES = ("Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns")


PROMOTIONS = (Purpose.MARKETING, Purpose.REVIEW_REQUEST)


moments = st.integers(0, 730 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


around = st.integers(-8 * 24 * 60, 0).map(lambda minutes: timedelta(minutes=minutes))


candidates = st.builds(
    Candidate,
    point_id=st.integers(1, 3),
    channel_id=st.integers(1, 3),
    kind=st.sampled_from(ChannelKind),
    mode=st.sampled_from(Mode),
    blocked_reason=st.sampled_from(["", "blocked"]),
    halted_reason=st.sampled_from(["", "halted"]),
    not_before=st.none()
    | st.integers(-100, 3000).map(lambda each: datetime(2026, 6, 1, tzinfo=UTC) + each * timedelta(hours=2)),
    granted=st.frozensets(st.sampled_from(Purpose)),
    withdrawn=st.frozensets(st.sampled_from(Purpose)),
    has_template=st.booleans(),
    template_waits=st.sampled_from(["", READING]),
)


caps = st.builds(
    Caps,
    per_day=st.integers(0, 3),
    per_week=st.integers(0, 4),
    offers_per_week=st.integers(0, 3),
    pause=st.integers(0, 72).map(lambda each: timedelta(hours=each)),
)


@st.composite
def others(draw: st.DrawFn, now: datetime) -> Other:
    waiting = draw(st.booleans())
    at = now + draw(around) * (-1 if waiting and draw(st.booleans()) else 1)
    purpose = draw(st.sampled_from([each for each in Purpose if each != Purpose.SERVICE]))
    return Other(purpose, at, waiting=waiting, run_id=draw(st.none() | st.integers(1, 3)))


@st.composite
def questions(draw: st.DrawFn) -> tuple[Proposal, Situation, datetime]:
    now = draw(moments)
    proposal = Proposal(
        purpose=draw(st.sampled_from(Purpose)),
        fixed_point_id=draw(st.none() | st.integers(1, 3)),
        use_by_at=draw(st.none() | moments),
        from_person=draw(st.booleans()),
        run_id=draw(st.none() | st.integers(1, 3)),
    )
    zone = draw(st.sampled_from(("", "Not/AZone", *ZONES)))
    situation = Situation(
        candidates=tuple(draw(st.lists(candidates, max_size=4))),
        timezone=zone,
        fallback_zones=draw(st.sampled_from([(), ("America/New_York", "Pacific/Honolulu"), ("Nowhere",)])),
        country=draw(st.sampled_from(["", "FR", "US", "IN", "DE", "ZZ"])),
        province=draw(st.sampled_from(["", "TX", "RI", "PA", "CA"])),
        quiet_from=draw(hours),
        quiet_until=draw(hours),
        others=tuple(draw(st.lists(others(now), max_size=5))),
        told=tuple(Told(now + draw(around), "Shipped", draw(st.booleans())) for _ in range(draw(st.integers(0, 1)))),
        caps=draw(caps),
        delivered=draw(st.booleans()),
        handed_off=draw(st.booleans()),
        awaits_team=draw(st.booleans()),
        unhappy_until=draw(st.none() | st.just(now + timedelta(days=3))),
        wrote_at=draw(st.none() | st.just(now - timedelta(minutes=7)) | st.just(now - timedelta(days=1))),
        shop_installed=draw(st.booleans()),
    )
    return proposal, situation, now


@how(max_examples=500, deadline=None)
@given(questions())
def test_whatever_the_situation_nothing_forbidden_goes(question):
    proposal, situation, now = question
    verdict = judge(*question)
    assert verdict.reason
    assert verdict == judge(*question)
    if verdict.decision == Decision.HOLD:
        assert verdict.until is not None
        assert verdict.until > now
        assert proposal.use_by_at is None or verdict.until < proposal.use_by_at
    if verdict.decision != Decision.GO:
        assert verdict.candidate is None
        return
    chosen = verdict.candidate
    assert chosen in situation.candidates
    assert situation.shop_installed
    assert not chosen.blocked_reason
    assert not chosen.halted_reason
    assert chosen.not_before is None or chosen.not_before <= now
    assert proposal.purpose not in chosen.withdrawn
    assert chosen.mode == Mode.FREE or (chosen.mode == Mode.TEMPLATE and chosen.has_template)
    assert proposal.fixed_point_id in (None, chosen.point_id)
    assert proposal.use_by_at is None or now < proposal.use_by_at
    if proposal.purpose == Purpose.MARKETING:
        assert Purpose.MARKETING in chosen.granted
    if proposal.purpose in PROMOTIONS:
        assert situation.delivered
        assert not situation.handed_off or proposal.from_person
    if proposal.is_unasked_promotion:
        keeps_every_promise(proposal, situation, now)
    if proposal.purpose in PROMOTIONS and not proposal.from_person:
        zone = known_zone(situation)
        assert zone is None or is_open(now, zone, hours_of(proposal.purpose, situation))


def keeps_every_promise(proposal: Proposal, situation: Situation, now: datetime) -> None:
    """Counted anew, in the plainest way."""
    gone = [other for other in situation.others if not other.waiting and other.purpose in PROMOTIONS]
    week = [other for other in gone if other.at > now - timedelta(days=7)]
    today = [other for other in gone if other.at > now - timedelta(days=1)]
    foreign = {other.run_id for other in today if other.run_id not in (None, proposal.run_id)}
    assert len(foreign) + len([other for other in today if other.run_id is None]) < situation.caps.per_day
    assert len(week) < situation.caps.per_week
    assert not situation.awaits_team
    if proposal.purpose == Purpose.MARKETING:
        assert len([other for other in week if other.purpose == Purpose.MARKETING]) < situation.caps.offers_per_week
        assert situation.unhappy_until is None
    last = max((other.at for other in situation.others if not other.waiting), default=None)
    assert last is None or now - last >= situation.caps.pause


def known_zone(situation: Situation) -> ZoneInfo | None:
    return ZoneInfo(situation.timezone) if situation.timezone in ZONES else None


@how(max_examples=300, deadline=None)
@given(questions())
def test_no_answer_is_ever_starved(question):
    """Whatever the caps, the hours and the mutes say: an answer goes at once, news at the next daylight."""
    proposal, situation, now = question
    free = replace(WHATSAPP, point_id=proposal.fixed_point_id or 1)
    open_way = replace(situation, candidates=(free,), shop_installed=True, told=())
    answer = replace(proposal, purpose=Purpose.SERVICE, use_by_at=None)
    assert judge(answer, open_way, now).decision == Decision.GO
    news = judge(replace(answer, purpose=Purpose.UTILITY), open_way, now)
    if news.decision == Decision.HOLD:
        assert news.until - now <= timedelta(days=1, hours=1)
        assert judge(replace(answer, purpose=Purpose.UTILITY), open_way, news.until).decision == Decision.GO
    else:
        assert news.decision == Decision.GO


@how(max_examples=300, deadline=None)
@given(questions())
def test_who_is_held_goes_at_the_time_that_was_named(question):
    """Re-timed into a free place, not from hold to hold; unless the named reason is one to be asked again."""
    proposal, situation, now = question
    calm = replace(
        situation,
        candidates=(replace(WHATSAPP, point_id=proposal.fixed_point_id or 1),),
        told=(),
        delivered=True,
        handed_off=False,
        awaits_team=False,
    )
    verdict = judge(replace(proposal, use_by_at=None), calm, now)
    if verdict.decision == Decision.HOLD:
        # Then what waited has gone, or waits no more.
        later = replace(calm, others=tuple(each for each in calm.others if not each.waiting))
        assert judge(replace(proposal, use_by_at=None), later, verdict.until).decision == Decision.GO
