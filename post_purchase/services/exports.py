"""What we hold about a person as JSON-able dicts: all of it for the merchant's duty, or what one chat has proved."""

from typing import Any

from django.db import models
from django.db.models import Q

from post_purchase.models import (
    Attachment,
    ChoiceEntry,
    ConsentEntry,
    Contact,
    ContactPoint,
    Message,
    Note,
    Order,
    RequestedAction,
    Review,
    Reward,
)

from .privacy import Person, contacts_of, orders_of

ABOUT = (
    "first_name last_name language chosen_language preferred_kind quiet_from quiet_until country province timezone "
    "tags fields created_at"
)


def export_person(person: Person) -> dict[str, Any]:
    """Everything, for the merchant or the shopper to take along."""
    contacts = contacts_of(person)
    orders = orders_of(person, contacts)
    return _export(contacts, orders, {"contact__in": contacts}, ContactPoint.objects.filter(contact__in=contacts)) | {
        "requests": [
            row | {"address": action.address}
            for action in RequestedAction.objects.filter(conversation__contact__in=contacts).order_by("pk")
            for row in _rows(RequestedAction.objects.filter(pk=action.pk), "kind state asked_at confirmed_at done_at")
        ],
        "notes": _rows(Note.objects.filter(conversation__contact__in=contacts).order_by("pk"), "text written_at"),
    }


def export_point(point: ContactPoint) -> dict[str, Any]:
    """What this chat holds, with the orders that it has proved; nothing of the person's other chats and addresses."""
    orders = Order.objects.filter(bindings__point=point, redacted_at=None)
    data = _export([point.contact], orders, {"point": point}, ContactPoint.objects.filter(pk=point.pk))
    for order in data["orders"]:
        order["email"] = order["phone"] = ""
    return data


def _export(
    contacts: list[Contact],
    orders: "models.QuerySet[Order]",
    of: dict[str, Any],
    points: "models.QuerySet[ContactPoint]",
) -> dict[str, Any]:
    narrow = "point" in of
    theirs = Q(order__in=orders) if narrow else Q(contact__in=contacts)
    return {
        "contacts": _rows(
            Contact.objects.filter(pk__in=[contact.pk for contact in contacts]),
            ABOUT,
        ),
        "addresses": _rows(
            points,
            "kind address phone profile_name last_inbound_at blocked_at created_at",
        ),
        "orders": [
            row
            | {
                "lines": _rows(order.lines.all(), "title variant_title sku quantity current_quantity price"),
                "parcels": _rows(
                    order.parcels.all(), "name state carrier tracking_number tracking_url shipped_at delivered_at"
                ),
            }
            for order in orders
            for row in _rows(
                Order.objects.filter(pk=order.pk),
                "name email phone language currency subtotal total refunded shipping_country shipping_province "
                "shipping_city shipping_zip financial_status fulfillment_status placed_at paid_at cancelled_at",
            )
        ],
        "messages": _rows(
            Message.objects.filter(**of).order_by("happened_at", "pk"),
            "direction author purpose text status happened_at sent_at delivered_at read_at",
        ),
        "photos": _rows(
            Attachment.objects.filter(message__in=Message.objects.filter(**of)),
            "message_id status file width height bytes",
        ),
        "consent": _rows(
            ConsentEntry.objects.filter(**of).order_by("recorded_at"),
            "kind purpose state method wording language recorded_at",
        ),
        "choices": _rows(
            ChoiceEntry.objects.filter(**of).order_by("recorded_at", "pk"),
            "name value method wording language recorded_at",
        ),
        "reviews": _rows(
            Review.objects.filter(theirs),
            "product_title rating text author_name incentivised disclosure submitted_at",
        ),
        "rewards": _rows(Reward.objects.filter(theirs), "code percentage status starts_at ends_at"),
    }


def _rows(rows: "models.QuerySet[Any]", names: str) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in row.items()} for row in rows.values(*names.split())]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, str, list, dict)) else str(value)
