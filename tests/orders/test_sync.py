"""Against the demo world's Shopify over real HTTP: what no webhook told is found."""

from datetime import timedelta

import pytest

from demo.world import DemoWorld
from post_purchase.jobs.orders import backfill_orders, reconcile_orders
from post_purchase.models import FlowEvent, Order, Parcel
from post_purchase.services import order_sync
from post_purchase.services.shops import set_up_shop, settings_of, start_backfill
from shopapp.lib import clock
from shopapp.models import Shop
from shopapp.shopify import cost
from shopapp.shopify.errors import AdminApiError
from tests.orders.conftest import NOON
from tests.shopify_door import SHOP, deliver, payload

pytestmark = pytest.mark.django_db


def old_orders(world: DemoWorld, count: int) -> None:
    for day in range(count):
        world.shopify.place_order(SHOP, at=NOON - timedelta(days=day % 50 + 1), tell=False)


def test_a_shop_is_set_up_from_its_own_facts(shop: Shop) -> None:
    for _ in range(2):
        set_up_shop(shop)
    shop.refresh_from_db()
    assert shop.name != ""
    assert shop.shopify_id is not None
    assert settings_of(shop).link_key != ""
    assert shop.touchpoints.count() == len({touchpoint.kind for touchpoint in shop.touchpoints.all()}) >= 3


def test_the_last_sixty_days_come_in_and_start_nothing(world: DemoWorld, shop: Shop) -> None:
    old_orders(world, 3)
    world.shopify.place_order(SHOP, at=NOON - timedelta(days=61), tell=False)
    start_backfill(shop=shop)
    backfill_orders()
    shop.refresh_from_db()
    assert (shop.backfill_done, shop.backfill_total, shop.backfill_error) == (3, 3, "")
    assert shop.backfill_finished_at == NOON
    assert shop.backfill_next_attempt_at is None
    assert Order.objects.count() == 3
    assert FlowEvent.objects.count() == 0


def test_a_killed_backfill_goes_on_where_it_was(world: DemoWorld, shop: Shop, at) -> None:
    old_orders(world, 3)
    start_backfill(shop=shop)
    claimed = order_sync.claim_backfill()
    assert claimed is not None
    assert order_sync.claim_backfill() is None  # leased
    order_sync.fetch_order(
        shop=claimed, shopify_id=next(iter(int(key) for key in world.shopify.orders(SHOP))), news=False
    )
    # and the worker dies in the middle of the page
    at.move(minutes=4)
    backfill_orders()
    shop.refresh_from_db()
    assert (shop.backfill_done, Order.objects.count()) == (3, 3)


def test_a_backfill_waits_while_shopify_is_away(world: DemoWorld, shop: Shop, settings, at) -> None:
    old_orders(world, 1)
    origin = settings.SHOPIFY_ADMIN_ORIGIN
    start_backfill(shop=shop)
    settings.SHOPIFY_ADMIN_ORIGIN = "http://127.0.0.1:9"
    backfill_orders()
    shop.refresh_from_db()
    assert shop.backfill_error != ""
    assert shop.backfill_finished_at is None
    settings.SHOPIFY_ADMIN_ORIGIN = origin
    at.move(minutes=3)
    backfill_orders()
    assert Order.objects.count() == 1


def test_a_lost_webhook_is_found_and_told(world: DemoWorld, shop: Shop, at) -> None:
    start_backfill(shop=shop)
    backfill_orders()
    at.move(minutes=10)
    order = world.shopify.place_order(SHOP, tell=False)
    at.move(minutes=3)
    for _ in range(2):
        reconcile_orders()
    saved = Order.objects.get()
    assert saved.shopify_id == order["id"]
    assert list(FlowEvent.objects.order_by("pk").values_list("kind", flat=True)) == ["order_placed", "order_paid"]
    shop.refresh_from_db()
    assert shop.orders_synced_to == clock.now()


def test_the_watermark_stays_while_shopify_is_away(world: DemoWorld, shop: Shop, settings, at) -> None:
    start_backfill(shop=shop)
    settings.SHOPIFY_ADMIN_ORIGIN = "http://127.0.0.1:9"
    at.move(minutes=3)
    with pytest.raises(AdminApiError):
        order_sync.reconcile_shop(shop=shop)
    reconcile_orders()  # logs it, and goes on to the next shop
    shop.refresh_from_db()
    assert shop.orders_synced_to == NOON


