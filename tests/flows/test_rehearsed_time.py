"""What time alone brings, in a rehearsal: the same news as flows/watching tells, at the moment when it becomes true."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from post_purchase.flows import editing
from post_purchase.flows.definition import load
from post_purchase.flows.rehearsal import past, show
from post_purchase.flows.rehearsal.assumptions import Assumptions
from post_purchase.flows.rehearsal.show import Script
from post_purchase.flows.rehearsal.world import PlayedFlow
from post_purchase.models import Order, ParcelEvent
from shopapp.lib import clock
from shopapp.models import Shop
from tests.factories import make_contact, make_order, make_parcel

from .past_shop import delivered, make_past

pytestmark = pytest.mark.django_db
NOW = datetime.fromisoformat("2026-03-03T10:00:00+00:00")  # a Tuesday
MONDAY = datetime.fromisoformat("2026-02-02T10:00:00+00:00")


@pytest.fixture
def at():
    with clock.frozen(NOW) as moment:
        yield moment


@pytest.fixture
def shop(at) -> Shop:
    return make_past(NOW, orders=0)


def flow(**trigger: Any) -> PlayedFlow:
    document = load(
        {
            "schema": 1,
            "key": "watcher",
            "name": "Watcher",
            "trigger": trigger,
            "start": "say",
            "steps": {"say": {"kind": "send", "message": "hello"}},
            "messages": {"hello": {"purpose": "utility"}},
            "texts": {"en": {"messages": {"hello": {"text": "Hello"}}}},
        }
    )
    return PlayedFlow("watcher", "Watcher", document, rehearsed=True)


def queued(shop: Shop, played: PlayedFlow) -> list[datetime]:
    """When the flow spoke, whatever the arbiter made of it."""
    theatre = past.theatre_of(shop, NOW - timedelta(days=90), NOW)
    told: list[Any] = []
    script = Script((played,), None, Assumptions(opens=100, opens_at_delivery=0, answers=0, stops=0))
    show.rehearse(theatre, script, keep=told.extend, note=lambda done, total: None)
    return sorted(one.queued_at for one in told)


def test_a_purchase_ages_from_its_delivery(shop):
    order = delivered(shop, make_contact(shop), MONDAY)
    assert order.delivered_at is not None
    aged = flow(news=["purchase_aged"], subject="order", after="P10D")
    assert queued(shop, aged) == [order.delivered_at + timedelta(days=10)]


def test_a_cancelled_purchase_does_not_age(shop):
    delivered(shop, make_contact(shop), MONDAY)
    Order.objects.update(cancelled_at=MONDAY + timedelta(days=5))
    assert queued(shop, flow(news=["purchase_aged"], subject="order", after="P10D")) == []


def stalled_order(shop: Shop, *states: tuple[str, timedelta]) -> Order:
    order = make_order(shop, make_contact(shop), placed_at=MONDAY, paid_at=MONDAY)
    state, last = states[-1]
    parcel = make_parcel(order, state, state_at=MONDAY + last, shipped_at=MONDAY + states[0][1], delivered_at=None)
    for name, after in states:
        ParcelEvent.objects.create(parcel=parcel, state=name, happened_at=MONDAY + after)
    return order


def test_a_parcel_stalls_after_working_days_without_a_scan(shop):
    stalled_order(shop, ("in_transit", timedelta(days=1)), ("in_transit", timedelta(days=2)))  # Wednesday
    stalled = flow(news=["parcel_stalled"], subject="parcel", working_days=3)
    assert queued(shop, stalled) == [MONDAY + timedelta(days=7)]  # Thursday, Friday, Monday


def test_a_parcel_that_is_there_does_not_stall(shop):
    delivered(shop, make_contact(shop), MONDAY)
    assert queued(shop, flow(news=["parcel_stalled"], subject="parcel", working_days=3)) == []


def test_delivery_is_assumed_two_days_after_the_estimate(shop):
    order = stalled_order(shop, ("in_transit", timedelta(days=1)))
    expected = MONDAY + timedelta(days=4)
    order.parcels.update(estimated_delivery_at=expected)
    assumed = flow(news=["delivery_assumed"], subject="parcel")
    assert queued(shop, assumed) == [expected + timedelta(days=2)]


def test_silence_counts_from_the_last_order_or_word(shop):
    contact = make_contact(shop)
    first = delivered(shop, contact, MONDAY)
    second = delivered(shop, contact, first.placed_at + timedelta(days=6))
    silent = flow(news=["contact_silent"], subject="contact", after="P14D")
    opened = timedelta(minutes=3)  # the chat of the second order is the last word
    assert queued(shop, silent) == [second.placed_at + opened + timedelta(days=14)]


def test_a_day_of_the_year_begins_at_the_shops_midnight(shop):
    delivered(shop, make_contact(shop), MONDAY)
    day = flow(news=["date_reached"], subject="contact", date="02-14")
    assert queued(shop, day) == [datetime.fromisoformat("2026-02-13T23:00:00+00:00")]
    early = flow(news=["date_reached"], subject="contact", date="02-14", offset="-P2D")
    assert queued(shop, early) == [datetime.fromisoformat("2026-02-11T23:00:00+00:00")]


def test_flows_that_start_each_other_end_with_a_problem(shop):
    delivered(shop, make_contact(shop), MONDAY)
    texts = {"en": {"messages": {}}}
    pair = []
    for key, other in (("ping", "pong"), ("pong", "ping")):
        trigger = {"news": ["order_paid"], "subject": "order", "again_after": "PT0S"}
        steps = {"go": {"kind": "start_flow", "flow": other}}
        raw = {"schema": 1, "key": key, "name": key, "trigger": trigger, "start": "go", "steps": steps, "texts": texts}
        pair.append(PlayedFlow(key, key, load(raw)))
    theatre = past.theatre_of(shop, NOW - timedelta(days=90), NOW)
    script = Script(tuple(pair), None)
    result = show.rehearse(theatre, script, keep=lambda told: None, note=lambda done, total: None)
    assert result["problems"][0][1].startswith("More than")


def test_every_ready_flow_plays_over_a_past(shop):
    for number in range(6):
        delivered(shop, make_contact(shop, shopify_customer_id=500 + number), MONDAY + timedelta(hours=number))
    for one in shop.flows.all():
        editing.switch_on(one)
    flows = tuple(PlayedFlow(one.key, one.name, load(one.draft)) for one in shop.flows.order_by("pk"))
    theatre = past.theatre_of(shop, NOW - timedelta(days=90), NOW)
    sure = Assumptions(opens=100, answers=60, agrees_to_offers=100)
    result = show.rehearse(theatre, Script(flows, None, sure), keep=lambda told: None, note=lambda done, total: None)
    assert len(flows) == 18
    assert result["problems"] == []
    assert result["outcomes"]["sent"] > 30
    started = {one["key"] for one in result["flows"] if one["started"]}
    assert {"thank_you", "shipped", "delivered", "photo_review"} <= started
