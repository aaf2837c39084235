"""Who pays at the door: told by the names of the payment gateways, in the news and when the order is fetched."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from demo.world import DemoWorld
from post_purchase.flows.facts import gather, load_order
from post_purchase.models import Order
from post_purchase.services.order_data import OrderData
from post_purchase.services.order_marks import is_cash_on_delivery
from shopapp.lib import clock
from shopapp.models import Shop
from shopapp.shopify.install import install_or_refresh
from tests.pretend_world import shopify_world
from tests.shopify_door import SHOP, deliver, payload

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings) -> Iterator[DemoWorld]:
    with clock.frozen(datetime(2026, 11, 20, 12, 0, tzinfo=UTC)), shopify_world(settings) as world:
        yield world


@pytest.fixture
def shop(world: DemoWorld) -> Shop:
    return install_or_refresh(SHOP, world.shopify.oauth.admin_token(SHOP))


@pytest.mark.parametrize(
    ("gateways", "found"),
    [
        ([], False),
        (["shopify_payments"], False),
        (["Cash on Delivery (COD)"], True),
        (["shopify_payments", "COD"], True),
        (["Gift code"], False),
        (["CODA pay"], False),
        (["Per Nachnahme bezahlen"], True),
        (["Paiement à la livraison"], True),
        (["Kapıda Ödeme"], True),
        (["代金引換（代引き）"], True),
        (["الدفع عند الاستلام"], True),
        ([None, 5, ""], False),
    ],
)
def test_what_is_paid_at_the_door(gateways, found) -> None:
    assert is_cash_on_delivery(gateways) is found
    assert OrderData.from_webhook(payload("order") | {"payment_gateway_names": gateways}).cash_on_delivery is found


def test_it_stays_so_when_the_money_has_come(world, shop) -> None:
    body = payload("order", financial_status="pending") | {"payment_gateway_names": ["Cash on Delivery (COD)"]}
    deliver("orders/create", body)
    order = Order.objects.get()
    assert (order.is_cash_on_delivery, order.is_paid) == (True, False)
    facts = gather(shop=order.shop, order=load_order(order.pk), contact=order.contact)
    assert facts["order"]["cash_on_delivery"] is True
    paid = payload("order") | {"payment_gateway_names": [], "updated_at": "2026-12-24T10:00:00+01:00"}
    deliver("orders/paid", paid)
    order.refresh_from_db()
    assert (order.is_cash_on_delivery, order.is_paid) == (True, True)


def test_shopifys_graphql_says_it_too(world, shop) -> None:
    placed = world.shopify.place_order(SHOP, tell=False, gateway="Cash on Delivery (COD)", financial_status="pending")
    row = world.shopify.ask_return(
        SHOP, placed["id"], tell=False
    )  # news of an order that we do not know: it is fetched
    deliver("returns/request", {name: row[name] for name in ("id", "order", "status")})
    assert Order.objects.get().is_cash_on_delivery
