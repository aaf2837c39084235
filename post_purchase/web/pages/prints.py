"""Print runs with a code for each parcel."""

import hashlib
from typing import Any

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.models import PrintBatch, PrintFile, PrintForm, PrintStatus, Touchpoint
from post_purchase.printing.layouts import papers
from post_purchase.printing.sheets import PrintRefused
from post_purchase.services import links, print_batches, print_files
from post_purchase.services.print_designs import check_design, default_words, design_of, languages_of
from post_purchase.web.forms.cards import BatchForm
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import draw, page, paged, refused, saved
from .inserts import PAPER_NAMES, card_of, name_of, route_choices


@shop_required
@require_GET
def prints(request: ShopRequest, pk: int) -> HttpResponse:
    row = card_of(request, pk)
    html, rows = _runs(request, row)
    return page(
        request,
        "pages/prints.html",
        row=row,
        runs=html,
        rows=rows,
        mark=_mark(html),
        path=f"/app/touchpoints/{row.pk}/prints",
        filters="",
        layout=design_of(row).layout,
        checked=check_design(row),
        papers=[(name, PAPER_NAMES[name]) for name in papers()],
        forms=PrintForm.choices,
        card_languages=[(tag, name_of(tag)) for tag in card_languages(row)],
        **route_choices(request.shop, {}),
    )


def card_languages(row: Touchpoint) -> list[str]:
    """The shop's own first; then all that a card has words in."""
    return list(dict.fromkeys([*languages_of(row), *default_words()]))


@shop_required
@require_GET
def prints_live(request: ShopRequest, pk: int) -> HttpResponse:
    html, _ = _runs(request, card_of(request, pk))
    mark = _mark(html)
    if request.headers.get("If-None-Match") == mark:
        return HttpResponse(status=304, headers={"ETag": mark})
    return HttpResponse(html, headers={"ETag": mark})


def _runs(request: ShopRequest, row: Touchpoint) -> tuple[str, Any]:
    rows = paged(request, row.batches.prefetch_related("files").order_by("-pk"))
    return draw(request, "parts/print_runs.html", rows=rows), rows


def _mark(html: str) -> str:
    return f'"{hashlib.sha256(html.encode()).hexdigest()[:24]}"'


@shop_required
@require_POST
def order(request: ShopRequest, pk: int) -> HttpResponse:
    row = card_of(request, pk)
    form = BatchForm(request.POST, languages=card_languages(row))
    if not form.is_valid():
        return refused(form=form)
    try:
        print_batches.create_batch(touchpoint=row, **form.cleaned_data)
    except PrintRefused as refusal:
        return refused(str(refusal))
    return saved("The print run is being made. You can leave this page.")


def _batch(request: ShopRequest, pk: int) -> PrintBatch:
    return get_object_or_404(PrintBatch, pk=pk, touchpoint__shop=request.shop)


def _file(request: ShopRequest, pk: int) -> PrintFile:
    return get_object_or_404(PrintFile.objects.select_related("batch"), pk=pk, batch__touchpoint__shop=request.shop)


@shop_required
@require_POST
def order_file(request: ShopRequest, pk: int) -> HttpResponse:
    batch = _batch(request, pk)
    form = request.POST.get("form", "")
    if form not in PrintForm.values:
        return refused(errors={"form": "Choose a kind of file."})
    try:
        print_batches.order_file(batch=batch, form=form)
    except PrintRefused as refusal:
        return refused(str(refusal))
    return saved("The file is being made")


@shop_required
@require_GET
def download(request: ShopRequest, pk: int) -> HttpResponse:
    file = _file(request, pk)
    try:
        content = print_files.content_of(file)
    except OSError:
        return refused("The file cannot be read at the moment. Try again in a minute.")
    if content is None:
        raise Http404
    suffix = print_files.suffix_of(file)
    name = f"doorstep-{file.batch_id}-{file.form}{suffix}"
    types = {".pdf": "application/pdf", ".csv": "text/csv; charset=utf-8", ".zip": "application/zip"}
    response: Any = FileResponse(content, as_attachment=True, filename=name, content_type=types[suffix])
    return response  # type: ignore[no-any-return]


@shop_required
@require_POST
def stop(request: ShopRequest, pk: int) -> HttpResponse:
    stopped = print_batches.cancel_file(file=_file(request, pk))
    return saved("Stopped. You can go on later.") if stopped else refused("It has come to an end already.")


@shop_required
@require_POST
def resume(request: ShopRequest, pk: int) -> HttpResponse:
    file = _file(request, pk)
    if file.status == PrintStatus.READY:
        return refused("This file is ready already.")
    try:
        print_batches.resume_file(file=file)
    except PrintRefused as refusal:
        return refused(str(refusal))
    return saved("It goes on")


@shop_required
@require_POST
def add_packing_slip(request: ShopRequest) -> HttpResponse:
    row = links.add_packing_slip(shop=request.shop)
    return saved("It is added. Copy the snippet into Shopify.", go=f"/app/touchpoints/{row.pk}?{request.frame_query}")
