"""Conversations: the list. One conversation is in thread.py, what a person does with it in replies.py."""

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.views.decorators.http import require_GET

from post_purchase.models import Conversation, Order
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, paged

NEEDS_PERSON = Q(closed_at=None) & (Q(handed_off_at__isnull=False) | Q(answer_promised_at__isnull=False))
VIEWS = {
    "open": ("Open", Q(closed_at=None)),
    "person": ("Needs a person", NEEDS_PERSON),
    "unread": ("Unread", Q(unread__gt=0)),
    "closed": ("Closed", Q(closed_at__isnull=False)),
    "all": ("All", Q()),
}


@shop_required
@require_GET
def conversations(request: ShopRequest) -> HttpResponse:
    chosen = request.GET.get("view", "open")
    chosen = chosen if chosen in VIEWS else "open"
    search = request.GET.get("q", "").strip()[:80]
    rows = request.shop.conversations.filter(VIEWS[chosen][1], contact__merged_into=None)
    if search:
        rows = searched(rows, search)
    rows = rows.select_related("contact", "order").order_by("-last_message_at", "-id")
    return page(
        request,
        "pages/conversations.html",
        rows=paged(request, rows),
        views=[(key, name) for key, (name, _) in VIEWS.items()],
        chosen=chosen,
        search=search,
        any_at_all=bool(search) or chosen != "open" or request.shop.conversations.exists(),
    )


def searched(rows: QuerySet[Conversation], search: str) -> QuerySet[Conversation]:
    """By name, order number or last words."""
    of_contact = Order.objects.filter(contact=OuterRef("contact"))
    number = search.lstrip("#")
    by_order = Exists(of_contact.filter(Q(name__iexact=search) | Q(name__iexact=f"#{number}")))
    words = Q(last_text__icontains=search)
    for part in search.split()[:4]:
        words |= Q(contact__first_name__icontains=part) | Q(contact__last_name__icontains=part)
    return rows.filter(words | by_order)
