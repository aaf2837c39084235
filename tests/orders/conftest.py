"""The demo world's Shopify on loopback, with the app installed in its shop."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from demo.world import DemoWorld
from shopapp.lib import clock
from shopapp.models import Shop
from shopapp.shopify.install import install_or_refresh
from tests.pretend_world import SHOP, shopify_world

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def at() -> Iterator[Any]:
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def world(at: Any, settings: Any) -> Iterator[DemoWorld]:
    with shopify_world(settings) as world:
        yield world


@pytest.fixture
def shop(world: DemoWorld) -> Shop:
    return install_or_refresh(SHOP, world.shopify.oauth.admin_token(SHOP))
