"""People a day, the way to a review, and which of Shopify's e-mails work: counted from rows."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from post_purchase.models import ChatStart, Review, Scan
from post_purchase.services import bindings, links
from post_purchase.services.touchpoint_numbers import (
    EmailState,
    email_states,
    funnel_of,
    people_by_day,
    robots_and_nowhere,
)
from post_purchase.web.pages.charts import day_chart, funnel_chart
from post_purchase.words import EmailTemplate, TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from tests.factories import make_contact, make_order, make_point, make_shop

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def at():
    with clock.frozen(NOW) as at:
        yield at


@pytest.fixture
def shop(at):
    return make_shop()


@pytest.fixture
def card(shop):
    return links.touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)


def scan(touchpoint, when=NOW, link=None, **fields):
    link = link or links.shop_link(touchpoint=touchpoint)[0]
    return Scan.objects.create(link=link, touchpoint=touchpoint, scan_id=new_code(), scanned_at=when, **fields)


def test_days_are_the_shops_and_empty_ones_are_there(card):
    scan(card, NOW)
    scan(card, datetime(2026, 11, 22, 23, 30, tzinfo=UTC))  # half past midnight in Berlin, the 23rd
    scan(card, NOW, robot=True)
    scan(card, NOW, test=True)
    scan(card, NOW - timedelta(days=30))
    days = people_by_day(scans=Scan.objects.filter(touchpoint=card), days=7, zone=BERLIN)
    assert [(day.day, number) for day, number in days] == [
        (18, 0),
        (19, 0),
        (20, 0),
        (21, 0),
        (22, 0),
        (23, 1),
        (24, 1),
    ]


def test_people_whom_no_chat_took_are_counted_and_robots_are_not(card):
    scan(card, nowhere=True)
    scan(card, nowhere=True, robot=True)
    scan(card, nowhere=True, test=True)
    scan(card, NOW - timedelta(days=30), nowhere=True)
    scan(card)
    assert robots_and_nowhere(scans=Scan.objects.filter(touchpoint=card), days=7, zone=BERLIN) == (1, 1)


def wrote(shop, card, address):
    """Somebody scanned and wrote with the card's code, through the same door as the world."""
    point = make_point(make_contact(shop), address=address)
    outcome = bindings.bind_by_code(point=point, code=links.shop_link(touchpoint=card)[1])
    assert outcome.outcome == bindings.Outcome.SHOP_WIDE
    return point


def reviewed(point, key="r"):
    return Review.objects.create(
        shop=point.shop, contact=point.contact, rating=2, dedupe_key=f"{key}{point.pk}", submitted_at=clock.now()
    )


def test_the_way_from_a_scan_to_a_review(shop, card, at):
    for _ in range(5):
        scan(card)
    before = make_point(make_contact(shop), address="DE.0")
    reviewed(before)
    first, second = wrote(shop, card, "DE.1"), wrote(shop, card, "DE.2")
    bindings.bind_by_code(point=first, code=links.shop_link(touchpoint=card)[1])  # the code again
    at.move(days=1)
    reviewed(first)
    reviewed(first, "again")
    funnel = funnel_of(touchpoints=[card], days=30, zone=BERLIN)
    assert (funnel.scans, funnel.messages, funnel.reviews) == (5, 2, 1)
    assert second.chat_starts.count() == 1
    other = links.touchpoint_of(shop=shop, kind=TouchpointKind.EMAIL_BUTTON)
    empty = funnel_of(touchpoints=[other], days=30, zone=BERLIN)
    assert (empty.scans, empty.messages, empty.reviews) == (0, 0, 0)
    at.move(days=40)
    assert funnel_of(touchpoints=[card], days=30, zone=BERLIN).messages == 0


def test_a_review_from_before_the_scan_is_not_its_doing(shop, card, at):
    point = make_point(make_contact(shop), address="DE.5")
    reviewed(point)
    at.move(hours=1)
    bindings.bind_by_code(point=point, code=links.shop_link(touchpoint=card)[1])
    assert funnel_of(touchpoints=[card], days=30, zone=BERLIN).reviews == 0


def test_a_wrong_code_starts_nothing(shop):
    point = make_point(make_contact(shop))
    bindings.bind_by_code(point=point, code="AB3KQ9ZT7MXW2HHC")
    assert not ChatStart.objects.exists()


def test_an_email_is_done_with_its_first_person_and_says_whether_the_order_came_along(shop):
    touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.EMAIL_BUTTON)
    of_order, _ = links.link_for_order(touchpoint=touchpoint, order=make_order(shop))
    scan(touchpoint, NOW + timedelta(hours=1), of_order, source="C")
    scan(touchpoint, NOW + timedelta(hours=2), of_order, source="C")
    scan(touchpoint, NOW, source="C", test=True)
    scan(touchpoint, NOW, of_order, source="S", robot=True)
    scan(touchpoint, NOW, source="D")
    scan(touchpoint, NOW, source="R", test=True)
    states = {state.template: state for state in email_states(touchpoint=touchpoint)}
    assert list(states) == list(EmailTemplate)
    assert states[EmailTemplate.ORDER_CONFIRMATION] == EmailState(
        EmailTemplate.ORDER_CONFIRMATION, bound=2, tests=1, first_at=NOW + timedelta(hours=1)
    )
    assert [states[each].done for each in "CSWDR"] == [True, False, False, True, False]
    assert (states[EmailTemplate.DELIVERED].bound, states[EmailTemplate.DELIVERED].unbound) == (0, 1)


def test_a_chart_has_a_readable_top_and_bars_that_fit(at):
    rows = [(NOW.date() - timedelta(days=back), number) for back, number in ((2, 0), (1, 7), (0, 13))]
    chart = day_chart(rows)
    assert (chart.top, chart.total) == (20, 20)
    assert [(bar.height, bar.y) for bar in chart.bars] == [("0.0", "100.0"), ("35.0", "65.0"), ("65.0", "35.0")]
    assert day_chart([(NOW.date(), 0)]).top == 1


def test_a_funnel_says_the_share_of_the_step_before():
    steps = funnel_chart([("Scans", 8), ("Messages", 2), ("Reviews", 0)])
    assert [(step.width, step.share) for step in steps] == [("100.0", ""), ("25.0", "25%"), ("0.0", "0%")]
    assert [step.width for step in funnel_chart([("Scans", 0), ("Messages", 0)])] == ["0.0", "0.0"]
