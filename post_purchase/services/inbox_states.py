"""Whose turn it is in a conversation. Called in the transactions that change it; a repeated call changes nothing."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from post_purchase.channels.drivers.webchat.driver import TOPIC
from post_purchase.models import Conversation, ConversationState, Draft, Member, Unread
from shopapp.lib import clock, queue

TEAM = "team:"  # and the shop: the stream's address of its inbox
RESTING = {"snoozed_until": None, "waits_since": None}
SOLVED = RESTING | {"open_since": None}


def tell_teams(shops: Iterable[int]) -> None:
    for shop_id in set(shops):
        tell_team(shop_id=shop_id)


def tell_team(*, shop_id: int) -> None:
    """After commit, open inboxes of this shop look again. Lost without harm: they also ask from time to time."""
    transaction.on_commit(lambda: queue.tell(f"{TOPIC}{TEAM}{shop_id}"))


def waits_for_team(*, conversation_id: int) -> None:
    """The shopper wants a person. Since when: since the first time that nobody has answered yet."""
    Conversation.objects.filter(pk=conversation_id).update(
        state=ConversationState.TEAM,
        waits_since=Coalesce("waits_since", Value(clock.now())),
        open_since=Coalesce("open_since", Value(clock.now())),
        snoozed_until=None,
        closed_at=None,
    )


def waits_for_shopper(*, conversation_id: int) -> None:
    """A person of the team has answered."""
    Conversation.objects.filter(pk=conversation_id).update(state=ConversationState.SHOPPER, **RESTING)


def shopper_wrote(*, handled: bool) -> dict[str, Any]:
    """What a new message changes, as fields of the one UPDATE that notes it. A promised person comes later."""
    if handled:
        return {"state": Case(When(state=ConversationState.CLOSED, then=Value("automatic")), default=F("state"))}
    is_ours = Q(state__in=(ConversationState.SHOPPER, ConversationState.SNOOZED))
    return {
        "state": Case(
            When(is_ours, then=Value("team")),
            When(state=ConversationState.CLOSED, then=Value("automatic")),
            default=F("state"),
        ),
        "waits_since": Case(When(is_ours, then=Coalesce("waits_since", Value(clock.now()))), default=F("waits_since")),
        "open_since": Case(When(is_ours, then=Coalesce("open_since", Value(clock.now()))), default=F("open_since")),
        "snoozed_until": None,
    }


def given_back(*, conversation_id: int) -> None:
    Conversation.objects.filter(pk=conversation_id).update(state=ConversationState.AUTOMATIC, **SOLVED)


def snooze(*, conversation: Conversation, until: datetime) -> None:
    """Out of sight until then, or until the shopper writes."""
    open_ones = Conversation.objects.filter(pk=conversation.pk, closed_at=None)
    open_ones.update(state=ConversationState.SNOOZED, snoozed_until=until)


def wake_snoozed() -> int:
    due = Conversation.objects.filter(snoozed_until__lte=clock.now())
    return due.update(
        state=ConversationState.TEAM,
        waits_since=Coalesce("waits_since", "snoozed_until"),
        open_since=Coalesce("open_since", "snoozed_until"),
        snoozed_until=None,
    )


def unread_by_all(*, shop_id: int, conversation_id: int) -> None:
    """The shopper has written something that a person should read."""
    mark_unread(conversation_id=conversation_id, members=Member.objects.filter(shop_id=shop_id))


def mark_unread(*, conversation_id: int, members: QuerySet[Member], mentioned: bool = False) -> None:
    now = clock.now()
    rows = [
        Unread(member_id=pk, conversation_id=conversation_id, since_at=now, mentioned=mentioned)
        for pk in members.order_by("pk").values_list("pk", flat=True)
    ]
    if mentioned:
        Unread.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["member", "conversation"], update_fields=["mentioned"]
        )
    elif rows:
        Unread.objects.bulk_create(rows, ignore_conflicts=True)


def pour(old: Conversation, kept: Conversation) -> None:
    """Two conversations become one: whoever waits still waits, and what was begun to be written is kept."""
    states = {old.state, kept.state}
    ranked = (ConversationState.TEAM, ConversationState.SHOPPER, ConversationState.SNOOZED)
    kept.state = next((state for state in ranked if state in states), ConversationState.AUTOMATIC)
    kept.open_since = min(filter(None, (old.open_since, kept.open_since)), default=None)
    kept.waits_since = min(filter(None, (old.waits_since, kept.waits_since)), default=None)
    kept.snoozed_until = kept.snoozed_until or old.snoozed_until if kept.state == ConversationState.SNOOZED else None
    for model in (Unread, Draft):
        taken = list(model._default_manager.filter(conversation=kept).values_list("member_id", flat=True))
        model._default_manager.filter(conversation=old).exclude(member_id__in=taken).update(conversation=kept)


def forget_persons(*, conversations: QuerySet[Conversation]) -> None:
    """The shopper's data was erased."""
    Draft.objects.filter(conversation__in=conversations).delete()
    Unread.objects.filter(conversation__in=conversations).delete()
    conversations.update(state=ConversationState.CLOSED, **SOLVED)
