"""A card may start a flow of its own: once for each order, when the order of who scanned it is known."""

from datetime import timedelta

from post_purchase.models import ChatStart, ContactPoint, Link, Order
from post_purchase.touchpoints.routes import route_now
from post_purchase.words import EventKind
from shopapp.lib import clock

from .events import record_event

FOUND_WITHIN = timedelta(days=1)  # between scanning a card and saying which order it came with


def start_flow_of_card(*, point: ContactPoint, link: Link, order: Order | None) -> None:
    """The flow that the merchant tied to this card, for this order. Repeating it starts nothing twice."""
    if order is None:
        return
    batch_route = link.batch.route if link.batch is not None else {}
    flow = route_now(link.touchpoint.options, batch_route, now=clock.now()).flow
    if not flow:
        return
    record_event(
        shop=order.shop,
        kind=EventKind.STARTED_BY_HAND,
        key=f"card_flow:{flow}:{order.pk}",
        order=order,
        contact=point.contact,
        data={"flow": flow, "touchpoint": link.touchpoint_id},
    )


def claim_found_card(*, point: ContactPoint, order: Order) -> Link | None:
    """The card that this person scanned before proving the order. If nobody bound it at packing, it is now theirs."""
    started = ChatStart.objects.filter(point=point, started_at__gt=clock.now() - FOUND_WITHIN)
    newest = started.select_related("link__touchpoint", "link__batch").order_by("-started_at", "-pk").first()
    if newest is None:
        return None
    link = newest.link
    if link.batch_id is not None and link.order_id is None and link.used_by_id == point.pk:
        Link.objects.filter(pk=link.pk, order=None).update(order=order, order_shopify_id=order.shopify_id)
    return link
