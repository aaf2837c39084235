from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from demo.shopify.orders import PRODUCTS
from demo.shopify.shop import SCOPES
from demo.world import DemoWorld
from post_purchase.models import Order, Review, ShopSettings
from post_purchase.services import reviews
from shopapp.lib import clock
from shopapp.models import Shop
from shopapp.shopify.install import install_or_refresh
from tests.factories import make_contact, make_order
from tests.pretend_world import SHOP, shopify_world
from tests.talk.rows import make_run

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PRODUCT = int(PRODUCTS[0]["id"])
WORDS = "Maria got 10% off her next order for this review, whatever she wrote."


@pytest.fixture
def at():
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def world(at, settings) -> Iterator[DemoWorld]:
    with shopify_world(settings, scopes=f"{SCOPES},write_products") as world:
        yield world


@pytest.fixture
def shop(world: DemoWorld) -> Shop:
    shop = install_or_refresh(SHOP, world.shopify.oauth.admin_token(SHOP))
    ShopSettings.objects.create(shop=shop, brand_name="Fern & Field")
    return shop


@pytest.fixture
def order(shop: Shop) -> Order:
    return make_order(shop, make_contact(shop))


@pytest.fixture
def give(order: Order) -> Callable[..., Review]:
    """A review of PRODUCT, as the flow saves it."""
    run = make_run(order, order.contact)
    given = iter(range(10_000))

    def give(**changes: Any) -> Review:
        said: dict[str, Any] = {
            "run": run,
            "order": order,
            "contact": order.contact,
            "rating": 5,
            "text": "Lovely glaze.",
            "product_id": PRODUCT,
            "language": "en",
            "channel_kind": "whatsapp",
            "incentivised": True,
            "disclosure": WORDS,
            "dedupe_key": f"review:{next(given)}",
        }
        return reviews.save_review(**(said | changes))

    return give
