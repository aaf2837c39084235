"""Against the demo world's Shopify over real HTTP: what no webhook told is found."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from demo.world import DemoWorld
from post_purchase.jobs.orders import backfill_orders, reconcile_orders
from post_purchase.models import FlowEvent, Order, Parcel
from post_purchase.services import order_sync
from post_purchase.services.shops import set_up_shop, settings_of, start_backfill
from shopapp.lib import clock
from shopapp.models import Shop
from shopapp.shopify.errors import AdminApiError
from shopapp.shopify.install import install_or_refresh
from tests.shopify_door import SHOP, deliver, payload

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ENVIRONMENT = {
    "SHOPIFY_API_KEY": "test-client-id",
    "SHOPIFY_API_SECRET": "test-client-secret",
    "META_APP_SECRET": "test-meta-secret",
    "ANYMAIL_WEBHOOK_SECRET": "user:password",
}


@pytest.fixture
def at():
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def world(at, settings) -> Iterator[DemoWorld]:
    with DemoWorld.running(environment=ENVIRONMENT, now=clock.now) as world:
        world.shopify.create_shop(SHOP)
        settings.SHOPIFY_ADMIN_ORIGIN = f"{world.url}/shops/{{shop}}"
        yield world


@pytest.fixture
def shop(world: DemoWorld) -> Shop:
    return install_or_refresh(SHOP, world.shopify.oauth.admin_token(SHOP))


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
