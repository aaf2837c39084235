"""A shop, its card, and every look-up behind a code."""

import pytest

from post_purchase.services import links, taps
from post_purchase.words import TouchpointKind
from shopapp.models import Shop
from tests.factories import make_shop

SELECT = taps._select


@pytest.fixture
def shop(media) -> Shop:
    return make_shop()


@pytest.fixture
def card(shop) -> str:
    """The code of the shop-wide card."""
    return links.shop_link(touchpoint=links.touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT))[1]


@pytest.fixture
def look_ups(monkeypatch) -> list[str]:
    """Every SELECT behind a code. On PostgreSQL it goes past Django's cursor, so Django's own count does not see it."""
    seen: list[str] = []
    monkeypatch.setattr(taps, "_select", lambda sql, values: seen.append(sql) or SELECT(sql, values))
    return seen
