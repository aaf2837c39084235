"""What stands beside one conversation: orders with parcels, consent, flows, reviews, the shopper. Fetched after it."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from post_purchase.models import ContactPoint
from post_purchase.services.consent import newest_states
from post_purchase.words import ChannelKind, Purpose

from .answers import page
from .conversation_rows import conversation_of
from .inbox_door import InboxRequest, member_required

ORDERS = 5
REVIEWS = 5
RUNS = 6


@member_required
@require_GET
def beside(request: InboxRequest, pk: int) -> HttpResponse:
    conversation = conversation_of(request, pk)
    contact = conversation.contact
    orders = contact.orders.order_by("-placed_at").prefetch_related("lines", "parcels__events")
    runs = contact.runs.select_related("flow", "version", "order").order_by("-started_at")
    return page(
        request,
        "parts/thread_beside.html",
        me=request.member,
        conversation=conversation,
        contact=contact,
        orders=list(orders[:ORDERS]),
        consents=consents(list(contact.points.order_by("-last_inbound_at", "pk"))),
        runs=list(runs[:RUNS]),
        reviews=list(contact.reviews.order_by("-submitted_at", "-pk")[:REVIEWS]),
    )


def consents(points: list[ContactPoint]) -> list[tuple[str, list[tuple[str, str]]]]:
    """[(network, [(purpose, granted or withdrawn)])] by the newest line of the ledger."""
    states = newest_states(points)
    return [
        (
            ChannelKind(point.kind).label,
            [(Purpose(purpose).label, state) for purpose, state in states[point.pk].items()],
        )
        for point in points
    ]
