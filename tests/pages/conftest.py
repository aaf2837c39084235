from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shopapp.lib import clock
from shopapp.models import Shop
from tests.factories import make_shop
from tests.pages.seed import Seed, seed
from tests.pages.visitor import RIVAL, Visitor

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def at() -> Iterator[Any]:
    with clock.frozen(NOW) as at:
        yield at


@pytest.fixture
def shop(db: None, at: Any) -> Shop:
    return make_shop()


@pytest.fixture
def owner(shop: Shop) -> Visitor:
    return Visitor(shop.domain)


@pytest.fixture(scope="module")
def kept_rows(writing_once: Any) -> Seed:
    """One seeding for a whole file (it takes longer than any page), and the rival; the file's own `rows` hands it to
    each test: as it is where all only read, else a deepcopy."""
    with writing_once(), clock.frozen(NOW):
        make_shop(RIVAL, name="Rival Ltd")
        return seed(make_shop())


@pytest.fixture
def rival(db: None, at: Any) -> Visitor:
    if not Shop.objects.filter(domain=RIVAL).exists():  # else it is of `kept_rows`
        make_shop(RIVAL, name="Rival Ltd")
    return Visitor(RIVAL)
