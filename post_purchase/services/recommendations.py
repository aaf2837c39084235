"""What fits what somebody has bought: the merchant's word, Shopify's, then the shop's own orders. Never what they have.

A product is told as {"product_id", "title", "because"}, and where we know it {"variant_id", "url", "cart_url", "price",
"currency", "image_url"}: `cart_url` puts one of it into the cart, with the reward's code where there is one.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.db.models import Count, Max

from post_purchase.models import Contact, Order, OrderLine, Product
from shopapp.lib import clock
from shopapp.models import Shop

LOOK_BACK = timedelta(days=365)
TOGETHER_AT_LEAST = 2  # orders in which both were bought: one is chance


def compatible(*, order: Order, contact: Contact | None, limit: int) -> list[dict[str, Any]]:
    """What the merchant chose, then what Shopify's Search & Discovery has, then what others bought with it."""
    mine = _bought(order)
    rows = {row.shopify_id: row for row in Product.objects.filter(shop=order.shop_id, shopify_id__in=mine)}
    dearest_first = [rows[product_id] for product_id in mine if product_id in rows]
    wanted: dict[int, str] = {}
    for ids in ("chosen_ids", "complementary_ids"):
        for row in dearest_first:
            for product_id in getattr(row, ids):
                wanted.setdefault(product_id, mine[row.shopify_id])
    owned = set(mine) | _owned(contact)
    there = Product.objects.filter(shop=order.shop_id, shopify_id__in=set(wanted) - owned, available=True)
    titles = dict(there.values_list("shopify_id", "title"))
    found = [
        {"product_id": product_id, "title": titles[product_id], "because": because}
        for product_id, because in wanted.items()
        if product_id in titles
    ][:limit]
    if len(found) < limit:
        known = {each["product_id"] for each in found}
        others = bought_together(order=order, contact=contact, limit=limit + len(found))
        found += [each for each in others if each["product_id"] not in known]
    return found[:limit]


def bought_together(*, order: Order, contact: Contact | None, limit: int) -> list[dict[str, Any]]:
    """Products that others bought with these, the most often first; none that we know cannot be bought now."""
    mine = _bought(order)
    if not mine:
        return []
    others = (
        OrderLine.objects.filter(product_id__in=mine, order__shop=order.shop, current_quantity__gt=0)
        .filter(order__placed_at__gte=clock.now() - LOOK_BACK, order__test=False, order__cancelled_at=None)
        .exclude(order=order)
        .values("order_id")
    )
    gone = Product.objects.filter(shop=order.shop_id, available=False).values("shopify_id")
    found = (
        OrderLine.objects.filter(order_id__in=others, product_id__isnull=False, current_quantity__gt=0)
        .exclude(product_id__in=set(mine) | _owned(contact))
        .exclude(product_id__in=gone)
        .values("product_id")
        .annotate(orders=Count("order_id", distinct=True), name=Max("title"))
        .filter(orders__gte=TOGETHER_AT_LEAST)
        .order_by("-orders", "product_id")[:limit]
    )
    because = next(iter(mine.values()))
    return [{"product_id": row["product_id"], "title": row["name"], "because": because} for row in found]


def same_again(*, order: Order, limit: int) -> list[dict[str, Any]]:
    """What was bought, for a reorder: what cost most first. Not what we know is sold out or gone."""
    lines = _dearest_first(order)
    gone = Product.objects.filter(
        shop=order.shop_id, shopify_id__in=[line.product_id for line in lines], available=False
    )
    left_out = set(gone.values_list("shopify_id", flat=True))
    return [
        {"product_id": line.product_id, "variant_id": line.variant_id, "title": line.title, "because": line.title}
        for line in lines
        if line.product_id not in left_out
    ][:limit]


def find(*, by: str, order: Order | None, contact: Contact | None, limit: int, code: str = "") -> list[dict[str, Any]]:
    """`code`: a discount that the cart link carries along."""
    if order is None:
        return []
    if by == "same_again":
        found = same_again(order=order, limit=limit)
    elif by == "bought_together":
        found = bought_together(order=order, contact=contact, limit=limit)
    else:
        found = compatible(order=order, contact=contact, limit=limit)
    return list(_cards(order.shop, found, code))


def cart_url(shop: Shop, variant_id: int, *, code: str = "") -> str:
    """Shopify's cart permalink: one of this, and the code applied at the checkout."""
    discount = f"?discount={quote(code, safe='')}" if code else ""
    return f"{store_url(shop)}/cart/{variant_id}:1{discount}"


def store_url(shop: Shop) -> str:
    return (shop.primary_url or f"https://{shop.domain}").rstrip("/")


def _cards(shop: Shop, found: list[dict[str, Any]], code: str) -> Iterable[dict[str, Any]]:
    rows = Product.objects.filter(shop=shop, shopify_id__in=[each["product_id"] for each in found])
    known = {row.shopify_id: row for row in rows}
    for each in found:
        row = known.get(each["product_id"])
        variant = each.get("variant_id") or (row.variant_id if row else None)
        card = dict(each)
        if row is not None:
            card |= {"title": row.title, "image_url": row.image_url, "url": f"{store_url(shop)}/products/{row.handle}"}
            if row.price is not None:
                card |= {"price": str(row.price), "currency": shop.currency}
        if variant:
            card |= {"variant_id": variant, "cart_url": cart_url(shop, variant, code=code)}
        yield card


def _bought(order: Order) -> dict[int, str]:
    """{product id: its title}, what cost most first."""
    return {line.product_id: line.title for line in _dearest_first(order) if line.product_id}


def _dearest_first(order: Order) -> list[OrderLine]:
    lines = (line for line in order.lines.all() if line.product_id and line.current_quantity > 0)
    return sorted(lines, key=lambda line: (-line.price * line.current_quantity, line.pk))


def _owned(contact: Contact | None) -> set[int]:
    if contact is None:
        return set()
    lines = OrderLine.objects.filter(order__contact=contact, product_id__isnull=False, current_quantity__gt=0)
    return {product_id for product_id in lines.values_list("product_id", flat=True).distinct() if product_id}
