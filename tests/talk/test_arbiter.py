"""The arbiter: pure, so judged by examples and by properties over many situations."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from post_purchase.services.arbiter import CAP_SPAN, Candidate, Decision, Proposal, Situation, judge, wake_time
from post_purchase.words import ChannelKind, Mode, Purpose

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 24, 22, 30, tzinfo=UTC)  # 23:30 in Paris
ALL = frozenset(Purpose)
WHATSAPP = Candidate(point_id=1, channel_id=1, kind=ChannelKind.WHATSAPP, mode=Mode.FREE, granted=ALL)
EMAIL = Candidate(point_id=2, channel_id=2, kind=ChannelKind.EMAIL, mode=Mode.FREE, granted=ALL)
LYON = Situation(candidates=(WHATSAPP, EMAIL), timezone="Europe/Paris", country="FR", place="Lyon", delivered=True)
ZONES = ("Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns")
PROMOTIONS = (Purpose.MARKETING, Purpose.REVIEW_REQUEST)


def one(**changes) -> Situation:
    return replace(LYON, candidates=(replace(WHATSAPP, **changes),))


def test_the_first_channel_that_may_carry_it_goes():
    verdict = judge(Proposal(Purpose.UTILITY), LYON, NOON)
    assert (verdict.decision, verdict.candidate, verdict.mode) == (Decision.GO, WHATSAPP, Mode.FREE)


def test_quiet_hours_name_the_hour_and_the_place():
    verdict = judge(Proposal(Purpose.UTILITY), LYON, NIGHT)
    assert verdict.reason == "Held until 08:00 in Lyon: quiet hours"
    assert verdict.until == datetime(2026, 11, 25, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "proposal",
    [
        Proposal(Purpose.SERVICE),
        Proposal(Purpose.UTILITY, from_person=True),
        Proposal(Purpose.UTILITY, fixed_point_id=1),
    ],
)
def test_answers_are_not_held_at_night(proposal: Proposal):
    assert judge(proposal, LYON, NIGHT).decision == Decision.GO


def test_a_reply_goes_to_its_point_or_nowhere():
    blocked = replace(LYON, candidates=(replace(WHATSAPP, blocked_reason="she blocked us"), EMAIL))
    assert judge(Proposal(Purpose.SERVICE), blocked, NOON).candidate == EMAIL
    verdict = judge(Proposal(Purpose.SERVICE, fixed_point_id=1), blocked, NOON)
    assert (verdict.decision, verdict.candidate) == (Decision.SUPPRESS, None)
    assert "she blocked us" in verdict.reason


def test_an_offer_needs_its_own_yes_and_a_review_request_does_not():
    talking = one(granted=frozenset({Purpose.SERVICE, Purpose.UTILITY}))
    assert judge(Proposal(Purpose.REVIEW_REQUEST), talking, NOON).decision == Decision.GO
    assert judge(Proposal(Purpose.MARKETING), talking, NOON).decision == Decision.SUPPRESS


def test_a_review_request_that_was_refused_is_not_asked_again():
    refused = one(withdrawn=frozenset({Purpose.REVIEW_REQUEST}))
    assert judge(Proposal(Purpose.REVIEW_REQUEST), refused, NOON).reason == "The shopper has opted out on WhatsApp"


def test_after_a_stop_only_its_confirmation_goes():
    stopped = one(granted=frozenset(), withdrawn=ALL)
    for purpose in Purpose:
        assert judge(Proposal(purpose), stopped, NOON).decision == Decision.SUPPRESS
    assert judge(Proposal(Purpose.SERVICE, confirms_stop=True), stopped, NOON).decision == Decision.GO


def test_outside_the_window_only_a_template_goes():
    shut = one(mode=Mode.TEMPLATE, mode_reason="Maria last wrote 26 hours ago")
    assert judge(Proposal(Purpose.UTILITY), shut, NOON).reason == (
        "Maria last wrote 26 hours ago; this message has no approved template"
    )
    verdict = judge(Proposal(Purpose.UTILITY), one(mode=Mode.TEMPLATE, has_template=True), NOON)
    assert (verdict.decision, verdict.mode) == (Decision.GO, Mode.TEMPLATE)


def test_an_offer_waits_for_the_parcel():
    verdict = judge(Proposal(Purpose.MARKETING), replace(LYON, delivered=False), NOON)
    assert (verdict.decision, verdict.until) == (Decision.HOLD, NOON + timedelta(days=1))


def test_the_cap_moves_a_promotion_and_does_not_drop_it():
    full = replace(LYON, promotions_sent_at=(NOON - timedelta(days=6), NOON - timedelta(days=1)))
    verdict = judge(Proposal(Purpose.REVIEW_REQUEST), full, NOON)
    assert (verdict.decision, verdict.until) == (Decision.HOLD, NOON + timedelta(days=1))
    assert judge(Proposal(Purpose.UTILITY), full, NOON).decision == Decision.GO


def test_a_person_who_helps_is_not_talked_over():
    helped = replace(LYON, handed_off=True)
    assert [judge(Proposal(purpose), helped, NOON).decision for purpose in Purpose] == [
        Decision.GO,  # service
        Decision.GO,  # utility
        Decision.SUPPRESS,
        Decision.SUPPRESS,
    ]


def test_a_stopped_account_holds_and_names_what_to_mend():
    verdict = judge(Proposal(Purpose.UTILITY), one(halted_reason="the token has expired"), NOON)
    assert verdict.decision == Decision.HOLD
    assert verdict.reason.endswith("WhatsApp is stopped: the token has expired")


def test_what_would_be_stale_by_morning_is_not_held():
    verdict = judge(Proposal(Purpose.UTILITY, use_by_at=NIGHT + timedelta(hours=2)), LYON, NIGHT)
    assert (verdict.decision, verdict.until) == (Decision.SUPPRESS, None)


def test_an_uninstalled_shop_says_nothing_more():
    assert judge(Proposal(Purpose.SERVICE), replace(LYON, shop_installed=False), NOON).decision == Decision.SUPPRESS


def test_without_a_known_zone_it_must_be_day_in_all_zones_of_the_country():
    unknown = replace(LYON, timezone="", fallback_zones=("America/New_York", "Pacific/Honolulu"))
    eight_in_new_york = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
    assert wake_time(unknown, eight_in_new_york) == datetime(2026, 11, 24, 18, 0, tzinfo=UTC)  # 08:00 in Honolulu


def test_the_hour_that_comes_twice_ends_the_night_once():
    early = replace(LYON, timezone="Europe/Paris", quiet_until=time(2, 30))
    second_half_past_two = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert wake_time(early, datetime(2026, 10, 25, 1, 10, tzinfo=UTC)) == second_half_past_two  # 02:10, second time


moments = st.integers(0, 730 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
hours = st.times().map(lambda at: at.replace(second=0, microsecond=0))
candidates = st.builds(
    Candidate,
    point_id=st.integers(1, 3),
    channel_id=st.integers(1, 3),
    kind=st.sampled_from(ChannelKind),
    mode=st.sampled_from(Mode),
    blocked_reason=st.sampled_from(["", "blocked"]),
    halted_reason=st.sampled_from(["", "halted"]),
    granted=st.frozensets(st.sampled_from(Purpose)),
    withdrawn=st.frozensets(st.sampled_from(Purpose)),
    has_template=st.booleans(),
)
situations = st.builds(
    Situation,
    candidates=st.lists(candidates, max_size=4).map(tuple),
    timezone=st.sampled_from(("", "Not/AZone", *ZONES)),
    quiet_from=hours,
    quiet_until=hours,
    promotions_sent_at=st.lists(moments, max_size=4).map(tuple),
    max_promotions_per_week=st.integers(0, 3),
    delivered=st.booleans(),
    handed_off=st.booleans(),
    shop_installed=st.booleans(),
)
proposals = st.builds(
    Proposal,
    purpose=st.sampled_from(Purpose),
    fixed_point_id=st.none() | st.integers(1, 3),
    use_by_at=st.none() | moments,
    from_person=st.booleans(),
)


@how(max_examples=400, deadline=None)
@given(proposals, situations, moments)
def test_whatever_the_situation_nothing_forbidden_goes(proposal: Proposal, situation: Situation, now: datetime):
    verdict = judge(proposal, situation, now)
    assert verdict.reason
    assert verdict == judge(proposal, situation, now)
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
    assert proposal.purpose not in chosen.withdrawn
    assert chosen.mode == Mode.FREE or (chosen.mode == Mode.TEMPLATE and chosen.has_template)
    assert proposal.fixed_point_id in (None, chosen.point_id)
    assert proposal.use_by_at is None or now < proposal.use_by_at
    if proposal.purpose == Purpose.MARKETING:
        assert situation.delivered
        assert Purpose.MARKETING in chosen.granted
    if proposal.purpose in PROMOTIONS:
        assert not situation.handed_off
        recent = [at for at in situation.promotions_sent_at if at > now - CAP_SPAN]
        assert len(recent) < situation.max_promotions_per_week


@how(max_examples=400, deadline=None)
@given(moments, st.sampled_from(ZONES), hours, hours)
def test_the_wake_time_is_never_in_the_night_nor_in_the_past(now: datetime, zone: str, start: time, end: time):
    found = wake_time(replace(LYON, timezone=zone, quiet_from=start, quiet_until=end), now)
    assert now <= found <= now + timedelta(hours=26)
    at = found.astimezone(ZoneInfo(zone)).time()
    night = start != end and (start <= at < end if start < end else at >= start or at < end)
    assert not night
