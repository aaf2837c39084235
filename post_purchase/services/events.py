"""Recording what happened, for the flows. A lower floor writes the row; jobs.flows reads it."""

from datetime import datetime
from typing import Any

from post_purchase.models import Contact, Conversation, FlowEvent, Message, Order, Parcel
from post_purchase.words import EventKind
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop


def record_event(
    *,
    shop: Shop,
    kind: EventKind,
    key: str,
    order: Order | None = None,
    parcel: Parcel | None = None,
    contact: Contact | None = None,
    conversation: Conversation | None = None,
    message: Message | None = None,
    data: dict[str, Any] | None = None,
    happened_at: datetime | None = None,
    is_new: bool = False,
) -> FlowEvent:
    """Save the fact in the caller's transaction and wake the flows after commit. The same key is recorded once.

    `key` names the fact, not the news of it: "parcel_delivered:<parcel pk>", so a repeated webhook changes nothing.
    `is_new`: it is of a row that this transaction has made, so it cannot have been recorded, and nobody need look.
    """
    now = clock.now()
    fields: dict[str, Any] = {
        "kind": kind,
        "order": order,
        "parcel": parcel,
        "contact": contact,
        "conversation": conversation,
        "message": message,
        "data": data or {},
        "happened_at": happened_at or now,
        "next_attempt_at": now,
    }
    if is_new:
        event, created = FlowEvent.objects.create(shop=shop, key=key, **fields), True
    else:
        event, created = FlowEvent.objects.get_or_create(shop=shop, key=key, defaults=fields)
    if created:
        wake(Job.HANDLE_EVENTS)
    return event
