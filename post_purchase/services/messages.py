"""The outbox: a message is a row first. services/delivery sends it, services/statuses hears how it fared."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from post_purchase.channels.base import Button, OutMessage
from post_purchase.models import Contact, ContactPoint, Conversation, FlowRun, Message, Order
from post_purchase.words import Author, Direction, MessageStatus, Purpose
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from shopapp.lib.queue import Job, wake

from .control_links import without_keys
from .disclosure import disclosed
from .inbox_states import tell_team

WAITING = (MessageStatus.QUEUED, MessageStatus.HELD)
USEFUL_FOR = {  # where the caller names no limit
    Purpose.SERVICE: timedelta(days=2),
    Purpose.UTILITY: timedelta(days=3),
    Purpose.REVIEW_REQUEST: timedelta(days=21),
    Purpose.MARKETING: timedelta(days=21),
}


def queue_message(
    *,
    conversation: Conversation,
    content: OutMessage,
    purpose: Purpose | str,
    dedupe_key: str,
    author: Author | str,
    author_id: str = "",
    order: Order | None = None,
    run: FlowRun | None = None,
    step_id: str = "",
    point: ContactPoint | None = None,
    use_by_at: datetime | None = None,
    not_before: datetime | None = None,
    fact_key: str = "",
    left_out: str = "",
) -> Message:
    """Save an outbound message; after commit somebody sends it. The same key returns the same message.

    With `point` it is a reply: to that point or nowhere. Else the arbiter chooses among the contact's points.
    `fact_key` names what is told: where another run tells the same, one of the two goes.
    `left_out`: why it never goes; the row is kept for the merchant to read.
    """
    now = clock.now()
    content = disclosed(content, author=author, conversation=conversation, point=point, order=order)
    message, created = Message.objects.get_or_create(
        shop_id=conversation.shop_id,
        dedupe_key=dedupe_key,
        defaults={
            "conversation": conversation,
            "contact_id": conversation.contact_id,
            "point": point,
            "fixed_point": point is not None,
            "order": order,
            "direction": Direction.OUT,
            "author": author,
            "author_id": author_id,
            "run": run,
            "step_id": step_id,
            "fact_key": fact_key[:120],
            "purpose": purpose,
            "content": content.model_dump(mode="json"),
            "text": content.text,
            "ref": new_code(),
            "status": MessageStatus.SUPPRESSED if left_out else MessageStatus.QUEUED,
            "reason": left_out[:255],
            "next_attempt_at": None if left_out else max(now, not_before) if not_before else now,
            "use_by_at": use_by_at or max(now, not_before or now) + USEFUL_FOR[Purpose(purpose)],
            "happened_at": now,
        },
    )
    if created and not left_out:
        shown = without_keys(content.text)[:200]
        Conversation.objects.filter(pk=conversation.pk).update(last_message_at=now, last_text=shown)
        wake(Job.SEND_MESSAGES)
        tell_team(shop_id=conversation.shop_id)
    return message


def queue_answer(
    *,
    conversation: Conversation,
    text: str,
    language: str,
    point: ContactPoint,
    dedupe_key: str,
    order: Order | None = None,
    step_id: str = "",
    buttons: Sequence[Button] = (),
    asks_phone: bool = False,
) -> Message:
    """An automatic answer, to the point that asked."""
    rtl = language.split("-")[0] in ("ar", "he", "fa", "ur")
    return queue_message(
        conversation=conversation,
        content=OutMessage(text=text, language=language, rtl=rtl, buttons=list(buttons), asks_phone=asks_phone),
        purpose=Purpose.SERVICE,
        author=Author.ANSWER,
        point=point,
        order=order,
        step_id=step_id,
        dedupe_key=dedupe_key,
    )


@transaction.atomic
def cancel_waiting(
    *, contact: Contact | None = None, run: FlowRun | None = None, reason: str, keep_persons: bool = True
) -> int:
    """Suppress what has not been handed to a network yet, with the reason. Returns how many."""
    if contact is None and run is None:
        raise ValueError("cancel_waiting needs a contact or a run")
    waiting = Message.objects.filter(direction=Direction.OUT, status__in=WAITING)
    if contact is not None:
        waiting = waiting.filter(contact=contact)
    if run is not None:
        waiting = waiting.filter(run=run)
    if keep_persons:
        waiting = waiting.exclude(author=Author.PERSON)
    return waiting.update(status=MessageStatus.SUPPRESSED, reason=reason[:255], next_attempt_at=None)
