"""What shoppers may ask for by chat, and the team's yes or no to each request."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.models import ActionKind, Conversation, RequestedAction
from post_purchase.services.action_rules import ALL_SCOPES, SCOPES, rule_of, save
from post_purchase.services.action_words import address_of
from post_purchase.services.policies import read_policies
from post_purchase.services.requested_actions import decide
from post_purchase.services.scopes import read_scopes
from post_purchase.services.shops import settings_of
from post_purchase.web.forms.requests import MODES, MOST, RequestsForm, may_be
from shopapp.shopify.admin_api import AdminApiError
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, refused, saved
from .conversation_rows import conversation_of
from .inbox_door import InboxRequest, agent_required

SHOWN = 6
LIMITS = {"hours": "Until so many hours after the order", "days": "Until so many days after delivery"}
DETAILS = {"hours": "0: until it is packed, which always ends it.", "days": "0: at any time after it has left."}


@dataclass(frozen=True)
class Request:
    action: RequestedAction
    items: tuple[str, ...]
    address: str


@shop_required
@require_GET
def requests(request: ShopRequest) -> HttpResponse:
    row = settings_of(request.shop)
    return page(
        request,
        "pages/requests.html",
        settings=row,
        kinds=[
            {
                "kind": kind.value,
                "label": kind.label,
                "rule": rule_of(row, kind),
                "modes": [(mode.value, words) for mode, words in MODES.items() if may_be(kind, mode)],
                "unit": (unit := RequestsForm.units[kind]),
                "most": MOST[unit],
                "limit": LIMITS[unit],
                "details": DETAILS[unit],
            }
            for kind in ActionKind
        ],
        missing=",".join(scope for scope in ALL_SCOPES if scope not in request.shop.scope_set),
        policies=[each for each in row.policies.values() if each.get("url")],
    )


@shop_required
@require_POST
def save_requests(request: ShopRequest) -> HttpResponse:
    form = RequestsForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    row = settings_of(request.shop)
    save(row, form.rules)
    row.says_automatic = form.cleaned_data["says_automatic"]
    row.save(update_fields=["says_automatic"])
    return saved("Saved")


@shop_required
@require_POST
def allow(request: ShopRequest) -> HttpResponse:
    """The merchant has answered Shopify's question."""
    try:
        read_scopes(shop=request.shop)
        request.shop.refresh_from_db(fields=["scopes"])
        missing = set(ALL_SCOPES) - request.shop.scope_set
        if not missing:
            read_policies(shop=request.shop)
    except AdminApiError:
        return refused("Shopify did not answer. Press the button again in a minute.")
    if missing:
        return refused("Shopify has not allowed it yet. Press the button again, and accept in Shopify's window.")
    return saved("Allowed. What you have set to “at once” is now done at once.")


@agent_required
def approve(request: InboxRequest, pk: int, action: int) -> HttpResponse:
    row = _row(request, pk, action)
    scope = SCOPES.get(ActionKind(row.kind))
    if scope is not None and scope not in request.shop.scope_set:
        return refused("Shopify has not allowed this app to do that. Allow it in Settings, “What may be asked for”.")
    if not decide(action=row, approved=True, user_id=request.shop_user):
        return refused("Somebody of your team has decided this already.")
    return saved("Approved. The shopper hears as soon as it is done.")


@agent_required
def decline(request: InboxRequest, pk: int, action: int) -> HttpResponse:
    if not decide(action=_row(request, pk, action), approved=False, user_id=request.shop_user):
        return refused("Somebody of your team has decided this already.")
    return saved("Declined. The shopper is told so, kindly.")


def requests_of(conversation: Conversation) -> list[Request]:
    """The newest, for the page of the conversation."""
    rows = conversation.requested_actions.select_related("order").prefetch_related("order__lines").order_by("-pk")
    found = []
    for row in rows[:SHOWN]:
        address = address_of(row)
        items = tuple(line.title for line in row.order.lines.all() if line.shopify_id in row.lines)
        found.append(Request(row, items, address.shown if address else ""))
    return found


def _row(request: InboxRequest, pk: int, action: int) -> RequestedAction:
    rows = conversation_of(request, pk).requested_actions.select_related("shop", "order__shop", "conversation", "point")
    return get_object_or_404(rows, pk=action)
