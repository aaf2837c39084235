"""Touchpoints: the links, the snippet to copy, the QR code to print, and whether each is really placed."""

import base64
from typing import Any

from django.conf import settings as django_settings
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.models import Touchpoint
from post_purchase.printing.qr import qr_svg
from post_purchase.services.links import link_url, shop_link
from post_purchase.services.shops import settings_of
from post_purchase.touchpoints.base import Placing
from post_purchase.touchpoints.registry import KINDS, kind_of
from post_purchase.web.forms.touchpoints import CardForm, WordsForm
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, refused, saved


@shop_required
@require_GET
def touchpoints(request: ShopRequest) -> HttpResponse:
    people = Count("scans", filter=Q(scans__robot=False, scans__test=False))
    rows = request.shop.touchpoints.filter(archived_at=None).annotate(people=people).order_by("pk")
    known = [row for row in rows if row.kind in KINDS]
    return page(
        request,
        "pages/touchpoints.html",
        rows=[(row, kind_of(row.kind)) for row in known],
        any_channel=request.shop.channels.filter(status="active").exists(),
    )


@shop_required
@require_GET
def touchpoint(request: ShopRequest, pk: int) -> HttpResponse:
    row = touchpoint_of(request, pk)
    kind = kind_of(row.kind)
    placing = placing_of(request, row)
    scans = row.scans.aggregate(
        people=Count("pk", filter=Q(robot=False, test=False)), robots=Count("pk", filter=Q(robot=True))
    )
    downloads = kind.downloads(placing)
    return page(
        request,
        "pages/touchpoint.html",
        row=row,
        kind=kind,
        steps=kind.steps(),
        snippet=kind.snippet(placing),
        downloads=downloads,
        picture=picture_of(placing.link_url) if downloads else "",
        link=placing.link_url,
        scans=scans,
    )


def picture_of(url: str) -> str:
    svg = qr_svg(url, caption=False)
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()


def touchpoint_of(request: ShopRequest, pk: int) -> Touchpoint:
    row = get_object_or_404(request.shop.touchpoints.filter(archived_at=None), pk=pk)
    if row.kind not in KINDS:
        raise Http404
    return row


def placing_of(request: ShopRequest, row: Touchpoint) -> Placing:
    settings = settings_of(request.shop)
    _, code = shop_link(touchpoint=row)
    options: dict[str, Any] = row.options
    return Placing(
        app_url=django_settings.APP_URL,
        link_url=link_url(code),
        link_key=settings.link_key,
        shop_name=settings.display_name,
        color=settings.brand_color,
        text=str(options.get("text", "")),
    )


@shop_required
@require_GET
def download(request: ShopRequest, pk: int, form: str) -> HttpResponse:
    row = touchpoint_of(request, pk)
    placing = placing_of(request, row)
    kind = kind_of(row.kind)
    if form not in kind.downloads(placing):
        raise Http404
    made = kind.download(placing, form)
    response = HttpResponse(made.data, content_type=made.media_type)
    response["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return response


@shop_required
@require_POST
def save_words(request: ShopRequest, pk: int) -> HttpResponse:
    row = touchpoint_of(request, pk)
    form = WordsForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    row.options = row.options | {"text": form.cleaned_data["text"]}
    row.save(update_fields=["options"])
    return saved("Saved. Copy the snippet again to use the new words.")


@shop_required
@require_POST
def add_card(request: ShopRequest) -> HttpResponse:
    """A second card, so that its scans are counted by themselves: one per product, or per print run."""
    form = CardForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    row, created = Touchpoint.objects.get_or_create(
        shop=request.shop, kind=TouchpointKind.PACKAGE_INSERT, name=form.cleaned_data["name"]
    )
    if not created and row.archived_at is None:
        form.add_error("name", "There is a card of this name already.")
        return refused(form=form)
    Touchpoint.objects.filter(pk=row.pk).update(archived_at=None)
    return saved("The card is made", go=f"/app/touchpoints/{row.pk}?{request.frame_query}")


@shop_required
@require_POST
def archive(request: ShopRequest, pk: int) -> HttpResponse:
    row = touchpoint_of(request, pk)
    if not kind_of(row.kind).shop_wide:
        return refused("This one belongs to every shop and stays.")
    row.archived_at = clock.now()
    row.save(update_fields=["archived_at"])
    return saved("Put away. Cards that are printed already still work.", go=f"/app/touchpoints?{request.frame_query}")
