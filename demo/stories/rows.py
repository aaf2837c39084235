"""What the stories read in the app's own database. Imported after django.setup()."""

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from PIL import Image
from rq.registry import StartedJobRegistry

from post_purchase.models import (
    Attachment,
    Conversation,
    Flow,
    FlowEvent,
    Message,
    MessageTemplate,
    Order,
    OrderBinding,
    Review,
    Reward,
    TeamAlert,
    Timer,
)
from post_purchase.words import Direction
from shopapp.lib import clock, queue
from shopapp.models import IncomingWebhook, Shop

__all__ = [
    "Attachment",
    "Conversation",
    "Flow",
    "Message",
    "MessageTemplate",
    "Order",
    "OrderBinding",
    "Review",
    "Reward",
    "Shop",
    "due_rows",
    "jobs",
    "outbound",
    "photo_of",
    "put_off",
]


SOON = timedelta(seconds=2)  # what is put off for a moment is not yet done


def jobs() -> int:
    """Jobs that wait in a queue or run. A row that is being worked on is leased, and so not due."""
    redis = queue.redis()
    running = sum(
        StartedJobRegistry(name, connection=redis).get_job_count(cleanup=False) for name in ("hot", "default", "slow")
    )
    return running + sum(queue.waiting_jobs().values())


def due_rows() -> int:
    """Rows that some job should be handling at this moment, or in the next ones."""
    now = clock.now() + SOON
    models = (IncomingWebhook, FlowEvent, Timer, Attachment, Reward, TeamAlert)
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
