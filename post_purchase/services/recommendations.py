"""What fits what somebody has bought, from the shop's own orders. Nothing that they have already."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Max

from post_purchase.models import Contact, Order, OrderLine
from shopapp.lib import clock

LOOK_BACK = timedelta(days=365)
TOGETHER_AT_LEAST = 2  # orders in which both were bought: one is chance


def bought_together(*, order: Order, contact: Contact | None, limit: int) -> list[dict[str, Any]]:
    """Products that others bought with these, the most often first: [{"product_id", "title", "because"}]."""
    mine = {line.product_id: line.title for line in order.lines.all() if line.product_id and line.current_quantity > 0}
    if not mine:
        return []
    others = (
        OrderLine.objects.filter(product_id__in=mine, order__shop=order.shop, current_quantity__gt=0)
        .filter(order__placed_at__gte=clock.now() - LOOK_BACK, order__test=False, order__cancelled_at=None)
        .exclude(order=order)
        .values("order_id")
    )
    found = (
        OrderLine.objects.filter(order_id__in=others, product_id__isnull=False, current_quantity__gt=0)
        .exclude(product_id__in=set(mine) | _owned(contact))
        .values("product_id")
        .annotate(orders=Count("order_id", distinct=True), name=Max("title"))
        .filter(orders__gte=TOGETHER_AT_LEAST)
        .order_by("-orders", "product_id")[:limit]
    )
    because = next(iter(mine.values()))
    return [{"product_id": row["product_id"], "title": row["name"], "because": because} for row in found]


def same_again(*, order: Order, limit: int) -> list[dict[str, Any]]:
    """What was bought, for a reorder: what cost most first."""
    lines = sorted(
        (line for line in order.lines.all() if line.product_id and line.current_quantity > 0),
        key=lambda line: (-line.price * line.current_quantity, line.pk),
    )
    return [
        {"product_id": line.product_id, "variant_id": line.variant_id, "title": line.title, "because": line.title}
        for line in lines[:limit]
    ]


def find(*, by: str, order: Order | None, contact: Contact | None, limit: int) -> list[dict[str, Any]]:
    if order is None:
        return []
    if by == "same_again":
        return same_again(order=order, limit=limit)
    return bought_together(order=order, contact=contact, limit=limit)


def _owned(contact: Contact | None) -> set[int]:
    if contact is None:
        return set()
    lines = OrderLine.objects.filter(order__contact=contact, product_id__isnull=False, current_quantity__gt=0)
    return {product_id for product_id in lines.values_list("product_id", flat=True).distinct() if product_id}
