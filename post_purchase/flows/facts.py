"""What a run may know, read anew each time. Plain data. `personal` is for the words only: it is not logged."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from django.db.models import Prefetch

from post_purchase.models import (
    Contact,
    ContactPoint,
    Conversation,
    Order,
    OrderLine,
    Parcel,
    Review,
    ShopSettings,
)
from post_purchase.services.consent import newest_states
from post_purchase.words import PARCEL_RANK, ParcelState, Purpose
from shopapp.lib import clock
from shopapp.models import Shop

from .product_facts import of_products

WIN_BACK_FACTOR = 1.75  # of the usual gap; practice is 1.5 to 2
WIN_BACK_EARLIEST = timedelta(days=60)


def gather(
    *, shop: Shop, order: Order | None, contact: Contact | None, run_id: int = 0, more: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Everything the engine and the texts may see. JSON-able; times are ISO 8601 in UTC, money is text.

    `more` names what costs a query of its own (definition.COSTLY_FACTS).
    """
    points = reachable_points(order=order, contact=contact)
    speaks_with = contact_to_speak_with(contact, points)
    conversation = Conversation.objects.filter(contact=speaks_with).first() if speaks_with else None
    facts = assemble(
        shop=shop,
        settings=settings_of(shop),
        order=order,
        speaks_with=speaks_with,
        started=bool(points),
        handed_off=bool(conversation and conversation.handed_off_at),
        run_id=run_id,
    )
    return {
        **facts,
        **of_products(order, facts["language"], facts["default_language"], more),
        **({"history": _history(speaks_with, order)} if "history" in more else {}),
        **({"consent": _consent(speaks_with)} if "consent" in more else {}),
    }


def assemble(
    *,
    shop: Shop,
    settings: ShopSettings,
    order: Order | None,
    speaks_with: Contact | None,
    started: bool,
    handed_off: bool,
    run_id: int = 0,
) -> dict[str, Any]:
    """The facts of rows that are read already: asks no database where the order's lines and parcels are prefetched."""
    default = settings.default_language or "en"
    return {
        "run": {"id": run_id},
        "language": (order.language if order else "") or (speaks_with.language if speaks_with else "") or default,
        "default_language": default,
        "timezone": (order.timezone if order else "")
        or (speaks_with.timezone if speaks_with else "")
        or shop.timezone
        or "UTC",
        "shop": {"name": settings.display_name, "installed": shop.is_installed, "url": f"https://{shop.domain}"},
        "contact": {
            "known": speaks_with is not None,
            "redacted": bool(speaks_with and speaks_with.redacted_at),
            "tags": list(speaks_with.tags) if speaks_with else [],
            "fields": dict(speaks_with.fields) if speaks_with else {},
            "country": speaks_with.country if speaks_with else "",
        },
        "conversation": {"started": started, "handed_off": handed_off},
        "reward": {
            "offered": settings.reward_percentage > 0,
            "percentage": f"{settings.reward_percentage.normalize():f}",
            "valid_days": settings.reward_valid_days,
        },
        **(_order_facts(order) if order else {"order": None, "parcels": {}, "review": None}),
        "personal": _personal(order, speaks_with),
    }


def for_log(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != "personal"}


def settings_of(shop: Shop) -> ShopSettings:
    return ShopSettings.objects.get_or_create(shop=shop)[0]


def reachable_points(*, order: Order | None, contact: Contact | None) -> list[ContactPoint]:
    """Where this may be told: points that have proved the order (or are the contact's), and said yes to news."""
    points = ContactPoint.objects.filter(blocked_at=None).select_related("contact").order_by("pk")
    if order is not None:
        points = points.filter(bindings__order=order)
    elif contact is not None:
        points = points.filter(contact=contact)
    else:
        return []
    found = list(points)
    states = newest_states(found)
    return [point for point in found if states[point.pk].get(Purpose.UTILITY) == "granted"]


def contact_to_speak_with(contact: Contact | None, points: list[ContactPoint]) -> Contact | None:
    """The run's contact, or whoever holds the proof where the order itself names nobody."""
    if points and (contact is None or all(point.contact_id != contact.pk for point in points)):
        return points[-1].contact
    return contact


def load_order(pk: int) -> Order:
    """With lines and parcels, in three queries."""
    lines, parcels = OrderLine.objects.order_by("pk"), Parcel.objects.order_by("pk")
    return (
        Order.objects.select_related("contact")
        .prefetch_related(Prefetch("lines", lines), Prefetch("parcels", parcels))
        .get(pk=pk)
    )