def test_a_webhook_and_shopifys_answer_make_the_same_order(world: DemoWorld, shop: Shop, at) -> None:
    placed = world.shopify.place_order(SHOP, tell=False)
    parcel = world.shopify.ship(SHOP, placed["id"], tell=False)
    world.shopify.scan(SHOP, parcel["id"], "out_for_delivery", tell=False)
    deliver("orders/updated", world.shopify.order(SHOP, placed["id"]))
    names = [field.attname for field in Order._meta.concrete_fields if field.attname not in ("id", "status_url")]
    by_webhook = Order.objects.values(*names).get()
    Order.objects.all().delete()
    order_sync.fetch_order(shop=shop, shopify_id=placed["id"])
    by_answer = Order.objects.values(*names).get()
    differing = {name for name in names if by_webhook[name] != by_answer[name]}
    assert differing <= {"created_at", "estimated_delivery_at", "phone"}


def test_a_scan_before_everything_else_has_the_order_fetched(world: DemoWorld, shop: Shop) -> None:
    placed = world.shopify.place_order(SHOP, tell=False)
    parcel = world.shopify.ship(SHOP, placed["id"], tell=False)
    body = payload("fulfillment_event", order_id=placed["id"], fulfillment_id=parcel["id"])
    row = deliver("fulfillment_events/create", body | {"status": "delivered", "happened_at": NOON.isoformat()})
    assert row.error == ""
    assert Parcel.objects.get().state == "delivered"
    assert "parcel_shipped" not in FlowEvent.objects.values_list("kind", flat=True)


def operations(world: DemoWorld) -> list[str]:
    return [name for _, name in world.shopify.graphql.calls if name != "GetShop"]


def test_old_orders_come_in_pages_with_their_lines_and_scans(world: DemoWorld, shop: Shop) -> None:
    old_orders(world, 45)
    sent = world.shopify.place_order(SHOP, at=NOON - timedelta(days=52), items=((0, 2), (1, 1)), tell=False)
    parcel = world.shopify.ship(SHOP, sent["id"], tell=False, at=NOON - timedelta(days=51))
    world.shopify.scan(SHOP, parcel["id"], "delivered", tell=False, at=NOON - timedelta(days=50))
    start_backfill(shop=shop)
    done = []
    while (claimed := order_sync.claim_backfill()) is not None:
        order_sync.backfill_page(shop=claimed)
        done.append(Shop.objects.values_list("backfill_done", "backfill_total").get())
    assert done == [(20, 46), (40, 46), (46, 46)]
    assert operations(world) == ["CountOrders", *["ListWholeOrders"] * 3]
    assert Order.objects.count() == 46
    order = Order.objects.get(shopify_id=sent["id"])
    assert [line.quantity for line in order.lines.all()] == [2, 1]
    assert order.delivered_at == NOON - timedelta(days=50)
    assert FlowEvent.objects.count() == 0


def test_an_order_with_more_than_a_page_shows_is_fetched_whole(world: DemoWorld, shop: Shop) -> None:
    placed = world.shopify.place_order(SHOP, at=NOON - timedelta(days=3), items=((0, 1),) * 12, tell=False)
    start_backfill(shop=shop)
    backfill_orders()
    assert operations(world) == ["CountOrders", "ListWholeOrders", "GetOrder"]
    assert Order.objects.get(shopify_id=placed["id"]).lines.count() == 12


def test_a_page_that_costs_too_much_is_asked_for_in_smaller_ones(world: DemoWorld, shop: Shop, monkeypatch) -> None:
    monkeypatch.setattr("demo.shopify.graphql.MAX_COST", 100)
    old_orders(world, 12)
    start_backfill(shop=shop)
    backfill_orders()
    assert operations(world) == ["CountOrders", "ListWholeOrders", "ListWholeOrders"]  # a refused query does not run
    shop.refresh_from_db()
    assert (shop.backfill_done, shop.backfill_error, Order.objects.count()) == (12, "", 12)


