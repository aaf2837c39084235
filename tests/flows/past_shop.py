"""A shop with a past: orders, parcels and scans of the last weeks, as the backfill would have written them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from post_purchase.flows.editing import install_library
from post_purchase.models import Flow, Order, ParcelEvent
from shopapp.models import Shop
from tests.factories import make_channel, make_contact, make_order, make_parcel, make_shop

COUNTRIES = (("DE", "Europe/Berlin", "de"), ("US", "America/New_York", "en"), ("FR", "Europe/Paris", "fr"))


def make_past(now: datetime, *, orders: int = 12, domain: str = "fern-and-field.myshopify.com") -> Shop:
    """An order every day and a half, each delivered after four days; every fourth person buys twice."""
    shop = make_shop(domain, installed_at=now - timedelta(days=1))
    make_channel(shop, account_id=f"account-{shop.pk}")
    install_library(shop)
    people: list[Any] = []
    for number in range(orders):
        at = now - timedelta(days=85) + timedelta(hours=36 * number, minutes=13 * number)
        country, zone, language = COUNTRIES[number % 3]
        if number % 4 != 3 or not people:
            names = {"first_name": f"Person{number}", "language": language, "country": country, "timezone": zone}
            people.append(make_contact(shop, shopify_customer_id=number + 1, **names))
        delivered(shop, people[-1], at, shipping_country=country, timezone=zone, language=language)
    return shop


def delivered(shop: Shop, contact: Any, at: datetime, **fields: Any) -> Order:
    arrived = at + timedelta(days=4)
    order = make_order(
        shop, contact, placed_at=at, paid_at=at, fulfillment_status="fulfilled", delivered_at=arrived, **fields
    )
    parcel = make_parcel(order, "delivered", state_at=arrived, shipped_at=at + timedelta(days=1), delivered_at=arrived)
    for state, days in (("in_transit", 2.0), ("out_for_delivery", 3.8), ("delivered", 4.0)):
        ParcelEvent.objects.create(parcel=parcel, state=state, happened_at=at + timedelta(days=days))
    return order


def cancelled(shop: Shop, contact: Any, at: datetime) -> Order:
    return make_order(shop, contact, placed_at=at, paid_at=at, cancelled_at=at + timedelta(hours=5))


def refunded(shop: Shop, contact: Any, at: datetime) -> Order:
    return make_order(
        shop,
        contact,
        placed_at=at,
        paid_at=at,
        refunded=Decimal("49.00"),
        financial_status="refunded",
        shopify_updated_at=at + timedelta(days=2),
    )


def flow_of(shop: Shop, key: str) -> Flow:
    return Flow.objects.get(shop=shop, key=key)
