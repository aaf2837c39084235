"""Touchpoints: the links, the QR code to print, how they are used, and whether each is really placed."""

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings as django_settings
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.models import Scan, Touchpoint
from post_purchase.printing.qr import qr_svg
from post_purchase.services.links import link_url, shop_link
from post_purchase.services.print_designs import calls, words_in
from post_purchase.services.print_health import PRINTED, note_printed, troubles_of
from post_purchase.services.shops import settings_of
from post_purchase.services.touchpoint_numbers import (
    SPANS,
    email_states,
    funnel_of,
    people_by_day,
    robots_and_nowhere,
    scans_of,
)
from post_purchase.touchpoints.base import Placing
from post_purchase.touchpoints.registry import KINDS, kind_of
from post_purchase.web.forms.touchpoints import CardForm
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, refused, saved, zone_of
from .charts import DayChart, Step, day_chart, funnel_chart
from .checkout_words import words_rows
from .emails import Shown, shown
from .home import blocks_of

DEFAULT_DAYS = 30
PUT_AWAY_SHOWN = 100


@dataclass(frozen=True)
class Use:
    """What parts/use.html draws."""

    action: str
    days: int
    funnel: list[Step]
    chart: DayChart
    robots: int
    nowhere: int  # people of these days whose link had expired, or whom no channel could take
    spans: tuple[int, ...] = SPANS


@shop_required
@require_GET
def touchpoints(request: ShopRequest) -> HttpResponse:
    days = days_asked(request)
    since = clock.now() - timedelta(days=days)
    people = Count("scans", filter=Q(scans__robot=False, scans__test=False, scans__scanned_at__gte=since))
    rows = request.shop.touchpoints.filter(archived_at=None).annotate(people=people).order_by("pk")
    known = [row for row in rows if row.kind in KINDS]
    everything = list(request.shop.touchpoints.order_by("pk"))
    return page(
        request,
        "pages/touchpoints.html",
        rows=[(row, kind_of(row.kind)) for row in known],
        use=use_of(request, scans_of(request.shop), everything, "/app/touchpoints", days),
        any_channel=request.shop.channels.filter(status="active").exists(),
        troubles=troubles_of(request.shop),
        put_away=[row for row in everything if row.archived_at is not None and row.kind in PRINTED][:PUT_AWAY_SHOWN],
        may_add_slip=all(row.kind != TouchpointKind.PACKING_SLIP for row in known),
    )


@shop_required
@require_GET
def touchpoint(request: ShopRequest, pk: int) -> HttpResponse:
    row = touchpoint_of(request, pk)
    kind = kind_of(row.kind)
    placing = placing_of(request, row)
    downloads = kind.downloads(placing)
    return page(
        request,
        "pages/touchpoint.html",
        row=row,
        kind=kind,
        checkout_words=words_rows(request.shop, row),
        steps=kind.steps(),
        blocks=blocks_of(request.shop, row.kind),
        emails=emails_of(row),
        snippet=kind.snippet(placing) if row.kind == TouchpointKind.PACKING_SLIP else None,
        is_printed=row.kind in PRINTED,
        is_card=row.kind == TouchpointKind.PACKAGE_INSERT,
        downloads=downloads,
        picture=picture_of(placing.link_url) if downloads else "",
        link=placing.link_url,
        use=use_of(
            request, Scan.objects.filter(touchpoint=row), [row], f"/app/touchpoints/{row.pk}", days_asked(request)
        ),
    )


def emails_of(row: Touchpoint) -> list[Shown]:
    return [shown(state) for state in email_states(touchpoint=row)] if row.kind == TouchpointKind.EMAIL_BUTTON else []


def use_of(request: ShopRequest, scans: QuerySet[Scan], rows: list[Touchpoint], action: str, days: int) -> Use:
    zone = zone_of(request.shop)
    robots, nowhere = robots_and_nowhere(scans=scans, days=days, zone=zone)
    funnel = funnel_of(touchpoints=rows, days=days, zone=zone)
    return Use(
        action=action,
        days=days,
        funnel=funnel_chart(
            [("Tapped or scanned", funnel.scans), ("Wrote to you", funnel.messages), ("Gave a review", funnel.reviews)]
        ),
        chart=day_chart(people_by_day(scans=scans, days=days, zone=zone)),
        robots=robots,
        nowhere=nowhere,
    )


def days_asked(request: ShopRequest) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked in map(str, SPANS) else DEFAULT_DAYS


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
    return Placing(
        app_url=django_settings.APP_URL,
        link_url=link_url(code),
        link_key=settings.link_key,
        shop_name=settings.display_name,
        color=settings.brand_color,
        **(slip_words(settings.default_language) if row.kind == TouchpointKind.PACKING_SLIP else {}),
    )


def slip_words(language: str) -> dict[str, Any]:
    return {"text": words_in({}, language)["call"], "texts": calls()}


@shop_required
@require_GET
def download(request: ShopRequest, pk: int, form: str) -> HttpResponse:
    row = touchpoint_of(request, pk)
    placing = placing_of(request, row)
    kind = kind_of(row.kind)
    if form not in kind.downloads(placing):
        raise Http404
    made = kind.download(placing, form)
    note_printed(row)
    response = HttpResponse(made.data, content_type=made.media_type)
    response["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return response


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
