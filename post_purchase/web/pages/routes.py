"""Where the printed codes of one touchpoint lead: for cards and packing slips, also those that are put away."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.models import PrintBatch, Touchpoint
from post_purchase.services import page_checks
from post_purchase.services.print_health import PRINTED, troubles_of
from post_purchase.touchpoints.routes import KEYS
from post_purchase.web.forms.cards import RouteForm
from post_purchase.words import TouchpointKind
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, paged, refused, saved
from .inserts import route_choices


def printed_of(request: ShopRequest, pk: int) -> Touchpoint:
    return get_object_or_404(request.shop.touchpoints.filter(kind__in=PRINTED), pk=pk)


@shop_required
@require_GET
def route(request: ShopRequest, pk: int) -> HttpResponse:
    row = printed_of(request, pk)
    return page(
        request,
        "pages/route.html",
        row=row,
        is_card=row.kind == TouchpointKind.PACKAGE_INSERT,
        troubles=[trouble for trouble in troubles_of(request.shop) if trouble.touchpoint.pk == row.pk],
        rows=paged(request, row.batches.order_by("-pk")),
        path=f"/app/touchpoints/{row.pk}/route",
        filters="",
        **route_choices(request.shop, row.options),
    )


@shop_required
@require_POST
def save_route(request: ShopRequest, pk: int) -> HttpResponse:
    row = printed_of(request, pk)
    form = RouteForm(request.POST, shop=request.shop)
    if not form.is_valid():
        return refused(form=form)
    chosen = form.route()
    row.options = {key: value for key, value in row.options.items() if key not in KEYS} | chosen
    row.save(update_fields=["options"])
    return _saved(request, chosen, "Cards that are printed already follow within seconds.")


@shop_required
@require_POST
def save_batch_route(request: ShopRequest, pk: int) -> HttpResponse:
    batch = get_object_or_404(PrintBatch, pk=pk, touchpoint__shop=request.shop)
    form = RouteForm(request.POST, shop=request.shop)
    if not form.is_valid():
        return refused(form=form)
    batch.route = form.route()
    batch.save(update_fields=["route"])
    return _saved(request, batch.route, "These cards follow within seconds.")


def _saved(request: ShopRequest, route: dict[str, str], then: str) -> HttpResponse:
    pages = {route[key] for key in ("page", "page_after") if route.get(key)}
    page_checks.look_soon(shop=request.shop, paths=pages)
    return saved(f"Saved. {then}" + (" We look every day whether the page is there." if pages else ""))


@shop_required
@require_POST
def restore(request: ShopRequest, pk: int) -> HttpResponse:
    """A card that was put away is listed and printed from again."""
    row = printed_of(request, pk)
    row.archived_at = None
    row.save(update_fields=["archived_at"])
    return saved("It is back", go=f"/app/touchpoints/{row.pk}?{request.frame_query}")
