"""Flows: the list, on and off, an earlier version as the draft. flow_editor and flow_publishing have the rest."""

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.flows.definition import DocumentError
from post_purchase.flows.editing import save_draft, switch_off, switch_on
from post_purchase.flows.troubles import in_words
from post_purchase.models import ChannelStatus, Flow, RunStatus
from post_purchase.web.forms.settings import LANGUAGES
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, refused, saved


def flow_of(request: ShopRequest, pk: int) -> Flow:
    return get_object_or_404(request.shop.flows.select_related("live_version", "canary_version", "shop"), pk=pk)


@shop_required
@require_GET
def flows(request: ShopRequest) -> HttpResponse:
    runs = {
        "active": Count("runs", filter=Q(runs__status=RunStatus.ACTIVE)),
        "ended": Count("runs", filter=Q(runs__status=RunStatus.ENDED)),
        "parked": Count("runs", filter=Q(runs__status=RunStatus.PARKED)),
    }
    rows = request.shop.flows.select_related("live_version").annotate(**runs).order_by("pk")
    return page(
        request,
        "pages/flows.html",
        rows=[(row, row.live_version is None or row.live_version.document != row.draft) for row in rows],
        any_channel=request.shop.channels.filter(status=ChannelStatus.ACTIVE).exists(),
    )


@shop_required
@require_POST
def switch(request: ShopRequest, pk: int) -> HttpResponse:
    flow = flow_of(request, pk)
    if request.POST.get("to") == "off":
        switch_off(flow)
        return saved(f"{flow.name} is off. Runs under way finish.")
    try:
        switch_on(flow, request.shop_user)
    except DocumentError as error:
        return refused(f"It cannot be switched on yet. {in_words(flow.draft, error.problems[0], dict(LANGUAGES))}.")
    return saved(f"{flow.name} is on for new orders")


@shop_required
@require_POST
def restore(request: ShopRequest, pk: int, number: int) -> HttpResponse:
    """An earlier version becomes the draft; nothing is live until it is published."""
    flow = flow_of(request, pk)
    version = get_object_or_404(flow.versions, number=number)
    save_draft(flow, version.document, user=request.shop_user, what=f"Took version {number} as the draft")
    return saved(f"Version {number} is the draft now. Publish it to make it live.")
