"""The page on which a packer ties a card to an order, and takes a wrong scan back."""

from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.models import Link, PrintBatch
from post_purchase.services import packing
from shopapp.lib.crypto import hash_code
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import draw, page, paged, refused, saved

NEWEST = 10


def packed_cards(request: ShopRequest) -> QuerySet[Link]:
    """Newest first, with all that parts/packed_cards.html shows."""
    tied = Link.objects.filter(shop=request.shop, packed_at__isnull=False, batch__isnull=False, order__isnull=False)
    return tied.select_related("order", "batch", "used_by__contact__conversation").order_by("-packed_at", "-pk")


def named(rows: QuerySet[Link], text: str) -> QuerySet[Link]:
    """Found by the order's number, the card's number in its run, or a scan of its code."""
    word = text.strip()[:200]
    wanted = Q(order__name__iexact=word) | Q(order__name=f"#{word.lstrip('#')[:60]}")
    wanted |= Q(code_hash=hash_code(packing.read_scan(word)))
    if word.isascii() and word.isdigit() and len(word) < 9:
        wanted |= Q(number=int(word))
    return rows.filter(wanted)


@shop_required
@require_GET
def pack(request: ShopRequest) -> HttpResponse:
    search = request.GET.get("q", "").strip()[:200]
    rows = packed_cards(request)
    return page(
        request,
        "pages/pack.html",
        any_batch=PrintBatch.objects.filter(touchpoint__shop=request.shop).exists(),
        rows=list((named(rows, search) if search else rows)[:NEWEST]),
        search=search,
    )


@shop_required
@require_GET
def packed(request: ShopRequest, pk: int) -> HttpResponse:
    """The cards of one print run that are tied to orders."""
    batches = PrintBatch.objects.filter(touchpoint__shop=request.shop).select_related("touchpoint")
    batch = get_object_or_404(batches, pk=pk)
    search = request.GET.get("q", "").strip()[:200]
    rows = packed_cards(request).filter(batch=batch)
    return page(
        request,
        "pages/packed.html",
        batch=batch,
        rows=paged(request, named(rows, search) if search else rows),
        search=search,
        path=f"/app/prints/{batch.pk}/packed",
        filters=f"&{urlencode({'q': search})}" if search else "",
    )


@shop_required
@require_POST
def bind(request: ShopRequest) -> HttpResponse:
    """Two fields, which a hand scanner fills one after the other: the card, then its order. Nothing is put right by
    guessing: who is one scan out of step would tie each card to another parcel."""
    scanned, name = request.POST.get("card", "")[:200].strip(), request.POST.get("order", "")[:200].strip()
    if packing.is_card(request.shop, scanned) and packing.is_card(request.shop, name):
        return next_card(name)
    errors = {}
    if not scanned:
        errors["card"] = "Scan the square code on the card."
    found = packing.find_order(request.shop, name) if name else None
    if found is None:
        errors["order"] = "No such order is here. Scan our code on the packing slip, or type its number: #1001."
    if errors or found is None:
        return refused(errors=errors)
    try:
        packing.bind_card(shop=request.shop, scanned=scanned, order=found)
    except packing.CannotBind as problem:
        return refused(errors={"card": str(problem)})
    newest = draw(request, "parts/packed_cards.html", rows=list(packed_cards(request)[:NEWEST]))
    return saved(f"The card goes with {found.name}", html=newest)


def next_card(scanned: str) -> HttpResponse:
    """The order of the card before was not scanned: this one waits for its own."""
    words = "Its order was not scanned. Scan this card again, with its order. The next card is waiting for its order."
    return JsonResponse({"message": words, "errors": {}, "next": scanned}, status=422)


@shop_required
@require_POST
def unbind(request: ShopRequest, pk: int) -> HttpResponse:
    link = get_object_or_404(Link, pk=pk, shop=request.shop, batch__isnull=False)
    try:
        packing.unbind_card(link=link)
    except packing.CannotBind as problem:
        return refused(str(problem))
    return saved("Untied. Scan the card again with the right order.")