def test_a_backfill_leaves_half_of_the_budget_to_those_who_wait(world: DemoWorld, shop: Shop) -> None:
    old_orders(world, 3)
    start_backfill(shop=shop)
    cost.learn(shop.pk, "ListWholeOrders", spent(available=300, requested=170))
    claimed = order_sync.claim_backfill()
    assert claimed is not None
    claimed.backfill_total = 3
    assert order_sync.backfill_page(shop=claimed) is False
    assert operations(world) == []
    shop.refresh_from_db()
    assert shop.backfill_error == ""
    assert timedelta(seconds=5) < shop.backfill_next_attempt_at - NOON < timedelta(seconds=9)
    set_up_shop(shop)  # what a person waits for goes through
    cost.learn(shop.pk, "ListWholeOrders", spent(available=1900, requested=170))
    with clock.frozen(NOON + timedelta(seconds=10)):
        backfill_orders()
    assert Order.objects.count() == 3


def spent(*, available: int, requested: int) -> dict:
    status = {"maximumAvailable": 2000, "currentlyAvailable": available, "restoreRate": 100}
    return {"requestedQueryCost": requested, "actualQueryCost": requested, "throttleStatus": status}


def test_a_throttled_backfill_waits_its_turn_and_is_no_error(world: DemoWorld, shop: Shop, at) -> None:
    old_orders(world, 3)
    start_backfill(shop=shop)
    world.faults.add("shopify.graphql", "throttled")
    backfill_orders()
    shop.refresh_from_db()
    assert (shop.backfill_error, shop.backfill_done, shop.backfill_finished_at) == ("", 0, None)
    assert NOON < shop.backfill_next_attempt_at < NOON + timedelta(seconds=30)
    cost.learn(shop.pk, "CountOrders", spent(available=2000, requested=1))  # Redis has a clock of its own
    at.move(seconds=30)
    backfill_orders()
    assert Order.objects.count() == 3


def test_two_workers_reconcile_a_shop_once(world: DemoWorld, shop: Shop, at, monkeypatch) -> None:
    start_backfill(shop=shop)
    backfill_orders()
    at.move(minutes=10)
    world.shopify.place_order(SHOP, tell=False)
    world.shopify.graphql.calls.clear()
    seen_by_both = Shop.objects.get()
    really = order_sync.fetch_order

    def meanwhile(**asked):
        reconcile_orders()  # the other worker, in the middle of ours
        return really(**asked)

    monkeypatch.setattr(order_sync, "fetch_order", meanwhile)
    assert order_sync.reconcile_shop(shop=Shop.objects.get()) == 1
    assert order_sync.reconcile_shop(shop=seen_by_both) == 0  # read before we had finished
    assert operations(world) == ["ListOrders", "GetOrder"]
    shop.refresh_from_db()
    assert (shop.orders_synced_to, shop.orders_lease_until) == (clock.now(), None)


def test_a_killed_reconciliation_is_taken_over_after_its_lease(world: DemoWorld, shop: Shop, at, monkeypatch) -> None:
    start_backfill(shop=shop)
    backfill_orders()
    at.move(minutes=10)
    world.shopify.place_order(SHOP, tell=False)
    Shop.objects.update(orders_lease_until=clock.now() + order_sync.RECONCILE_LEASE)  # and the worker is gone
    reconcile_orders()
    assert Order.objects.count() == 0
    at.move(minutes=5)
    reconcile_orders()
    assert Order.objects.count() == 1


def test_an_edit_is_fetched_and_told_once(world: DemoWorld, shop: Shop, at) -> None:
    placed = world.shopify.place_order(SHOP, items=((0, 2), (1, 1)), tell=False)
    deliver("orders/create", world.shopify.order(SHOP, placed["id"]))
    at.move(minutes=5)
    world.shopify.edit_order(SHOP, placed["id"], line=1, quantity=0)
    edited = {"order_edit": {"id": 78, "order_id": placed["id"], "committed_at": clock.now().isoformat()}}
    for _ in range(2):
        row = deliver("orders/edited", edited)
        assert (row.error, row.subject) == ("", f"order:{placed['id']}")
    assert [line.current_quantity for line in Order.objects.get().lines.all()] == [2, 0]
    told = FlowEvent.objects.filter(kind="order_edited")
    assert [event.key for event in told] == [f"order_edited:{Order.objects.get().pk}:78"]
