"""Guides that flows send, and what flows know of the shop's products."""

from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.models import Product, ProductGuide, ProductSync
from post_purchase.services import guide_pictures
from post_purchase.services import products as product_service
from post_purchase.services.guides import delete_guide, save_guide
from post_purchase.services.photo_safety import MAX_BYTES, Fault, PhotoRefused
from post_purchase.services.shops import settings_of
from post_purchase.services.texts import is_rtl
from post_purchase.web.forms.guides import CompanionsForm, GuideForm, MetafieldsForm, NewGuideForm
from post_purchase.web.forms.settings import LANGUAGES
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import draw, page, paged, refused, saved


@shop_required
@require_GET
def guides(request: ShopRequest) -> HttpResponse:
    search = request.GET.get("q", "").strip()[:80]
    everything = request.shop.guides.all()
    rows = everything
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(title__icontains=search) | Q(text__icontains=search))
    return page(
        request,
        "pages/guides.html",
        rows=paged(request, rows.order_by("-updated_at", "-pk")),
        any_at_all=everything.exists(),
        search=search,
        filters=f"&q={search}" if search else "",
        languages=dict(LANGUAGES),
    )


@shop_required
@require_GET
def new_guide(request: ShopRequest) -> HttpResponse:
    chosen = settings_of(request.shop)
    product = _product_of(request)
    return _form(request, None, language=chosen.default_language, handle=product.handle if product else "")


@shop_required
@require_GET
def guide(request: ShopRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(request.shop.guides, pk=pk)
    return _form(request, row, language=row.language)


@shop_required
@require_POST
def add_guide(request: ShopRequest) -> HttpResponse:
    form = NewGuideForm(request.POST, shop=request.shop)
    if not form.is_valid():
        return refused(form=form)
    save_guide(shop=request.shop, name=form.name, **form.cleaned_data)
    return saved("Saved. Flows with the step “Send guide” use it from now on.", go=f"/app/guides?{request.frame_query}")


@shop_required
@require_POST
def save(request: ShopRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(request.shop.guides, pk=pk)
    form = GuideForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    save_guide(
        shop=request.shop,
        kind=row.kind,
        value=row.value,
        name=row.name,
        language=row.language,
        **form.cleaned_data,
    )
    return saved("Saved")


@shop_required
@require_POST
def delete(request: ShopRequest, pk: int) -> HttpResponse:
    delete_guide(guide=get_object_or_404(request.shop.guides, pk=pk))
    return saved("Deleted", go=f"/app/guides?{request.frame_query}")


@shop_required
@require_POST
def picture(request: ShopRequest, pk: int) -> HttpResponse:
    """Upload a picture of one's own; without a file it is taken away."""
    row = get_object_or_404(request.shop.guides, pk=pk)
    upload = request.FILES.get("picture")
    if upload is None:
        guide_pictures.take_away(guide=row)
        return saved("The guide has no picture of yours now")
    try:
        if (upload.size or 0) > MAX_BYTES:
            raise PhotoRefused(Fault.TOO_LARGE)
        guide_pictures.keep(guide=row, content=upload.read())
    except PhotoRefused as refusal:
        return refused(f"The picture was not kept: {refusal}. Choose another one.")
    except OSError:
        return refused("There is no room for pictures just now. Try again later.", status=503)
    return saved("The picture goes along with the guide")


@shop_required
@require_POST
def preview(request: ShopRequest) -> HttpResponse:
    """What is typed, as a shopper would read it; what is not an address yet is left out."""
    form = GuideForm(request.POST)
    form.is_valid()
    own = request.POST.get("own_picture", "")
    if own.startswith(f"{settings.APP_URL}{guide_pictures.PATH}"):
        form.cleaned_data["picture_url"] = own[:500]
    language = request.POST.get("language", "en")[:16]
    return HttpResponse(
        draw(request, "parts/guide.html", guide=form.cleaned_data, language=language, rtl=is_rtl(language))
    )


@shop_required
@require_GET
def products(request: ShopRequest) -> HttpResponse:
    search = request.GET.get("q", "").strip()[:80]
    everything = request.shop.products.filter(deleted_at=None)
    rows = everything
    if search:
        rows = rows.filter(Q(title__icontains=search) | Q(handle__icontains=search))
    return page(
        request,
        "pages/products.html",
        rows=paged(request, rows.order_by("title", "pk")),
        total=everything.count(),
        search=search,
        filters=f"&q={search}" if search else "",
        sync=ProductSync.objects.filter(shop=request.shop).first(),
        names=" ".join(settings_of(request.shop).product_metafields),
    )


@shop_required
@require_GET
def product(request: ShopRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(request.shop.products, pk=pk)
    known = {
        each.shopify_id: each
        for each in request.shop.products.filter(shopify_id__in=[*row.chosen_ids, *row.complementary_ids])
    }
    return page(
        request,
        "pages/product.html",
        product=row,
        chosen=", ".join(known[number].handle for number in row.chosen_ids if number in known),
        shopifys=[known[number] for number in row.complementary_ids if number in known],
        guides=list(request.shop.guides.filter(kind=ProductGuide.Kind.PRODUCT, value=str(row.shopify_id))),
    )


@shop_required
@require_POST
def choose_companions(request: ShopRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(request.shop.products.select_related("shop"), pk=pk)
    form = CompanionsForm(request.POST, product=row)
    if not form.is_valid():
        return refused(form=form)
    product_service.choose_companions(product=row, others=form.found)
    return saved("Saved. Recommendations take these first.")


@shop_required
@require_POST
def name_metafields(request: ShopRequest) -> HttpResponse:
    form = MetafieldsForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    settings_of(request.shop)
    product_service.name_metafields(shop=request.shop, names=form.cleaned_data["names"])
    return saved("Saved. Products are fetched anew with these.")


@shop_required
@require_POST
def fetch_products(request: ShopRequest) -> HttpResponse:
    product_service.start_sync(shop=request.shop)
    return saved("Products are fetched anew")


def _product_of(request: ShopRequest) -> Product | None:
    number = request.GET.get("product", "")
    return request.shop.products.filter(pk=int(number)).first() if number.isdigit() and len(number) < 19 else None


def _form(request: ShopRequest, row: ProductGuide | None, **more: Any) -> HttpResponse:
    kinds = ProductGuide.Kind.choices
    own = guide_pictures.address_of(row) if row and row.picture_file else ""
    return page(request, "pages/guide.html", guide=row, kinds=kinds, languages=LANGUAGES, own_picture=own, **more)
