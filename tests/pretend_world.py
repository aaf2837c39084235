"""The demo's world on loopback for tests: its Shopify signs with what tests/environment.py gives the app."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from demo.world import DemoWorld
from shopapp.lib import clock

SHOP = "fern-and-field.myshopify.com"
ENVIRONMENT = {
    "SHOPIFY_API_KEY": "test-client-id",
    "SHOPIFY_API_SECRET": "test-client-secret",
    "META_APP_SECRET": "test-meta-secret",
    "ANYMAIL_WEBHOOK_SECRET": "user:password",
}


@contextmanager
def shopify_world(settings: Any, **shop: str) -> Iterator[DemoWorld]:
    """With one shop, to which the app is pointed. `shop`: more of what `create_shop` takes."""
    with DemoWorld.running(environment=ENVIRONMENT, now=clock.now) as world:
        world.shopify.create_shop(SHOP, **shop)
        settings.SHOPIFY_ADMIN_ORIGIN = f"{world.url}/shops/{{shop}}"
        yield world
