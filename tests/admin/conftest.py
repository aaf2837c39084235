from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from shopapp.lib import clock
from shopapp.models import Shop
from tests.factories import make_shop
from tests.shopapp.pretend import SHOP, admin_claims, sign

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def at() -> Iterator[Any]:
    with clock.frozen(NOW) as at:
        yield at


@pytest.fixture
def shop(db: None, at: Any) -> Shop:
    return make_shop()


def ask(path: str, body: Any, *, shop: str = SHOP, token: str | None = None, **more: Any) -> HttpResponse:
    """As an admin extension asks: from Shopify's origin, with the ID token in the header."""
    bearer = sign(admin_claims(shop)) if token is None else token
    headers = {"Origin": "https://extensions.shopifycdn.com"} | (
        {"Authorization": f"Bearer {bearer}"} if bearer else {}
    )
    return Client().post(path, body, content_type="application/json", headers=headers, **more)
