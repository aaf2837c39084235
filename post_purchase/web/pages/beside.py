"""What our blocks in the Shopify admin show beside an order and beside a customer. Only rows of the shop in the token.

The ids come in the body, never in the address, so that no log names a customer.
"""

import re
from typing import Any

from django.http import HttpResponse, JsonResponse
from pydantic import ConfigDict, Field, ValidationError

from post_purchase.flows.starting import CannotStart, ask_to_start, startable
from post_purchase.models import Contact, Conversation, FlowRun, Order, Review, RunStatus
from post_purchase.services.consent import newest_states
from post_purchase.services.control_links import without_keys
from post_purchase.services.messages import WAITING
from post_purchase.words import ChannelKind, EventKind, MessageStatus, Purpose
from shopapp.lib.storable import FromOutside
from shopapp.models import Shop
from shopapp.web.embedded import ShopRequest, staff_required

GID = re.compile(r"gid://shopify/(Order|Customer)/([0-9]{1,18})", re.ASCII)
LONGEST_TEXT = 240  # characters of a message or a review; the whole of it is one click away
SHOWN = 3  # runs, reviews
NOT_SAID = (*WAITING, MessageStatus.SENDING, MessageStatus.FAILED, MessageStatus.SUPPRESSED)


class Asked(FromOutside):
    model_config = ConfigDict(extra="ignore")
    id: str = Field(max_length=64)

    def number(self, kind: str) -> int | None:
        found = GID.fullmatch(self.id)
        return int(found[2]) if found and found[1] == kind else None


class Wanted(Asked):
    flow: str = Field(default="", max_length=64)
    key: str = Field(default="", max_length=64)


@staff_required
def order(request: ShopRequest) -> HttpResponse:
    number = _number(request, "Order")
    if isinstance(number, HttpResponse):
        return number
    row = Order.objects.filter(shop=request.shop, shopify_id=number).select_related("contact").first()
    if row is None:
        return JsonResponse({"found": False})
    runs = FlowRun.objects.filter(shop=request.shop, order=row).select_related("flow").order_by("-started_at", "-pk")
    reviews = Review.objects.filter(shop=request.shop, order=row).order_by("-submitted_at", "-pk")
    return JsonResponse(
        {
            "found": True,
            "conversation": _conversation(_of_order(request.shop, row)),
            "flows": [_flow(run) for run in runs[:SHOWN]],
            "reviews": [_review(review) for review in reviews[:SHOWN]],
            "startable": [{"key": flow.key, "name": flow.name} for flow in startable(request.shop)],
        }
    )


@staff_required
def start(request: ShopRequest) -> HttpResponse:
    """One flow for this order, by hand. `key` is the click's own: repeated, it starts nothing more."""
    number = _number(request, "Order")
    if isinstance(number, HttpResponse):
        return number
    wanted = Wanted.model_validate_json(request.body)
    row = Order.objects.filter(shop=request.shop, shopify_id=number).select_related("contact").first()
    if row is None:
        return JsonResponse({"error": "unknown"}, status=422)
    try:
        ask_to_start(
            shop=request.shop,
            flow_key=wanted.flow,
            kind=EventKind.STARTED_BY_HAND,
            dedupe_key=f"order:{row.pk}:{wanted.key}",
            order=row,
            contact=row.contact,
        )
    except CannotStart as error:
        return JsonResponse({"error": "refused", "message": str(error)}, status=422)
    return JsonResponse({"started": True})


@staff_required
def customer(request: ShopRequest) -> HttpResponse:
    number = _number(request, "Customer")
    if isinstance(number, HttpResponse):
        return number
    contact = Contact.objects.filter(shop=request.shop, shopify_customer_id=number).first()
    contact = contact.merged_into or contact if contact else None
    if contact is None:
        return JsonResponse({"found": False})
    reviews = Review.objects.filter(shop=request.shop, contact=contact)
    return JsonResponse(
        {
            "found": True,
            "conversation": _conversation(Conversation.objects.filter(contact=contact).first()),
            "orders": contact.orders.count(),
            "reviews": [_review(review) for review in reviews.order_by("-submitted_at", "-pk")[:SHOWN]],
            "consents": _consents(contact),
        }
    )


def _number(request: ShopRequest, kind: str) -> int | HttpResponse:
    if request.method != "POST":
        return JsonResponse({"error": "Only POST"}, status=405, headers={"Allow": "POST, OPTIONS"})
    try:
        number = Wanted.model_validate_json(request.body).number(kind)
    except ValidationError:
        number = None
    if number is None:
        return JsonResponse({"error": f"The id of one {kind.lower()} is needed"}, status=400)
    return number


def _of_order(shop: Shop, order: Order) -> Conversation | None:
    """With whoever proved that the order is theirs, else with the person who placed it."""
    proved = Conversation.objects.filter(shop=shop, contact__points__bindings__order=order)
    return (
        proved.order_by("-last_message_at", "-pk").first()
        or Conversation.objects.filter(shop=shop, contact=order.contact_id).first()
    )


def _conversation(row: Conversation | None) -> dict[str, Any] | None:
    if row is None:
        return None
    said = row.messages.exclude(status__in=NOT_SAID).exclude(channel=None).exclude(text="").select_related("channel")
    newest = said.order_by("-pk").first()
    kind = newest.channel.kind if newest and newest.channel else ""
    return {
        "path": f"conversations/{row.pk}",
        "channel": ChannelKind(kind).label if kind in ChannelKind.values else "",
        "last_text": _short(without_keys(newest.text)) if newest else "",
        "last_at": row.last_message_at.isoformat() if row.last_message_at else "",
        "unread": row.unread,
        "state": "closed" if row.closed_at else "person" if row.handed_off_at else "open",
    }


def _flow(run: FlowRun) -> dict[str, str]:
    detail = run.waiting_for if run.status == RunStatus.ACTIVE else run.ended_reason
    return {"name": run.flow.name, "state": str(run.status), "detail": detail}


def _review(review: Review) -> dict[str, Any]:
    return {
        "rating": review.rating,
        "text": _short(review.text),
        "product": review.product_title,
        "photos": review.photos.count(),
        "rewarded": review.incentivised,
        "hidden": review.status == Review.Status.HIDDEN,
    }


def _consents(contact: Contact) -> list[dict[str, str]]:
    """By channel: may we write about offers? `granted`, `withdrawn`, or empty where nobody was asked."""
    points = list(contact.points.order_by("pk"))
    states = newest_states(points)
    return [
        {
            "channel": ChannelKind(point.kind).label,
            "offers": str(states.get(point.pk, {}).get(Purpose.MARKETING, "")),
            "news": str(states.get(point.pk, {}).get(Purpose.UTILITY, "")),
        }
        for point in points
    ]


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= LONGEST_TEXT else f"{words[: LONGEST_TEXT - 1].rstrip()}…"
