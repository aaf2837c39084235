"""Doors to other systems: tokens for the API, the secret that signs our calls, and how each call fared."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.flows.starting import CannotStart, ask_to_start, startable
from post_purchase.models import OutgoingCall
from post_purchase.services import api_tokens, outgoing_calls
from post_purchase.web.forms.connections import StartFlowForm, TokenForm
from post_purchase.words import EventKind
from shopapp.lib.crypto import new_code
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import draw, page, paged, refused, saved
from .conversation_rows import conversation_of

STATES = (
    ("", "All"),
    (OutgoingCall.Status.PENDING.value, "Waiting"),
    (OutgoingCall.Status.DONE.value, "Taken"),
    (OutgoingCall.Status.FAILED.value, "Failed"),
)


@shop_required
@require_GET
def connections(request: ShopRequest) -> HttpResponse:
    chosen = request.GET.get("state", "")
    calls = request.shop.outgoing_calls.select_related("run__flow").order_by("-created_at", "-pk")
    any_at_all = calls.exists()
    if chosen in OutgoingCall.Status.values:
        calls = calls.filter(status=chosen)
    rows = paged(request, calls)
    return page(
        request,
        "pages/connections.html",
        tokens=list(request.shop.api_tokens.filter(revoked_at=None).order_by("pk")),
        secret=outgoing_calls.secret_of(request.shop),
        rows=rows,
        any_at_all=any_at_all,
        states=STATES,
        chosen=chosen if chosen in OutgoingCall.Status.values else "",
        filters=f"&state={chosen}" if chosen in OutgoingCall.Status.values else "",
        address=request.build_absolute_uri("/api/flows/photo_review/start"),
    )


@shop_required
@require_POST
def make_token(request: ShopRequest) -> HttpResponse:
    """The answer is the only place where the token is ever shown."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    try:
        row, token = api_tokens.make_token(shop=request.shop, name=form.cleaned_data["name"], user_id=request.shop_user)
    except api_tokens.TooMany as error:
        return refused(str(error))
    return JsonResponse({"html": draw(request, "parts/new_token.html", row=row, token=token)})


@shop_required
@require_POST
def revoke_token(request: ShopRequest, pk: int) -> HttpResponse:
    api_tokens.revoke(token=get_object_or_404(request.shop.api_tokens, pk=pk))
    return saved("Revoked. What still uses it is refused from now on.")


@shop_required
@require_POST
def call_again(request: ShopRequest, pk: int) -> HttpResponse:
    call = get_object_or_404(request.shop.outgoing_calls, pk=pk)
    if not outgoing_calls.try_again(call=call):
        return refused("Only a call that failed can be made again. Reload the page to see how it stands.")
    return saved("It is tried again now")


@shop_required
@require_GET
def choose_flow(request: ShopRequest, pk: int) -> HttpResponse:
    conversation = conversation_of(request, pk)
    return page(
        request,
        "pages/start_flow.html",
        conversation=conversation,
        contact=conversation.contact,
        orders=list(conversation.contact.orders.order_by("-placed_at")[:20]),
        flows=startable(request.shop),
        start_key=new_code(),
    )


@shop_required
@require_POST
def start_flow(request: ShopRequest, pk: int) -> HttpResponse:
    """From a conversation: one flow, for the person or for one of their orders."""
    conversation = conversation_of(request, pk)
    form = StartFlowForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    order = None
    if form.cleaned_data["order"]:
        order = get_object_or_404(conversation.contact.orders, shop=request.shop, pk=form.cleaned_data["order"])
    try:
        ask_to_start(
            shop=request.shop,
            flow_key=form.cleaned_data["flow"],
            kind=EventKind.STARTED_BY_HAND,
            dedupe_key=f"{conversation.pk}:{form.cleaned_data['key']}",
            order=order,
            contact=conversation.contact,
        )
    except CannotStart as error:
        return refused(errors={"flow": str(error)})
    return saved(
        "Started. What it says still keeps to consent and quiet hours.",
        go=f"/app/conversations/{conversation.pk}?{request.frame_query}",
    )
