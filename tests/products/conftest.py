from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from demo.world import DemoWorld
from shopapp.lib import clock
from shopapp.models import Shop
from shopapp.shopify.install import install_or_refresh
from tests.factories import make_shop
from tests.pretend_world import SHOP, shopify_world

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def at() -> Iterator[Any]:
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def shop(db: None, at: Any) -> Shop:
    return make_shop(primary_url="https://fern.example.com")


@pytest.fixture
def world(at: Any, settings: Any) -> Iterator[DemoWorld]:
    with shopify_world(settings, scopes="read_orders,read_fulfillments,read_products,read_returns") as world:
        yield world


@pytest.fixture
def installed(db: None, world: DemoWorld) -> Shop:
    return install_or_refresh(SHOP, world.shopify.oauth.admin_token(SHOP))
