"""Returns and gifts, told by the demo world's Shopify."""

from datetime import timedelta

import pytest

from post_purchase.flows.facts import gather, load_order
from post_purchase.jobs.orders import backfill_orders
from post_purchase.models import FlowEvent, Order
from post_purchase.services.order_data import OrderData
from post_purchase.services.shops import start_backfill
from shopapp.models import IncomingWebhook
from tests.orders.conftest import NOON
from tests.shopify_door import SHOP, deliver, payload

pytestmark = pytest.mark.django_db


def asked(order: Order) -> list[FlowEvent]:
    return list(FlowEvent.objects.filter(order=order, kind="return_requested"))


def news(row: dict, **more: str) -> dict:
    return {name: row[name] for name in ("id", "order", "status")} | more


def test_a_return_that_the_shopper_asks_for_is_told_once_and_stays_open_until_it_is_closed(world, shop, at) -> None:
    placed = world.shopify.place_order(SHOP, tell=False)
    row = world.shopify.ask_return(SHOP, placed["id"], tell=False)
    for _ in range(2):
        deliver("returns/request", news(row))
    order = Order.objects.get()
    [event] = asked(order)
    assert (event.data, order.returns, order.return_open) == (
        {"state": "requested"},
        {str(row["id"]): "requested"},
        True,
    )
    assert gather(shop=shop, order=load_order(order.pk), contact=None)["order"]["return_open"] is True
    world.shopify.order(SHOP, placed["id"])["returns"][0]["status"] = "closed"
    at.move(minutes=1)
    deliver("returns/close", news(row, status="closed"))
    order.refresh_from_db()
    assert (order.return_open, len(asked(order))) == (False, 1)


def test_news_that_comes_in_the_wrong_order_ends_in_the_truth(world, shop) -> None:
    placed = world.shopify.place_order(SHOP, tell=False)
    row = world.shopify.ask_return(SHOP, placed["id"], tell=False)
    world.shopify.order(SHOP, placed["id"])["returns"][0]["status"] = "declined"
    deliver("returns/decline", news(row, status="declined"))
    deliver("returns/request", news(row))
    order = Order.objects.get()
    assert (order.returns, order.return_open, asked(order)) == ({str(row["id"]): "declined"}, False, [])


def test_a_return_that_the_merchant_makes_counts_too(world, shop) -> None:
    placed = world.shopify.place_order(SHOP, tell=False)
    deliver("returns/approve", news(world.shopify.ask_return(SHOP, placed["id"], status="open", tell=False)))
    assert [event.data for event in asked(Order.objects.get())] == [{"state": "open"}]


def test_old_returns_come_with_the_old_orders_and_start_nothing(world, shop) -> None:
    placed = world.shopify.place_order(SHOP, at=NOON - timedelta(days=9), tell=False)
    world.shopify.ask_return(SHOP, placed["id"], tell=False)
    start_backfill(shop=shop)
    backfill_orders()
    order = Order.objects.get()
    assert (order.return_open, asked(order)) == (True, [])


def test_the_webhook_of_a_return_is_found_by_its_order_and_does_not_bring_what_the_shopper_wrote(world, shop) -> None:
    placed = world.shopify.place_order(SHOP, tell=False)
    row = world.shopify.ask_return(SHOP, placed["id"], tell=False)
    delivery = world.shopify.webhooks.send(shop=SHOP, topic="returns/request", payload=row)
    assert b"Aunt Maria" not in delivery.body
    deliver("returns/request", news(row))
    assert IncomingWebhook.objects.get(topic="returns/request").subject == f"order:{placed['id']}"


def test_a_return_of_an_order_that_shopify_does_not_know_is_nothing(world, shop) -> None:
    row = deliver("returns/request", {"id": 1, "order": {"id": 404}, "status": "requested"})
    assert (row.done_at, Order.objects.count()) == (NOON, 0)


def test_a_return_without_an_order_is_parked_not_lost(world, shop) -> None:
    row = deliver("returns/request", {"id": 1, "status": "requested"})
    assert (row.done_at, row.attempts) == (None, 1)


@pytest.mark.parametrize(
    ("changes", "gift"),
    [
        ({}, False),
        ({"tags": "vip, Gift"}, True),
        ({"tags": "gift-card-buyer"}, False),
        ({"property": {"name": "_gift", "value": "Yes"}}, True),
        ({"property": {"name": "Gift message", "value": "For Aunt Maria"}}, True),
        ({"property": {"name": "gift", "value": "No"}}, False),
        ({"property": {"name": "gift", "value": ""}}, False),
        ({"property": "gift"}, False),
        ({"title": "Geschenkverpackung"}, True),
        ({"title": "Gift for gardeners, a book"}, False),
    ],
)
def test_what_makes_an_order_a_gift(changes, gift) -> None:
    body = payload("order")
    body["tags"] = changes.get("tags", "")
    body["line_items"][0]["properties"] = [changes["property"]] if "property" in changes else []
    body["line_items"][0]["title"] = changes.get("title", "Mug")
    assert OrderData.from_webhook(body).gift is gift


def test_a_gift_stays_one_and_only_that_is_kept(world, shop) -> None:
    body = payload("order")
    body["line_items"][0]["properties"] = [{"name": "Gift message", "value": "Happy birthday, Aunt Maria"}]
    deliver("orders/create", body)
    order = Order.objects.get()
    assert gather(shop=shop, order=load_order(order.pk), contact=None)["order"]["gift"] is True
    deliver("orders/updated", payload("order", updated_at="2026-11-20T12:30:00+01:00"))
    order.refresh_from_db()
    assert order.is_gift
    assert "Aunt" not in str(list(Order.objects.values())) + str(list(order.lines.values()))


def test_shopifys_graphql_says_it_too(world, shop) -> None:
    placed = world.shopify.place_order(SHOP, tell=False)
    placed["line_items"][0]["properties"] = [{"name": "is_gift", "value": "true"}]
    row = world.shopify.ask_return(SHOP, placed["id"], tell=False)
    deliver("returns/request", news(row))
    assert Order.objects.get().is_gift
