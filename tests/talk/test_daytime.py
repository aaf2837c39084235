"""When it is day at the shopper's place: the table and the arithmetic of clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from post_purchase.services.daytime import (
    ALWAYS,
    Quiet,
    easter,
    every_rule,
    hours_for_news,
    hours_for_offers,
    is_holiday,
    is_open,
    minutes_left_everywhere,
    next_open,
)
from post_purchase.services.timezones import zones_in

ZONES = ("Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns")
PARIS = ZoneInfo("Europe/Paris")
NIGHT = Quiet(time(21), time(8))


def test_every_rule_of_the_table_can_be_read_and_opens_on_some_day():
    for hours in every_rule():
        for span in hours.week:
            assert span is None or 0 <= span[0] < span[1] <= 24 * 60
        assert any(hours.week)


def test_without_a_state_the_narrowest_of_all_states_holds():
    assert hours_for_offers("US").week == ((600, 1080),) * 5 + ((600, 1020), None)
    assert hours_for_offers("US", "CA").week == ((480, 1260),) * 7  # known, with no rule of its own
    assert hours_for_offers("DE", "BE") == hours_for_offers("")


@pytest.mark.parametrize(("year", "day"), [(2024, "03-31"), (2025, "04-20"), (2026, "04-05"), (2027, "03-28")])
def test_easter(year, day):
    assert f"{easter(year):%m-%d}" == day


def test_french_holidays():
    days = [date(2027, 1, 1) + timedelta(days=number) for number in range(365)]
    assert [f"{day:%m-%d}" for day in days if is_holiday(day, "FR")] == [
        "01-01", "03-29", "05-01", "05-06", "05-08", "05-17", "07-14", "08-15", "11-01", "11-11", "12-25",
    ]  # fmt: skip


def test_without_a_known_zone_it_must_be_day_in_all_zones_of_the_country():
    zones = [ZoneInfo("America/New_York"), ZoneInfo("Pacific/Honolulu")]
    eight_in_new_york = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
    assert next_open(eight_in_new_york, zones, ALWAYS, NIGHT) == datetime(2026, 11, 24, 18, 0, tzinfo=UTC)


def test_an_offer_to_somewhere_in_the_united_states_finds_an_hour():
    zones = [ZoneInfo(name) for name in zones_in("US")]
    assert "America/New_York" in zones_in("US")
    found = next_open(datetime(2026, 11, 24, 12, 0, tzinfo=UTC), zones, hours_for_offers("US"), NIGHT)
    assert found == datetime(2026, 11, 24, 20, 0, tzinfo=UTC)  # 10:00 in Honolulu, 15:00 in New York
    assert zones_in("FR") == ("Europe/Paris",)
    assert zones_in("") == ()


def test_the_hour_that_comes_twice_ends_the_night_once():
    early = Quiet(time(21), time(2, 30))
    second_half_past_two = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert next_open(datetime(2026, 10, 25, 1, 10, tzinfo=UTC), [PARIS], ALWAYS, early) == second_half_past_two


def test_the_hour_that_never_comes_does_not_keep_the_night_going():
    early = Quiet(time(21), time(2, 30))
    found = next_open(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), [PARIS], ALWAYS, early)
    assert found == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30: there was no half past two


def test_a_merchant_cannot_widen_what_the_place_allows():
    awake = Quiet(time(3), time(4))
    three_at_night = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
    assert next_open(three_at_night, [PARIS], hours_for_offers("FR"), awake).astimezone(PARIS).hour == 8


def test_hours_of_a_merchant_that_leave_nothing_fall_back_to_those_of_the_place():
    awake_at_night = Quiet(time(6), time(22))  # quiet all day
    found = next_open(datetime(2026, 11, 24, 2, 0, tzinfo=UTC), [PARIS], hours_for_offers("DE"), awake_at_night)
    assert found == datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
    assert minutes_left_everywhere(awake_at_night) == 0
    assert minutes_left_everywhere(NIGHT) == 480


moments = st.integers(0, 730 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
hours = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@how(max_examples=300, deadline=None)
@given(moments, st.sampled_from(ZONES), hours, hours)
def test_the_night_of_a_merchant_is_kept_and_ends(now, zone, start, end):
    found = next_open(now, [ZoneInfo(zone)], ALWAYS, Quiet(start, end))
    assert now <= found <= now + timedelta(hours=26)
    at = found.astimezone(ZoneInfo(zone)).time()
    night = start != end and (start <= at < end if start < end else at >= start or at < end)
    assert not night


@how(max_examples=300, deadline=None)
@given(
    moments,
    st.sampled_from(ZONES),
    st.sampled_from(["FR", "US", "IN", "DE"]),
    st.sampled_from(["", "TX", "RI", "PA"]),
    hours,
    hours,
)
def test_what_the_place_forbids_is_never_found(now, zone, country, province, start, end):
    there = ZoneInfo(zone)
    for rule in (hours_for_offers(country, province), hours_for_news()):
        found = next_open(now, [there], rule, Quiet(start, end))
        assert now <= found <= now + timedelta(days=12)
        assert is_open(found, there, rule)
        assert found == now or not is_open(now, there, rule, Quiet(start, end))
