"""Against the demo world's Shopify over real HTTP: products come in by pages and stay fresh."""

import json
from datetime import timedelta

import pytest

from demo.world import DemoWorld
from post_purchase.jobs.products import sync_products
from post_purchase.models import Product, ProductSync, ShopSettings
from post_purchase.services import products
from post_purchase.services.products import COMPLEMENTARY
from shopapp.models import Shop
from tests.factories import make_shop
from tests.products.conftest import NOON
from tests.shopify_door import SHOP, deliver, payload

pytestmark = pytest.mark.django_db
APRON = "gid://shopify/Product/7702"


def write(world: DemoWorld, name: str, value: object, owner: str = APRON) -> None:
    fields = world.state.part("metafields").setdefault(SHOP, {})
    fields[f"{owner} {name}"] = value if isinstance(value, str) else json.dumps(value)


def test_all_products_come_with_tags_type_price_picture_and_what_can_be_bought(world, installed: Shop) -> None:
    write(world, COMPLEMENTARY, ["gid://shopify/Product/7701", "gid://shopify/Product/7706"])
    world.shopify.change_product(SHOP, 7705, available=False)
    products.start_sync(shop=installed)
    sync_products()
    assert Product.objects.count() == 6
    row = Product.objects.get(shopify_id=7702)
    assert (row.title, row.handle, row.product_type) == ("Linen apron", "linen-apron", "Textiles")
    assert (row.tags, str(row.price), row.variant_ids) == (["kitchen", "linen"], "49.00", [8802])
    assert (row.complementary_ids, row.metafields, row.available) == ([7701, 7706], {}, True)
    assert row.collections == [{"id": 4402, "title": "Soft things"}]
    assert products.collections_of(installed) == [(4403, "Gifts"), (4401, "Kitchen and table"), (4402, "Soft things")]
    assert products.collections_of(make_shop("rival-goods.myshopify.com")) == []
    assert row.image_url.endswith("/7702.png")
    assert not Product.objects.get(shopify_id=7705).available
    sync = ProductSync.objects.get()
    assert (sync.synced_to, sync.next_attempt_at, sync.error) == (NOON, NOON + timedelta(hours=6), "")


def test_only_the_metafields_that_the_merchant_named_are_kept(world, installed: Shop) -> None:
    write(world, "custom.material", "linen")
    write(world, "custom.colours", ["sand", "moss"])
    write(world, "custom.secret", "cost price")
    ShopSettings.objects.get_or_create(shop=installed)
    products.name_metafields(shop=installed, names=["custom.material", "custom.colours"])
    sync_products()
    assert Product.objects.get(shopify_id=7702).metafields == {
        "custom.material": ["linen"],
        "custom.colours": ["sand", "moss"],
    }


def test_a_large_shop_comes_page_by_page_and_a_page_twice_changes_nothing(world, installed: Shop, monkeypatch) -> None:
    from demo.shopify import nodes, orders

    many = tuple(dict(orders.PRODUCTS[0]) | {"id": 9000 + number} for number in range(60))
    monkeypatch.setattr(nodes, "PRODUCTS", many)
    products.start_sync(shop=installed)
    row = products.claim_sync()
    assert row is not None
    assert products.claim_sync() is None  # leased
    products.sync_page(row)
    assert Product.objects.count() == 25
    products.sync_page(row)  # a worker that was thought dead
    assert Product.objects.count() == 25
    sync_products()
    assert Product.objects.count() == 60
    assert ProductSync.objects.get().cursor == ""
    assert [name for _, name in world.shopify.graphql.calls].count("ListProducts") == 4


def test_what_a_whole_walk_does_not_meet_is_gone_but_its_row_stays(world, installed: Shop, at) -> None:
    products.start_sync(shop=installed)
    sync_products()
    world.state.part("products").setdefault(SHOP, {})["7704"] = {"deleted": True}
    at.move(hours=6)
    sync_products()  # what changed: nothing
    assert Product.objects.get(shopify_id=7704).deleted_at is None
    products.start_sync(shop=installed)
    at.move(minutes=1)
    sync_products()
    row = Product.objects.get(shopify_id=7704)
    assert (row.available, row.deleted_at is not None) == (False, True)
    assert Product.objects.filter(available=True).count() == 5


def test_shopify_not_answering_waits_longer_each_time_and_loses_nothing(world, installed: Shop, at) -> None:
    world.faults.add("shopify.graphql", "status", status=500)
    products.start_sync(shop=installed)
    sync_products()
    sync = ProductSync.objects.get()
    assert (sync.synced_to, sync.next_attempt_at) == (None, NOON + timedelta(minutes=2))
    assert "500" in sync.error
    at.move(minutes=2)
    sync_products()
    sync.refresh_from_db()
    assert (sync.error, sync.attempts, Product.objects.count()) == ("", 0, 6)


def test_a_shop_that_left_is_not_asked_for(installed: Shop) -> None:
    products.start_sync(shop=installed)
    Shop.objects.update(status="uninstalled")
    assert products.claim_sync() is None


def test_news_changes_the_row_at_once_and_the_rest_is_fetched_soon(shop: Shop, at) -> None:
    ProductSync.objects.create(shop=shop, synced_to=NOON, next_attempt_at=NOON + timedelta(hours=5))
    deliver("products/update", payload("product"))
    row = Product.objects.get()
    assert (row.shop, row.title, row.tags, row.product_type) == (shop, "Linen apron", ["kitchen", "Linen"], "Textiles")
    assert ProductSync.objects.get().next_attempt_at == NOON + timedelta(minutes=2)


def test_old_news_that_comes_late_changes_nothing(shop: Shop) -> None:
    deliver("products/update", payload("product", title="New name", updated_at="2026-11-20T11:30:00+01:00"))
    deliver("products/update", payload("product", title="Old name", updated_at="2026-11-20T11:00:00+01:00"))
    assert Product.objects.get().title == "New name"


def test_a_product_that_is_no_longer_sold_is_not_recommended_from_that_moment(shop: Shop) -> None:
    deliver("products/create", payload("product"))
    Product.objects.update(available=True)
    deliver("products/update", payload("product", status="archived", updated_at="2026-11-20T11:30:00+01:00"))
    assert not Product.objects.get().available
    deliver("products/delete", {"id": 7702})
    assert Product.objects.get().deleted_at == NOON


def test_deleting_a_product_touches_no_other_shops_row(shop: Shop) -> None:
    rival = make_shop("rival-goods.myshopify.com")
    Product.objects.create(shop=rival, shopify_id=7702, title="Theirs", shopify_updated_at=NOON)
    deliver("products/delete", {"id": 7702})
    assert Product.objects.get().deleted_at is None


def test_odd_values_are_cut_and_cannot_break_the_row(shop: Shop) -> None:
    deliver("products/update", payload("product", title="A" * 400 + "\0", tags=None, product_type=None, handle="b\0c"))
    row = Product.objects.get()
    assert (len(row.title), row.tags, row.product_type, row.handle) == (255, [], "", "bc")


def test_the_world_tells_a_change_and_a_deletion_as_shopify_does(world, installed: Shop, at) -> None:
    products.start_sync(shop=installed)
    sync_products()
    at.move(minutes=10)
    world.shopify.change_product(SHOP, 7702, tags="kitchen, sale")
    at.move(hours=6)
    sync_products()
    assert Product.objects.get(shopify_id=7702).tags == ["kitchen", "sale"]
