"""Rows that only the tests of photos, reviews and rewards need."""

from typing import Any

from post_purchase.models import (
    Attachment,
    AttachmentStatus,
    Contact,
    Conversation,
    Flow,
    FlowRun,
    FlowVersion,
    Order,
)
from post_purchase.words import Direction
from shopapp.lib import clock
from tests.factories import make_message


def make_run(order: Order, contact: Contact | None = None) -> FlowRun:
    now = clock.now()
    flow, _ = Flow.objects.get_or_create(shop=order.shop, key="photo_review", defaults={"name": "Photo review"})
    version, _ = FlowVersion.objects.get_or_create(flow=flow, number=1, defaults={"document": {}, "published_at": now})
    return FlowRun.objects.create(
        shop=order.shop,
        flow=flow,
        version=version,
        subject_key=f"order:{order.pk}",
        order=order,
        contact=contact,
        started_at=now,
    )


def make_attachment(conversation: Conversation, **fields: Any) -> Attachment:
    """One stored photo in a message of its own."""
    message = make_message(conversation, "", direction=Direction.IN)
    defaults = {"status": AttachmentStatus.STORED, "file": "aa/whole.jpg", "thumbnail": "aa/small.jpg"}
    return Attachment.objects.create(message=message, **(defaults | fields))
