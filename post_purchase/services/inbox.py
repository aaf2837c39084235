"""Finding conversations: the lists of the inbox, their filters, and the search. Every list is one read of one index."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from post_purchase.models import (
    WORDS_OF_CONTACTS,
    WORDS_OF_MESSAGES,
    WORDS_OF_ORDERS,
    ContactPoint,
    Conversation,
    ConversationState,
    FlowRun,
    Member,
    OrderLine,
    Product,
)
from shopapp.lib.fulltext import newest_matches
from shopapp.models import Shop

PER_PAGE = 25
MOST_COUNTED = 100
MOST_PRODUCTS = 50
FEW = 1000
NEEDS_PERSON = Q(state=ConversationState.TEAM)
TABS = {
    "open": "Open",
    "unread": "Unread",
    "mine": "Mine",
    ConversationState.TEAM: "Waiting for us",
    ConversationState.SHOPPER: "Waiting for shopper",
    ConversationState.SNOOZED: "Snoozed",
    ConversationState.CLOSED: "Closed",
}
OPEN_STATES = [state for state in ConversationState if state != ConversationState.CLOSED]


@dataclass(frozen=True)
class Wanted:
    """What a list shows. Empty: everything."""

    tab: str = "open"
    search: str = ""
    channel: str = ""
    language: str = ""
    flow: int | None = None
    product: str = ""
    before: tuple[datetime, int] | None = None  # keyset: older than this row


@dataclass(frozen=True)
class Found:
    rows: list[Conversation] = field(default_factory=list)
    more: Conversation | None = None  # the last row, where older ones follow


def find(*, shop: Shop, member: Member, wanted: Wanted) -> Found:
    """One page, newest first."""
    rows = of_tab(shop=shop, member=member, tab=wanted.tab)
    if wanted.search:
        rows = searched(shop, rows, wanted.search)
    rows = filtered(shop, rows, wanted)
    if wanted.before is not None:
        at, pk = wanted.before
        rows = rows.filter(last_message_at__lte=at).exclude(last_message_at=at, pk__gte=pk)
    rows = rows.filter(last_message_at__isnull=False).select_related("contact", "order")
    found = list(rows.order_by("-last_message_at", "-pk")[: PER_PAGE + 1])
    return Found(found[:PER_PAGE], found[PER_PAGE - 1] if len(found) > PER_PAGE else None)


def of_tab(*, shop: Shop, member: Member, tab: str) -> QuerySet[Conversation]:
    rows = shop.conversations.filter(contact__merged_into=None)
    if tab == "unread":
        return rows.filter(unread_by__member=member)
    if tab == "mine":
        return rows.filter(assignee=member.user_id, closed_at=None).exclude(assignee="")
    if tab in ConversationState.values:
        return rows.filter(state=tab)
    return rows.filter(closed_at=None)


def counts(*, shop: Shop, member: Member) -> dict[str, int]:
    """How many are in the lists that call for work, up to MOST_COUNTED: more need nobody know, and it stays quick."""
    return {
        tab: of_tab(shop=shop, member=member, tab=tab).order_by()[:MOST_COUNTED].count()
        for tab in ("unread", "mine", ConversationState.TEAM)
    }


def searched(shop: Shop, rows: QuerySet[Conversation], search: str) -> QuerySet[Conversation]:
    """By the beginnings of words of what was said, of names and of order numbers."""
    talks = newest_matches(WORDS_OF_MESSAGES, "conversation_id", shop_id=shop.pk, search=search)
    people = newest_matches(WORDS_OF_CONTACTS, "id", shop_id=shop.pk, search=search)
    people += newest_matches(WORDS_OF_ORDERS, "contact_id", shop_id=shop.pk, search=search)
    return rows.filter(Q(pk__in=talks) | Q(contact__in=people))


def filtered(shop: Shop, rows: QuerySet[Conversation], wanted: Wanted) -> QuerySet[Conversation]:
    contact = OuterRef("contact")
    if wanted.channel:
        points = ContactPoint.objects.filter(shop=shop, kind=wanted.channel)
        few = list(points.order_by().values_list("contact_id", flat=True)[: FEW + 1])
        # A network that hardly anybody uses: read its people, instead of looking at everybody for it.
        rows = rows.filter(contact__in=few) if len(few) <= FEW else rows.filter(Exists(points.filter(contact=contact)))
    if wanted.language:
        rows = rows.filter(contact__language__startswith=wanted.language)
    if wanted.flow is not None:
        rows = rows.filter(Exists(FlowRun.objects.filter(contact=contact, flow=wanted.flow)))
    if wanted.product:
        named = Product.objects.filter(shop=shop, title__icontains=wanted.product).order_by("pk")
        ids = list(named.values_list("shopify_id", flat=True)[:MOST_PRODUCTS])
        rows = rows.filter(Exists(OrderLine.objects.filter(order__contact=contact, product_id__in=ids)))
    return rows
