"""The arbiter: pure, so judged by examples and by properties over many situations."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st

from post_purchase.services.arbiter import (
    Candidate,
    Caps,
    Decision,
    Detour,
    Other,
    Proposal,
    Situation,
    Told,
    judge,
)
from post_purchase.services.template_words import READING
from post_purchase.words import ChannelKind, Mode, Purpose

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 24, 22, 30, tzinfo=UTC)  # 23:30 in Paris
ALL = frozenset(Purpose)
WHATSAPP = Candidate(point_id=1, channel_id=1, kind=ChannelKind.WHATSAPP, mode=Mode.FREE, granted=ALL)
EMAIL = Candidate(point_id=2, channel_id=2, kind=ChannelKind.EMAIL, mode=Mode.FREE, granted=ALL)
LYON = Situation(candidates=(WHATSAPP, EMAIL), timezone="Europe/Paris", country="FR", place="Lyon", delivered=True)


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


def test_a_text_that_meta_reads_is_waited_for_unless_another_channel_reaches_her():
    reading = one(mode=Mode.TEMPLATE, template_waits=READING)
    verdict = judge(Proposal(Purpose.UTILITY), reading, NOON)
    assert (verdict.decision, verdict.reason) == (Decision.HOLD, f"Held until 13:15 in Lyon: {READING}")
    late = Proposal(Purpose.UTILITY, use_by_at=NOON + timedelta(minutes=10))
    assert judge(late, reading, NOON).until == NOON + timedelta(minutes=9)
    assert judge(late, reading, NOON + timedelta(minutes=9)).decision == Decision.SUPPRESS
    both = replace(reading, candidates=(*reading.candidates, EMAIL))
    verdict = judge(Proposal(Purpose.UTILITY), both, NOON)
    assert (verdict.candidate, verdict.reason) == (EMAIL, f"By E-mail: {READING}")
    assert judge(Proposal(Purpose.UTILITY, keeps_channel=True), both, NOON).decision == Decision.HOLD
    stopped = one(mode=Mode.TEMPLATE, template_waits=READING, granted=frozenset())
    assert judge(Proposal(Purpose.UTILITY), stopped, NOON).decision == Decision.SUPPRESS


def test_a_network_that_wants_a_day_is_not_waited_for_where_another_reaches_her():
    tomorrow = replace(WHATSAPP, not_before=NOON + timedelta(days=1))
    verdict = judge(Proposal(Purpose.MARKETING), replace(LYON, candidates=(tomorrow, EMAIL)), NOON)
    assert (verdict.candidate, verdict.reason) == (EMAIL, "By E-mail: WhatsApp asked us to slow down")
    verdict = judge(Proposal(Purpose.MARKETING), replace(LYON, candidates=(tomorrow,)), NOON)
    assert (verdict.decision, verdict.until) == (Decision.HOLD, NOON + timedelta(days=1))
    soon = replace(WHATSAPP, not_before=NOON + timedelta(minutes=10))
    verdict = judge(Proposal(Purpose.MARKETING), replace(LYON, candidates=(soon, EMAIL)), NOON)
    assert (verdict.decision, verdict.until) == (Decision.HOLD, NOON + timedelta(minutes=10))


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


@pytest.mark.parametrize("stop", ["", "."])
def test_outside_the_window_only_a_template_goes(stop):
    shut = one(mode=Mode.TEMPLATE, mode_reason=f"Maria last wrote 26 hours ago{stop}")
    assert judge(Proposal(Purpose.UTILITY), shut, NOON).reason == (
        "Maria last wrote 26 hours ago; this message has no approved template"
    )
    verdict = judge(Proposal(Purpose.UTILITY), one(mode=Mode.TEMPLATE, has_template=True), NOON)
    assert (verdict.decision, verdict.mode, verdict.detour) == (Decision.GO, Mode.TEMPLATE, Detour.AS_TEMPLATE)
    assert verdict.reason == "As an approved template: WhatsApp allows only that now"


def test_another_channel_says_why_not_the_wished_one():
    left = replace(LYON, candidates=(replace(WHATSAPP, withdrawn=ALL, granted=frozenset()), EMAIL))
    verdict = judge(Proposal(Purpose.UTILITY), left, NOON)
    assert (verdict.decision, verdict.candidate, verdict.detour) == (Decision.GO, EMAIL, Detour.OTHER_CHANNEL)
    assert verdict.reason == "By E-mail: The shopper has opted out on WhatsApp"


def test_an_offer_waits_for_the_parcel():
    verdict = judge(Proposal(Purpose.MARKETING), replace(LYON, delivered=False), NOON)
    assert (verdict.decision, verdict.until) == (Decision.HOLD, NOON + timedelta(days=1))


def sent(hours: float, purpose: Purpose = Purpose.REVIEW_REQUEST, run_id: int | None = None) -> Other:
    return Other(purpose, NOON - timedelta(hours=hours), run_id=run_id)


def waits(hours: float, purpose: Purpose) -> Other:
    return Other(purpose, NOON + timedelta(hours=hours), waiting=True)


def test_the_cap_moves_a_promotion_and_does_not_drop_it():
    full = replace(LYON, others=(sent(6 * 24), sent(2 * 24)))
    verdict = judge(Proposal(Purpose.REVIEW_REQUEST), full, NOON)
    assert (verdict.decision, verdict.until) == (Decision.HOLD, NOON + timedelta(days=1))
    assert verdict.reason == "Held until Wed 25 Nov 13:00 in Lyon: 2 requests or offers in seven days already"
    assert judge(Proposal(Purpose.UTILITY), full, NOON).decision == Decision.GO


def test_the_place_that_becomes_free_at_night_is_taken_in_the_morning():
    full = replace(LYON, others=(sent(7 * 24 - 10), sent(2 * 24)))  # 22:00 UTC, 23:00 in Lyon
    verdict = judge(Proposal(Purpose.REVIEW_REQUEST), full, NOON)
    assert verdict.until == datetime(2026, 11, 25, 7, 30, tzinfo=UTC)
    assert verdict.reason == ("Held until 08:30 in Lyon: 2 requests or offers in seven days already, then quiet hours")


def test_what_one_run_asks_in_a_day_counts_as_one_talk():
    asked = replace(LYON, others=(sent(4, run_id=7),))
    assert judge(Proposal(Purpose.REVIEW_REQUEST, run_id=7), asked, NOON).decision == Decision.GO
    verdict = judge(Proposal(Purpose.REVIEW_REQUEST, run_id=8), asked, NOON)
    assert verdict.until == NOON + timedelta(hours=20)
    assert verdict.reason.endswith("1 request or offer in a day already")


def test_offers_have_a_cap_of_their_own():
    offered = replace(LYON, others=(sent(3 * 24, Purpose.MARKETING),))
    assert judge(Proposal(Purpose.REVIEW_REQUEST), offered, NOON).decision == Decision.GO
    verdict = judge(Proposal(Purpose.MARKETING), offered, NOON)
    assert verdict.until == NOON + timedelta(days=4)
    assert verdict.reason.endswith("1 offer in seven days already")


def test_caps_of_nothing_switch_it_off_and_say_so():
    none = replace(LYON, caps=Caps(offers_per_week=0))
    verdict = judge(Proposal(Purpose.MARKETING), none, NOON)
    assert (verdict.decision, verdict.reason) == (
        Decision.SUPPRESS,
        "Offers are switched off (the settings allow none per week)",
    )
    assert judge(Proposal(Purpose.REVIEW_REQUEST), none, NOON).decision == Decision.GO


def test_an_offer_keeps_a_distance_from_the_last_message():
    verdict = judge(Proposal(Purpose.MARKETING), replace(LYON, others=(sent(0.5, Purpose.UTILITY),)), NOON)
    assert (verdict.decision, verdict.until) == (Decision.HOLD, NOON + timedelta(hours=1.5))
    assert verdict.reason == "Held until 14:30 in Lyon: a pause after the last message"


def test_what_is_more_urgent_goes_first():
    busy = replace(LYON, others=(waits(1, Purpose.UTILITY), waits(0, Purpose.REVIEW_REQUEST)))
    verdict = judge(Proposal(Purpose.MARKETING), busy, NOON)
    assert verdict.until == NOON + timedelta(hours=3)
    assert verdict.reason.endswith("something more urgent goes first: order update")
    assert judge(Proposal(Purpose.UTILITY), busy, NOON).decision == Decision.GO
    only_offers = replace(LYON, others=(waits(0, Purpose.MARKETING),))
    assert judge(Proposal(Purpose.REVIEW_REQUEST), only_offers, NOON).decision == Decision.GO


def test_nobody_who_is_writing_is_interrupted():
    writing = replace(LYON, wrote_at=NOON - timedelta(minutes=10))
    verdict = judge(Proposal(Purpose.MARKETING), writing, NOON)
    assert (verdict.until, verdict.reason) == (
        NOON + timedelta(minutes=20),
        "Held until 13:20 in Lyon: the shopper is writing just now",
    )
    assert judge(Proposal(Purpose.MARKETING, fixed_point_id=1), writing, NOON).decision == Decision.GO


@pytest.mark.parametrize("muted", [{"handed_off": True}, {"awaits_team": True}])
def test_an_open_question_mutes_promotion_and_nothing_else(muted):
    helped = replace(LYON, **muted)
    assert [judge(Proposal(purpose), helped, NOON).decision for purpose in Purpose] == [
        Decision.GO,  # service
        Decision.GO,  # utility
        Decision.HOLD,
        Decision.HOLD,
    ]


def test_a_flow_does_not_talk_over_a_person():
    verdict = judge(Proposal(Purpose.REVIEW_REQUEST, fixed_point_id=1), replace(LYON, handed_off=True), NOON)
    assert verdict.decision == Decision.SUPPRESS


def test_an_unhappy_shopper_gets_no_offers_but_is_asked_for_reviews_like_everybody():
    unhappy = replace(LYON, unhappy_until=NOON + timedelta(days=9))
    verdict = judge(Proposal(Purpose.MARKETING), unhappy, NOON)
    assert (verdict.decision, verdict.until) == (Decision.HOLD, NOON + timedelta(days=9))
    assert "the last rating was low" in verdict.reason
    assert judge(Proposal(Purpose.REVIEW_REQUEST), unhappy, NOON).decision == Decision.GO


def test_the_same_news_is_told_once():
    told = replace(LYON, told=(Told(at=NOON - timedelta(minutes=5), by="Shipped"),))
    verdict = judge(Proposal(Purpose.UTILITY), told, NOON)
    assert (verdict.decision, verdict.reason) == (
        Decision.MERGE,
        "Not said twice: “Shipped” told the same 5 minutes ago",
    )
    assert judge(Proposal(Purpose.UTILITY, fixed_point_id=1), told, NOON).decision == Decision.GO  # she asked
    long_ago = replace(LYON, told=(Told(at=NOON - timedelta(hours=12), by="Shipped"),))
    assert judge(Proposal(Purpose.UTILITY), long_ago, NOON).decision == Decision.GO


def test_the_same_news_that_goes_first_is_waited_for():
    ahead = replace(LYON, told=(Told(at=NOON, by="Shipped", waiting=True),))
    verdict = judge(Proposal(Purpose.UTILITY), ahead, NOON)
    assert (verdict.decision, verdict.until) == (Decision.HOLD, NOON + timedelta(minutes=5))
    assert verdict.reason == "Held until 13:05 in Lyon: “Shipped” is about to tell the same"


@pytest.mark.parametrize(
    ("country", "province", "zone", "day", "expected"),
    [
        ("FR", "", "Europe/Paris", "2026-11-29", "2026-11-30 08:30"),  # a Sunday
        ("FR", "", "Europe/Paris", "2026-12-25", "2026-12-26 08:30"),  # Christmas, a Friday
        ("US", "TX", "America/Chicago", "2026-11-29", "2026-11-29 12:00"),  # Sunday
        ("US", "FL", "America/New_York", "2026-11-29", "2026-11-29 08:00"),
        ("US", "PA", "America/New_York", "2026-11-29", "2026-11-30 08:00"),
        ("US", "", "America/New_York", "2026-11-29", "2026-11-30 10:00"),  # the narrowest of all states
        ("IN", "", "Asia/Kolkata", "2026-11-29", "2026-11-29 10:00"),
        ("DE", "", "Europe/Berlin", "2026-11-29", "2026-11-29 08:00"),
    ],
)
def test_an_offer_of_the_early_morning_waits_by_the_law_of_the_place(country, province, zone, day, expected):
    there = ZoneInfo(zone)
    early = datetime.fromisoformat(f"{day} 07:00").replace(tzinfo=there).astimezone(UTC)
    place = replace(LYON, country=country, province=province, timezone=zone)
    verdict = judge(Proposal(Purpose.MARKETING), place, early)
    assert verdict.until.astimezone(there).strftime("%Y-%m-%d %H:%M") == expected


def test_a_closed_day_is_named():
    sunday = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
    verdict = judge(Proposal(Purpose.MARKETING), LYON, sunday)
    assert verdict.reason == "Held until Mon 30 Nov 08:30 in Lyon: no offers or requests on a Sunday in France"
    assert judge(Proposal(Purpose.UTILITY), LYON, sunday).decision == Decision.GO


def test_a_stopped_account_holds_and_names_what_to_mend():
    verdict = judge(Proposal(Purpose.UTILITY), one(halted_reason="the token has expired"), NOON)
    assert verdict.decision == Decision.HOLD
    assert verdict.reason.endswith("WhatsApp is stopped: the token has expired")


def test_what_would_be_stale_by_morning_is_not_held():
    verdict = judge(Proposal(Purpose.UTILITY, use_by_at=NIGHT + timedelta(hours=2)), LYON, NIGHT)
    assert (verdict.decision, verdict.until) == (Decision.SUPPRESS, None)


def test_an_uninstalled_shop_says_nothing_more():
    assert judge(Proposal(Purpose.SERVICE), replace(LYON, shop_installed=False), NOON).decision == Decision.SUPPRESS


hours = st.times().map(lambda at: at.replace(second=0, microsecond=0))
