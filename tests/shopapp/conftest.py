from collections.abc import Iterator

import pytest

from tests.shopapp.pretend import PretendShopify, pretend_shopify


@pytest.fixture
def shopify(settings: object) -> Iterator[PretendShopify]:
    with pretend_shopify() as world:
        settings.SHOPIFY_ADMIN_ORIGIN = world.origin  # type: ignore[attr-defined]
        yield world
