"""What a page of Shopify's may be told of an order, by what its visitor has proved.

The checkout token is known to the buyer's own pages only: who has it hears the bare state. Place, carrier and tracking
are for the customer who has signed in: the buyer token then names them. An order id alone proves nothing.
"""

from dataclasses import dataclass

from post_purchase.models import FlowStatus, Order, Parcel
from post_purchase.words import PARCEL_RANK, ParcelState
from shopapp.lib.crypto import hash_secret
from shopapp.models import Shop

from .answers import where_is

NOT_SHIPPED, CANCELLED = "not_shipped", "cancelled"


@dataclass(frozen=True)
class OrderView:
    order: Order
    signed_in: bool  # as the customer of this order


def find_order(
    *, shop: Shop, checkout_token: str, order_shopify_id: int | None, customer_id: int | None
) -> OrderView | None:
    orders = shop.orders.filter(redacted_at=None).select_related("contact").prefetch_related("parcels__events", "lines")
    order: Order | None = None
    if checkout_token:
        order = orders.filter(checkout_token_hash=hash_secret(checkout_token)).first()
    if order is None and customer_id and order_shopify_id:
        order = orders.filter(shopify_id=order_shopify_id, contact__shopify_customer_id=customer_id).first()
    if order is None:
        return None
    contact = order.contact
    return OrderView(
        order, customer_id is not None and contact is not None and contact.shopify_customer_id == customer_id
    )


def state_of(order: Order) -> str:
    """One word for the whole order: the parcel that is furthest behind decides. Empty: nothing to ship."""
    if order.cancelled_at is not None:
        return CANCELLED
    if not order.requires_shipping:
        return ""
    parcels = _parcels(order)
    if not parcels:
        return NOT_SHIPPED
    return min(parcels, key=lambda parcel: PARCEL_RANK[parcel.state]).state


def expected_on(order: Order) -> str:
    """The day that is promised: of the parcels on their way the latest, else the order's own. ISO 8601 or empty."""
    if order.cancelled_at is not None or order.delivered_at is not None:
        return ""
    days = [parcel.estimated_delivery_at for parcel in _parcels(order) if parcel.estimated_delivery_at]
    day = max(days, default=order.estimated_delivery_at)
    return day.isoformat() if day else ""


def told(view: OrderView, *, language: str) -> dict[str, object]:
    order = view.order
    urls = [parcel.tracking_url for parcel in _parcels(order) if parcel.tracking_url]
    return {
        "state": state_of(order),
        "expected": expected_on(order),
        "text": where_is(order, language=language) if view.signed_in and order.requires_shipping else "",
        "tracking_url": urls[0] if view.signed_in and len(urls) == 1 else "",
        "sign_in": not view.signed_in,
        "review": _may_review(order),
    }


def _may_review(order: Order) -> bool:
    """It has arrived, the shop asks for reviews, and there is none of this order yet."""
    if order.delivered_at is None or order.cancelled_at is not None or order.reviews.exists():
        return False
    return asks_for_reviews(order)


def asks_for_reviews(order: Order) -> bool:
    return order.shop.flows.filter(key="photo_review", status=FlowStatus.ON).exists()


def _parcels(order: Order) -> list[Parcel]:
    return [parcel for parcel in order.parcels.all() if parcel.state != ParcelState.CANCELLED]
