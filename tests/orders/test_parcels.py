import itertools
from datetime import UTC, datetime

import pytest

from post_purchase.models import FlowEvent, Order, Parcel, ParcelEvent
from shopapp.lib import clock
from shopapp.models import IncomingWebhook
from tests.factories import make_shop
from tests.shopify_door import deliver, payload, post, process_webhooks, scan

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHIPPED = payload("fulfillment")
TRANSIT = scan("in_transit", "2026-11-21T17:00:00Z")
OUT = scan("out_for_delivery", "2026-11-22T06:00:00Z")
DELIVERED = scan("delivered", "2026-11-22T10:00:00Z")
STATED = payload("fulfillment", shipment_status="delivered", updated_at="2026-11-22T10:00:30Z")


@pytest.fixture(autouse=True)
def at():
    with clock.frozen(NOON) as at:
        make_shop(installed_at=datetime(2026, 11, 1, tzinfo=UTC))
        deliver("orders/create", payload("order"))
        yield at


def parcel_events() -> list[str]:
    return list(FlowEvent.objects.filter(kind__startswith="parcel").order_by("pk").values_list("kind", flat=True))


def test_in_order_each_change_is_told_once() -> None:
    for _ in range(2):
        deliver("fulfillments/create", SHIPPED)
        for news in (TRANSIT, OUT, DELIVERED):
            deliver("fulfillment_events/create", news)
        deliver("fulfillments/update", STATED)
    assert parcel_events() == [
        "parcel_shipped",
        "parcel_in_transit",
        "parcel_out_for_delivery",
        "parcel_delivered",
    ]
    parcel = Parcel.objects.get()
    assert (parcel.carrier, parcel.tracking_number, parcel.state) == ("PostNord", "SE123456789", "delivered")
    assert ParcelEvent.objects.count() == 3


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_every_disorder_ends_in_the_same_row(order: tuple[int, ...]) -> None:
    deliver("fulfillments/create", SHIPPED)
    FlowEvent.objects.filter(kind__startswith="parcel").delete()
    news = [
        ("fulfillment_events/create", TRANSIT),
        ("fulfillment_events/create", OUT),
        ("fulfillment_events/create", DELIVERED),
        ("fulfillments/update", STATED),
    ]
    for place in order:
        deliver(*news[place])
    parcel = Parcel.objects.get()
    assert (parcel.state, parcel.state_at) == ("delivered", datetime(2026, 11, 22, 10, 0, tzinfo=UTC))
    assert parcel.shipped_at == datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
    assert parcel.out_for_delivery_at == datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
    assert parcel.delivered_at == Order.objects.get().delivered_at == datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    told = parcel_events()
    kinds = ["parcel_shipped", "parcel_in_transit", "parcel_out_for_delivery", "parcel_delivered"]
    ranks = [kinds.index(kind) for kind in told]
    assert ranks == sorted(set(ranks))  # never backwards, never twice
    assert told[-1] == "parcel_delivered"


def test_delivered_before_shipped_tells_only_delivered() -> None:
    deliver("fulfillments/create", STATED)
    deliver("fulfillments/update", SHIPPED)
    deliver("fulfillment_events/create", TRANSIT)
    assert parcel_events() == ["parcel_delivered"]


def test_the_order_is_delivered_when_its_last_parcel_is() -> None:
    one = payload("fulfillment", line_items=[{"id": 5001, "quantity": 2}])
    two = payload("fulfillment", id=2, name="#1001-F2", line_items=[{"id": 5002, "quantity": 1}])
    deliver("fulfillments/create", one)
    deliver("fulfillment_events/create", DELIVERED)
    assert Order.objects.get().delivered_at is None
    deliver("fulfillments/create", two)
    deliver("fulfillment_events/create", scan("delivered", "2026-11-22T11:00:00Z", fulfillment_id=2))
    assert Order.objects.get().delivered_at == datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
    told = FlowEvent.objects.filter(kind="parcel_delivered").order_by("pk").values_list("data__order_delivered")
    assert list(told) == [(False,), (True,)]


def test_a_label_is_not_yet_on_its_way() -> None:
    deliver("fulfillments/create", payload("fulfillment", shipment_status="label_printed"))
    assert (Parcel.objects.get().state, parcel_events()) == ("label", ["parcel_label"])
    deliver("fulfillment_events/create", scan("carrier_picked_up", "2026-11-21T16:00:00Z"))
    assert Parcel.objects.get().state == "in_transit"
    assert parcel_events() == ["parcel_label", "parcel_shipped", "parcel_in_transit"]


def test_a_cancelled_parcel_says_nothing_and_does_not_keep_the_order_waiting() -> None:
    deliver("fulfillments/create", payload("fulfillment", id=9, status="cancelled"))
    deliver("fulfillments/create", STATED)
    assert Order.objects.get().delivered_at is not None
    assert parcel_events() == ["parcel_delivered"]


