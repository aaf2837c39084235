"""A shop with one card."""

import pytest

from post_purchase.models import (
    Touchpoint,
)
from post_purchase.services.links import touchpoint_of
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from tests import factories
from tests.pages.conftest import NOW


@pytest.fixture
def at(media):
    with clock.frozen(NOW) as at:
        yield at


@pytest.fixture
def shop(at):
    return factories.make_shop()


@pytest.fixture
def card(shop) -> Touchpoint:
    return touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)
