"""One conversation per person: what the team does with it, and finding it."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from post_purchase.channels.base import OutMessage
from post_purchase.models import ContactPoint, Conversation, ConversationState, Member, Message, Unread
from post_purchase.words import Author, Direction, EventKind, Purpose
from shopapp.lib import clock

from . import inbox_states, sent_pictures
from .events import record_event
from .file_safety import SafeFile
from .messages import queue_message
from .photo_safety import SafePhoto
from .receiving import receive
from .talk_language import language_of
from .team_alerts import alert_member
from .threads import conversation_for, hand_off

__all__ = [
    "assign",
    "close",
    "conversation_for",
    "hand_off",
    "mark_answered",
    "mark_opened",
    "receive",
    "reopen",
    "reply_as_person",
    "take_back",
]
ONE_TALK = timedelta(days=7)


def take_back(*, conversation: Conversation) -> None:
    """The team is done: flows and automatic answers go on."""
    Conversation.objects.filter(pk=conversation.pk).update(
        handed_off_at=None, hand_off_reason="", assignee="", answer_promised_at=None
    )
    inbox_states.given_back(conversation_id=conversation.pk)


@transaction.atomic
def close(*, conversation: Conversation, ask: bool = True) -> None:
    """`ask`: whether the shopper may be asked how the help was, where a person has given some."""
    now = clock.now()
    if Conversation.objects.filter(pk=conversation.pk, closed_at=None).update(
        closed_at=now,
        unread=0,
        answer_promised_at=None,
        handed_off_at=None,
        hand_off_reason="",
        state=ConversationState.CLOSED,
        **inbox_states.SOLVED,
    ):
        Unread.objects.filter(conversation=conversation).delete()
        answered = _answered_by_person(conversation, now)
        record_event(
            shop=conversation.shop,
            kind=EventKind.CONVERSATION_CLOSED,
            key=f"{EventKind.CONVERSATION_CLOSED}:{conversation.pk}:{now.isoformat()}",
            contact=conversation.contact,
            conversation=conversation,
            data={"answered_by_person": answered, "may_ask": answered and ask},
        )


def _answered_by_person(conversation: Conversation, now: datetime) -> bool:
    """In this talk: conversations are never new ones, so a while ago is another talk."""
    return Message.objects.filter(
        conversation=conversation, author=Author.PERSON, direction=Direction.OUT, happened_at__gte=now - ONE_TALK
    ).exists()


def reopen(*, conversation: Conversation) -> None:
    """Somebody of the team has more to do here."""
    if Conversation.objects.filter(pk=conversation.pk, closed_at__isnull=False).update(closed_at=None):
        inbox_states.waits_for_team(conversation_id=conversation.pk)


@transaction.atomic
def assign(*, conversation: Conversation, member: Member | None, by: Member | None = None) -> None:
    """None: to nobody. Whoever is given it by somebody else finds it unread, and has a mail where they want one."""
    Conversation.objects.filter(pk=conversation.pk).update(assignee=member.user_id if member else "")
    if member is not None and member.user_id != conversation.assignee:
        inbox_states.mark_unread(conversation_id=conversation.pk, members=Member.objects.filter(pk=member.pk))
        if by is not None and by != member:
            reason = f"Assigned to you by {by.display_name}"
            alert_member(
                conversation=conversation, member=member, reason=reason, key=f"assigned:{clock.now().isoformat()}"
            )


def mark_opened(*, conversation: Conversation, member: Member) -> None:
    """This person of the team has seen everything up to now."""
    Unread.objects.filter(conversation=conversation, member=member).delete()
    if conversation.unread:
        Conversation.objects.filter(pk=conversation.pk).update(unread=0)


@transaction.atomic
def reply_as_person(
    *,
    conversation: Conversation,
    text: str,
    user_id: str,
    dedupe_key: str,
    point: ContactPoint | None = None,
    not_before: datetime | None = None,
    file: SafePhoto | SafeFile | None = None,
    file_name: str = "",
) -> Message:
    """A typed answer, to `point` or to where the shopper last wrote from. Repeating the key sends nothing.

    Raises OSError where there is no room for its picture or PDF; then nothing is sent.
    """
    target = point or _last_point(conversation)
    message = queue_message(
        conversation=conversation,
        content=OutMessage(text=text, language=language_of(conversation.contact)),
        purpose=Purpose.SERVICE,
        author=Author.PERSON,
        author_id=user_id,
        point=target,
        order=conversation.order,
        dedupe_key=dedupe_key,
        not_before=not_before,
    )
    if file is not None:
        sent_pictures.put_beside(message=message, file=file, name=file_name)
    mark_answered(conversation=conversation)
    return message


def mark_answered(*, conversation: Conversation) -> None:
    """A person has replied: what was promised is kept, and the next open question gets a promise of its own."""
    Conversation.objects.filter(pk=conversation.pk).update(unread=0, closed_at=None, answer_promised_at=None)
    inbox_states.waits_for_shopper(conversation_id=conversation.pk)


def _last_point(conversation: Conversation) -> ContactPoint | None:
    points = ContactPoint.objects.filter(contact_id=conversation.contact_id)
    return points.order_by(F("last_inbound_at").desc(nulls_last=True), "pk").first()