def test_nothing_travels_from_the_counter() -> None:
    deliver("orders/create", payload("order", id=5, name="#1005", source_name="pos"))
    bare = payload("fulfillment", id=50, order_id=5, tracking_number=None, tracking_company=None, tracking_url=None)
    deliver("fulfillments/create", bare)
    parcel = Parcel.objects.get(shopify_id=50)
    assert (parcel.state, parcel.order.delivered_at) == ("delivered", datetime(2026, 11, 21, 8, 0, tzinfo=UTC))
    assert parcel_events() == []
    told = FlowEvent.objects.get(kind="order_delivered")  # no parcel news, but the order is in the shopper's hands
    assert (told.order, told.parcel) == (parcel.order, None)


def test_an_unknown_status_is_ignored() -> None:
    deliver("fulfillments/create", SHIPPED)
    row = deliver("fulfillment_events/create", scan("teleported", "2026-11-22T10:00:00Z"))
    assert (row.error, ParcelEvent.objects.count()) == ("", 0)


def test_a_parcel_before_its_order_waits_while_shopify_cannot_be_asked(settings) -> None:
    settings.SHOPIFY_ADMIN_ORIGIN = "http://127.0.0.1:9"  # nobody listens there
    early = payload("fulfillment", order_id=4711, id=4712)
    assert post("fulfillments/create", early) == 200
    process_webhooks()
    row = IncomingWebhook.objects.latest("pk")
    assert (row.done_at, row.attempts, row.parked_at) == (None, 1, None)
    assert row.next_attempt_at > NOON
    assert row.error != ""
    with clock.frozen(row.next_attempt_at):
        deliver("orders/create", payload("order", id=4711, name="#4711"))
    row.refresh_from_db()
    assert row.done_at is not None
    assert Parcel.objects.filter(order__shopify_id=4711, shopify_id=4712).exists()


def whole_orders() -> list[str]:
    return list(FlowEvent.objects.filter(kind="order_delivered").order_by("pk").values_list("key", flat=True))


def test_the_whole_order_is_told_once_however_often_the_news_comes() -> None:
    for _ in range(2):
        deliver("fulfillments/create", SHIPPED)
        deliver("fulfillment_events/create", DELIVERED)
        deliver("fulfillments/update", STATED)
        deliver("orders/updated", payload("order", updated_at="2026-11-22T11:00:00Z", fulfillments=[STATED]))
    assert whole_orders() == [f"order_delivered:{Order.objects.get().pk}:1"]


def test_a_refund_of_what_was_never_sent_completes_the_order_days_later(at) -> None:
    one = payload("fulfillment", line_items=[{"id": 5001, "quantity": 2}])
    deliver("fulfillments/create", one)
    deliver("fulfillment_events/create", DELIVERED)
    assert whole_orders() == []
    at.move(days=5)  # the scan is history by now
    rest = payload("order", updated_at="2026-11-27T11:00:00Z", refunds=[payload("refund")])
    rest["line_items"][1]["current_quantity"] = 0
    deliver("orders/updated", rest)
    order = Order.objects.get()
    assert order.delivered_at == datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    told = FlowEvent.objects.get(kind="order_delivered")
    assert told.happened_at == datetime(2026, 11, 27, 11, 0, tzinfo=UTC)
    assert parcel_events().count("parcel_delivered") == 1


def test_a_split_shipment_is_told_whole_with_its_last_parcel_and_again_with_another() -> None:
    for number, line in ((1, 5001), (2, 5002)):
        deliver("fulfillments/create", payload("fulfillment", id=number, line_items=[{"id": line, "quantity": 2}]))
    deliver("fulfillment_events/create", scan("delivered", "2026-11-22T09:00:00Z", fulfillment_id=1))
    assert whole_orders() == []
    deliver("fulfillment_events/create", scan("delivered", "2026-11-22T10:00:00Z", fulfillment_id=2))
    pk = Order.objects.get().pk
    assert whole_orders() == [f"order_delivered:{pk}:2"]
    deliver("fulfillments/create", payload("fulfillment", id=3, created_at="2026-11-22T11:00:00Z"))
    assert Order.objects.get().delivered_at is None  # a replacement is on its way
    deliver("fulfillment_events/create", scan("delivered", "2026-11-22T11:30:00Z", fulfillment_id=3))
    assert whole_orders() == [f"order_delivered:{pk}:2", f"order_delivered:{pk}:3"]


def test_an_order_with_nothing_to_ship_is_whole_when_it_is_fulfilled() -> None:
    digital = payload("order", id=6, name="#1006", checkout_token="d1g1tal")
    for line in digital["line_items"]:
        line["requires_shipping"] = False
    deliver("orders/create", digital)
    assert whole_orders() == []
    bare = payload("fulfillment", id=60, order_id=6, tracking_number=None, tracking_company=None, tracking_url=None)
    deliver("fulfillments/create", bare)
    assert (len(whole_orders()), parcel_events()) == (1, [])


def test_an_old_delivery_and_a_cancelled_order_are_not_told() -> None:
    old = payload("fulfillment", shipment_status="delivered", created_at="2026-11-10T08:00:00Z")
    deliver("fulfillments/create", old | {"updated_at": "2026-11-15T08:00:00Z"})
    assert (Order.objects.get().delivered_at is not None, whole_orders()) == (True, [])
    gone = payload("order", id=7, name="#1007", checkout_token="g0ne", cancelled_at="2026-11-22T09:00:00Z")
    deliver("orders/create", gone)
    deliver("fulfillments/create", STATED | {"id": 70, "order_id": 7})
    assert whole_orders() == []
