"""What the doors for other systems share: how they name an order and a customer."""

import re

from post_purchase.models import Contact, Order
from shopapp.models import Shop

GID = re.compile(r"(?:gid://shopify/(?:Order|Customer)/)?([0-9]{1,18})", re.ASCII)


def order_named(shop: Shop, name: str) -> Order | None:
    """By Shopify's id ("gid://shopify/Order/1" or "1") or by its name ("#1001")."""
    orders = shop.orders.select_related("contact")
    found = GID.fullmatch(name)
    if found and (row := orders.filter(shopify_id=int(found[1])).first()):
        return row
    return orders.filter(name=name).order_by("-placed_at", "-pk").first()


def customer_named(shop: Shop, name: str) -> Contact | None:
    """By Shopify's id of the customer."""
    found = GID.fullmatch(name)
    row = shop.contacts.filter(shopify_customer_id=int(found[1])).first() if found else None
    while row is not None and row.merged_into is not None:
        row = row.merged_into
    return row
