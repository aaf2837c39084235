"""Tests of a step's messages: to an address, or to a chat that the member of staff has connected with a code."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.flows.definition import DocumentError
from post_purchase.flows.preview import preview
from post_purchase.models import Flow, Tester
from post_purchase.services import testers
from post_purchase.services.trial_sends import NotSent, mail_to_oneself, to_my_chat
from post_purchase.words import ChannelKind
from shopapp.lib import clock
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import draw, live, refused, saved
from .flow_texts import order_of
from .flows import flow_of


def context_for_tests(request: ShopRequest, flow: Flow, step: str, language: str) -> dict[str, Any]:
    """Where this member of staff can send tests, and what is being connected."""
    mine = {one.channel_id: one for one in Tester.objects.filter(shop=request.shop, user=request.shop_user)}
    chats, others, waiting = [], [], None
    for channel in testers.channels_for_tests(request.shop):
        tester = mine.get(channel.pk)
        if tester is not None:
            tester.channel = channel
        if tester is not None and tester.address:
            chats.append(tester)
        elif tester is not None and tester.expires_at > clock.now():
            waiting = {"tester": tester, "code": testers.code_of(tester), "link": testers.link_of(tester)}
        else:
            others.append(channel)
    orders = list(request.shop.orders.order_by("-placed_at").only("pk", "name")[:10])
    return {
        "flow": flow, "step": step, "language": language, "chats": chats, "others": others, "waiting": waiting,
        "orders": orders,
    }  # fmt: skip


@shop_required
@require_GET
def testing(request: ShopRequest, pk: int, step: str) -> HttpResponse:
    """The part of the panel, drawn anew until the code has come."""
    row, language = flow_of(request, pk), request.GET.get("language", "en")[:16]
    return live(request, draw(request, "parts/flow_tests.html", **context_for_tests(request, row, step, language)))


@shop_required
@require_POST
def send_test(request: ShopRequest, pk: int, step: str) -> HttpResponse:
    """All that the step says, as it is saved, for a made-up order or a real one."""
    row = flow_of(request, pk)
    language, where = request.POST.get("language", "en")[:16], request.POST.get("where", "") or ChannelKind.EMAIL
    tester = None
    if where != ChannelKind.EMAIL:
        mine = Tester.objects.filter(shop=request.shop, user=request.shop_user).exclude(address="")
        number = int(where) if where.isascii() and where.isdigit() and len(where) < 19 else 0
        tester = mine.select_related("channel__shop", "shop").filter(pk=number).first()
        if tester is None:
            return refused(errors={"where": "This chat is not connected any more. Connect it again below."})
    try:
        kind = tester.channel.kind if tester else ChannelKind.EMAIL
        messages = preview(row, language, order_of(request), step=step, channel=kind)
    except DocumentError as error:
        return refused(f"This message cannot be sent: {error.problems[0]}")
    broken = next((one.error for one in messages if one.content is None), "")
    contents = [one.content for one in messages if one.content is not None]
    if broken:
        return refused(f"This message cannot be sent: {broken}")
    if not contents:
        return refused("This step says nothing. Choose a step with a message.")
    try:
        if tester is None:
            to = mail_to_oneself(shop=request.shop, address=request.POST.get("address", ""), contents=contents)
        else:
            to_my_chat(tester=tester, contents=contents)
            to = f"your {tester.channel.get_kind_display()}"
    except NotSent as error:
        return refused(errors={"where" if tester else "address": str(error)})
    return saved(f"The test is on its way to {to}." if len(contents) == 1 else f"{len(contents)} tests go to {to}.")


@shop_required
@require_POST
def add_tester(request: ShopRequest, pk: int) -> HttpResponse:
    channel = get_object_or_404(testers.channels_for_tests(request.shop), pk=pk)
    testers.ask_for_code(channel=channel, user=request.shop_user)
    return saved()


@shop_required
@require_POST
def forget_tester(request: ShopRequest, pk: int) -> HttpResponse:
    testers.forget(tester=get_object_or_404(Tester, shop=request.shop, user=request.shop_user, pk=pk))
    return saved("Forgotten. No more tests go there.")
