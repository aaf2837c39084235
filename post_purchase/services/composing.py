"""Writing an answer together: drafts, who else is writing, taking back, and texts that the team keeps."""

from datetime import datetime, timedelta

from django.db import transaction

from post_purchase.models import (
    ContactPoint,
    Conversation,
    Draft,
    Member,
    Message,
    Product,
    SavedReply,
)
from post_purchase.words import Author, MessageStatus
from shopapp.lib import clock
from shopapp.models import Shop

from . import product_cards
from .control_links import without_keys
from .inbox_states import tell_team, waits_for_team
from .messages import WAITING
from .talk_language import language_of
from .texts import render

UNDO = timedelta(seconds=5)  # so long a typed answer waits, so that it can be taken back
WRITING = timedelta(seconds=20)  # a draft that changed so lately is being written
FARTHEST = timedelta(days=30)  # how far ahead an answer may be planned
MOST_SAVED = 200
KEPT = timedelta(days=30)  # a deleted saved reply can be brought back for so long
MOST_PRODUCTS = 30
KNOWN_AS = {"tracking": "tracking_url", "name": "first_name"}  # what flows call it: what it is called here
VARIABLES = ("first_name", "last_name", "shop", "order", "order_status", "tracking_url", "carrier", "my_name")


def save_draft(*, member: Member, conversation: Conversation, text: str, point: ContactPoint | None) -> None:
    """Empty: the draft goes."""
    began = not Draft.objects.filter(
        member=member, conversation=conversation, saved_at__gt=clock.now() - WRITING
    ).exists()
    if began:
        tell_team(shop_id=conversation.shop_id)
    if not text.strip():
        Draft.objects.filter(member=member, conversation=conversation).delete()
        return
    Draft.objects.update_or_create(
        member=member, conversation=conversation, defaults={"text": text, "point": point, "saved_at": clock.now()}
    )


def drafts_of(conversation: Conversation) -> list[Draft]:
    return list(conversation.drafts.select_related("member").order_by("member"))


def others_writing(drafts: list[Draft], *, member: Member) -> list[str]:
    """Names of colleagues whose drafts have changed just now."""
    since = clock.now() - WRITING
    return [each.member.display_name for each in drafts if each.saved_at > since and each.member_id != member.pk]


@transaction.atomic
def take_back(*, message: Message, member: Member) -> bool:
    """A typed answer that has not gone yet becomes a draft again. False: it is too late."""
    waiting = Message.objects.filter(pk=message.pk, author=Author.PERSON, status__in=WAITING)
    if not waiting.update(
        status=MessageStatus.SUPPRESSED, reason="Taken back before it was sent", next_attempt_at=None
    ):
        return False
    conversation = message.conversation
    if not Draft.objects.filter(member=member, conversation=conversation).exists():
        save_draft(member=member, conversation=conversation, text=product_cards.typed_in(message), point=message.point)
    last = conversation.messages.exclude(pk=message.pk).order_by("-pk").first()
    Conversation.objects.filter(pk=conversation.pk).update(last_text=without_keys(last.text)[:200] if last else "")
    waits_for_team(conversation_id=conversation.pk)
    return True


def due_at(*, later: datetime | None) -> datetime:
    """When a typed answer goes: as planned, else after the moment in which it can be taken back."""
    return max(later, clock.now()) if later else clock.now() + UNDO


def saved_replies(*, shop: Shop, conversation: Conversation, member: Member) -> list[tuple[str, str]]:
    """(name, text for this shopper)"""
    values, language = values_for(conversation, member), language_of(conversation.contact, conversation.order)
    rows = SavedReply.objects.filter(shop=shop, deleted_at=None).order_by("name", "pk")[:MOST_SAVED]
    return [(row.name, render(row.text, values, language=language, timezone=shop.timezone)) for row in rows]


def product_that_sells(*, shop: Shop, pk: int) -> Product | None:
    row = Product.objects.filter(shop=shop, pk=pk, available=True, deleted_at=None).select_related("shop").first()
    return row if row and row.variant_id else None


def products_that_sell(*, shop: Shop, search: str) -> list[Product]:
    """Of all that can be bought now, those whose names have every typed word somewhere."""
    rows = Product.objects.filter(shop=shop, available=True, deleted_at=None)
    for word in search.split()[:6]:
        rows = rows.filter(title__icontains=word)
    return [row for row in rows.order_by("title", "pk")[:MOST_PRODUCTS] if row.variant_id]


def known_by_name(conversation: Conversation, member: Member) -> dict[str, str]:
    """What is known, also under the names that flows use: it need not be typed into a template."""
    values = values_for(conversation, member)
    return values | {name: values[ours] for name, ours in KNOWN_AS.items()}


def values_for(conversation: Conversation, member: Member) -> dict[str, str]:
    """What a saved reply may name. Unknown ones are empty."""
    contact, order = conversation.contact, conversation.order or conversation.contact.orders.order_by("-pk").first()
    parcel = order.parcels.order_by("-state_at", "-pk").first() if order else None
    settings = getattr(conversation.shop, "settings", None)
    return {
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "shop": settings.display_name if settings else conversation.shop.name,
        "order": order.name if order else "",
        "order_status": parcel.get_state_display().lower() if parcel else "",
        "tracking_url": parcel.tracking_url if parcel else "",
        "carrier": parcel.carrier if parcel else "",
        "my_name": member.name,
    }
