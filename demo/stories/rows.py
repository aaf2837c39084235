"""What the stories read in the app's own database. Imported after django.setup()."""

from pathlib import Path

from django.conf import settings
from PIL import Image

from post_purchase.models import (
    Attachment,
    Flow,
    FlowEvent,
    Message,
    MessageTemplate,
    Order,
    OrderBinding,
    Review,
    Reward,
    Timer,
)
from post_purchase.words import Direction
from shopapp.lib import clock
from shopapp.models import IncomingWebhook, Shop

__all__ = [
    "Attachment",
    "Flow",
    "Message",
    "MessageTemplate",
    "Order",
    "OrderBinding",
    "Review",
    "Reward",
    "Shop",
    "due_rows",
    "outbound",
    "photo_of",
    "put_off",
]


def due_rows() -> int:
    """Rows that some job should be handling at this moment."""
    now = clock.now()
    models = (IncomingWebhook, FlowEvent, Timer, Attachment, Reward)
    due = sum(model.objects.filter(next_attempt_at__lte=now).count() for model in models)
    return due + Message.objects.filter(next_attempt_at__lte=now).count()


def outbound(order_id: int) -> list[Message]:
    """Everything we said about this order, in order."""
    return list(Message.objects.filter(order__shopify_id=order_id, direction=Direction.OUT).order_by("id"))


def put_off() -> list[str]:
    """Why messages wait or were not sent, in plain words."""
    found = Message.objects.filter(direction=Direction.OUT).exclude(reason="")
    return [f"{message.status}: {message.reason}" for message in found]


def photo_of(review: Review) -> Image.Image:
    """The stored file of a review's one photo."""
    attachment = review.photos.get().attachment
    return Image.open(Path(settings.MEDIA_ROOT) / attachment.file)
