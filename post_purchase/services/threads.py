"""Finding a person's conversation and asking the team for help: what receiving, answering and the flows all need."""

from django.db import transaction

from post_purchase.models import Contact, Conversation
from post_purchase.words import EventKind
from shopapp.lib import clock

from .events import record_event
from .inbox_states import waits_for_team
from .team_alerts import alert_team


def conversation_for(contact: Contact) -> Conversation:
    found = Conversation.objects.select_related("order")
    conversation, _ = found.get_or_create(contact=contact, defaults={"shop_id": contact.shop_id})
    return conversation


@transaction.atomic
def hand_off(*, conversation: Conversation, reason: str, by_team: bool = False) -> None:
    """Ask for a person: flows and automatic answers pause. Repeating it changes nothing.

    `by_team`: they know it, so nobody is told.
    """
    now = clock.now()
    asked = Conversation.objects.filter(pk=conversation.pk, handed_off_at=None)
    if not asked.update(handed_off_at=now, hand_off_reason=reason[:255], closed_at=None):
        return
    waits_for_team(conversation_id=conversation.pk)
    if not by_team:
        alert_team(conversation=conversation, reason=reason, since=now)
    conversation.handed_off_at, conversation.hand_off_reason = now, reason[:255]
    record_event(
        shop=conversation.shop,
        kind=EventKind.HANDED_OFF,
        key=f"handed_off:{conversation.pk}:{now.isoformat()}",
        order=conversation.order,
        contact=conversation.contact,
        conversation=conversation,
        data={"reason": reason[:255]},
    )