def _order_facts(order: Order) -> dict[str, Any]:
    lines = [line for line in order.lines.all() if line.current_quantity > 0]
    parcels = [parcel for parcel in order.parcels.all() if parcel.state != ParcelState.CANCELLED]
    product = max(
        (line for line in lines if line.product_id),
        key=lambda line: (line.price * line.current_quantity, -line.pk),
        default=None,
    )
    units = sum(line.current_quantity for line in lines if line.requires_shipping)
    return {
        "order": {
            "id": order.pk,
            "name": order.name,
            "placed_at": _iso(order.placed_at),
            "paid": order.is_paid,
            "currency": order.currency,
            "subtotal": str(order.subtotal),
            "total": str(order.total),
            "refunded": str(order.refunded),
            "fully_refunded": order.refunded > 0 and order.refunded >= order.total,
            "cancelled": order.cancelled_at is not None,
            "delivered": order.delivered_at is not None,
            "delivered_at": _iso(order.delivered_at),
            "day_expected": _iso(order.estimated_delivery_at),
            "point_of_sale": order.is_point_of_sale,
            "test": order.test,
            "gift": order.is_gift,
            "cash_on_delivery": order.is_cash_on_delivery,
            "return_open": order.return_open,
            "tags": list(order.tags),
            "country": order.shipping_country,
            "products": sorted({line.product_id for line in lines if line.product_id}),
            "titles": [line.title for line in lines],
            "skus": [line.sku for line in lines if line.sku],
            "requires_shipping": order.requires_shipping,
            "items": [
                {
                    "title": line.title,
                    "variant": line.variant_title,
                    "quantity": line.current_quantity,
                    "total": str(line.price * line.current_quantity),
                }
                for line in lines
            ],
            "parcel_count": len(parcels),
        },
        "parcels": {str(parcel.pk): _parcel_facts(parcel, lines, len(parcels), units) for parcel in parcels},
        "review": {"product_id": product.product_id, "product": product.title} if product else None,
    }


def _parcel_facts(parcel: Parcel, lines: list[OrderLine], parcels: int, units: int) -> dict[str, Any]:
    by_id = {line.shopify_id: line for line in lines}
    inside = [(by_id[part["line"]], int(part.get("quantity", 1))) for part in parcel.lines if part.get("line") in by_id]
    packed = sum(quantity for _, quantity in inside)
    return {
        "id": parcel.pk,
        "name": parcel.name,
        "state": parcel.state,
        "rank": PARCEL_RANK[parcel.state],
        "carrier": parcel.carrier,
        "items": [line.title if quantity == 1 else f"{quantity} × {line.title}" for line, quantity in inside]
        or [line.title for line in lines],
        # Only a part of the order: then it is named, so that nobody thinks the rest is lost.
        "partial": parcels > 1 or 0 < packed < units,
        "day_expected": _iso(parcel.estimated_delivery_at),
        "shipped_at": _iso(parcel.shipped_at),
        "out_for_delivery_at": _iso(parcel.out_for_delivery_at),
        "delivered_at": _iso(parcel.delivered_at),
    }


def _history(contact: Contact | None, order: Order | None) -> dict[str, Any]:
    """What this person has bought and said before, all orders together."""
    if contact is None:
        return {"orders": 0, "reviews": 0, "last_rating": None} | rhythm_of([], order, clock.now())
    newest_first = Review.objects.filter(contact=contact).order_by("-submitted_at", "-pk")
    ratings = list(newest_first.values_list("rating", flat=True))
    orders = Order.objects.filter(contact=contact, test=False, cancelled_at=None)
    placed = list(orders.order_by("placed_at", "pk").values_list("placed_at", flat=True))
    known = {"orders": len(placed), "reviews": len(ratings), "last_rating": ratings[0] if ratings else None}
    return known | rhythm_of(placed, order, clock.now())


def rhythm_of(placed: list[datetime], order: Order | None, now: datetime) -> dict[str, Any]:
    """When this person usually buys again, from the times of their orders, oldest first.

    The two days are None for fewer than three orders: one gap is chance.
    """
    last = placed[-1] if placed else None
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(placed)]
    usual = timedelta(seconds=median(gaps)) if len(gaps) > 1 else None
    return {
        "days_since_order": (now - last).days if last else None,
        "bought_since": bool(order and last and last > order.placed_at),
        "due_again_at": _iso(last + usual) if last and usual else None,
        "win_back_at": _iso(last + max(usual * WIN_BACK_FACTOR, WIN_BACK_EARLIEST)) if last and usual else None,
    }


def _consent(contact: Contact | None) -> dict[str, Any]:
    """{"marketing": True, ...}: on at least one network, by the newest line of the ledger."""
    states = newest_states(list(ContactPoint.objects.filter(contact=contact))) if contact else {}
    return {purpose.value: any(lines.get(purpose) == "granted" for lines in states.values()) for purpose in Purpose}


def _personal(order: Order | None, contact: Contact | None) -> dict[str, Any]:
    return {
        "first_name": contact.first_name if contact else "",
        "tracking": {
            str(parcel.pk): {"url": parcel.tracking_url, "number": parcel.tracking_number}
            for parcel in (order.parcels.all() if order else ())
        },
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
