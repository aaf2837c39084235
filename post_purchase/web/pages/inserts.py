"""The insert studio: a card's size, words, colours and logo, seen as it will be printed, and where its code leads."""

import base64
import io
from contextlib import suppress
from typing import Any

from babel import Locale, UnknownLocaleError
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from post_purchase.models import OrderLine, Touchpoint
from post_purchase.printing.card import Design
from post_purchase.printing.layouts import imposed, layouts, one_by_one, papers
from post_purchase.printing.pictures import preview
from post_purchase.printing.room import ADDRESS, in_words
from post_purchase.printing.scan_check import check
from post_purchase.printing.sheets import PrintRefused, sheet_for, write_pdf
from post_purchase.services import print_designs
from post_purchase.services.links import link_url, shop_link
from post_purchase.services.print_designs import default_words, design_of, languages_of, sample_url, words_in
from post_purchase.services.print_health import note_printed
from post_purchase.services.products import collections_of
from post_purchase.touchpoints.routes import KEYS
from post_purchase.touchpoints.texts import languages
from post_purchase.web.forms.cards import DesignForm, SheetForm
from post_purchase.words import ChannelKind, TouchpointKind
from shopapp.models import Shop
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import draw, page, refused, saved
from .touchpoints import touchpoint_of

PAPER_NAMES = {"a4": "A4", "letter": "US Letter"}


def card_of(request: ShopRequest, pk: int) -> Touchpoint:
    row = touchpoint_of(request, pk)
    if row.kind != TouchpointKind.PACKAGE_INSERT:
        raise Http404
    return row


@shop_required
@require_GET
def card(request: ShopRequest, pk: int) -> HttpResponse:
    row = card_of(request, pk)
    spoken = languages_of(row)
    asked = request.GET.get("language", "").lower()
    language = asked if asked in spoken or asked in default_words() else spoken[0]
    options: dict[str, Any] = row.options
    design = design_of(row, language=language)
    product, product_name = product_of(request.shop, options.get("product_id"))
    return page(
        request,
        "pages/card.html",
        row=row,
        language=language,
        languages=[(tag, name_of(tag)) for tag in dict.fromkeys([*spoken, *default_words()])],
        words=words_in(options, language),
        design=design,
        groups=grouped_layouts(),
        product=product,
        product_name=product_name,
        collections=collections_of(request.shop),
        collection_id=options.get("collection_id"),
        pictures=pictures_html(request, design),
        papers=[(name, PAPER_NAMES[name]) for name in papers()],
        duplex=duplex_of(design) if design.cover and design.layout.two_sided else [],
        **route_choices(request.shop, options),
    )


def duplex_of(design: Design) -> list[tuple[str, str]]:
    """(what is printed on, the edge that its two-sided print is turned over)"""
    if design.layout.sheet:
        return [("the sheet", design.layout.sheet.turned_over)]
    found = [("the card alone", one_by_one(design.layout, marks=False).turned_over)]
    for paper in papers():
        with suppress(ValueError):
            found.append((PAPER_NAMES[paper], imposed(design.layout, paper).turned_over))
    return found


def name_of(tag: str) -> str:
    try:
        return Locale.parse(tag.replace("-", "_")).get_display_name("en") or tag
    except (UnknownLocaleError, ValueError):
        return tag


def grouped_layouts() -> list[tuple[str, list[tuple[str, str]]]]:
    names = {"cards": "Cards", "stickers": "Stickers and thermal labels", "labels": "Label sheets"}
    return [
        (title, [(key, layout.name) for key, layout in layouts().items() if layout.group == group])
        for group, title in names.items()
    ]


def product_of(shop: Shop, chosen: int | None) -> tuple[str, str]:
    """(what stands in the field, the product's name) of the product that a card is for; two empty ones without."""
    if chosen is None:
        return "", ""
    product = shop.products.filter(shopify_id=chosen, deleted_at=None).first()
    if product and product.handle:
        return product.handle, product.title
    line = OrderLine.objects.filter(order__shop=shop, product_id=chosen).order_by("-pk").first()
    title = product.title if product else line.title if line else f"Product {chosen}"
    return str(chosen), title if product else f"{title}, not in your shop any more"


def route_choices(shop: Shop, options: dict[str, Any]) -> dict[str, Any]:
    channels = dict.fromkeys(shop.channels.filter(status="active").order_by("pk").values_list("kind", flat=True))
    return {
        "route": {key: options.get(key, "") for key in KEYS},
        "channels": [(kind, ChannelKind(kind).label) for kind in channels],
        "flows": list(shop.flows.order_by("name").values_list("key", "name", "status")),
        "chat_languages": [(tag, name_of(tag)) for tag in languages()],
        "website": shop.primary_url or f"https://{shop.domain}",
    }


def pictures_html(request: ShopRequest, design: Design) -> str:
    """The card's sides as they will be printed, and what the scan check says."""
    sides = [base64.b64encode(png).decode() for png in preview(design, sample_url(), pixels=620)]
    names = ["Front", "Back"] if len(sides) > 1 else ["The card"]
    if design.layout.fold and len(sides) > 1:
        names = ["Outside", "Inside"]
    checked = check(design, sample_url())
    return draw(
        request,
        "parts/card_pictures.html",
        sides=list(zip(names, sides, strict=False)),
        checked=checked,
        layout=design.layout.name,
        left_out=in_words(checked.left_out),
        address_left_out=ADDRESS in checked.left_out,
    )


def changed_options(row: Touchpoint, chosen: dict[str, Any]) -> dict[str, Any]:
    """The card's options with what the form says; words of other languages stay."""
    texts = dict(row.options.get("texts", {}))
    texts[chosen["language"]] = {name: chosen[name].replace("\r", "") for name in print_designs.WORDS}
    plain = {name: chosen[name] for name in ("layout", "color", "code_color", "paper", "cover", "logo_in_code")}
    options: dict[str, Any] = row.options
    belongs = {"product_id": chosen["product"], "collection_id": chosen["collection_id"]}
    return options | plain | belongs | {"texts": texts}


def design_form(request: ShopRequest, row: Touchpoint) -> DesignForm:
    return DesignForm(
        request.POST,
        shop=request.shop,
        kept_product=row.options.get("product_id"),
        collections=collections_of(request.shop),
    )


@shop_required
@require_POST
def preview_card(request: ShopRequest, pk: int) -> HttpResponse:
    row = card_of(request, pk)
    form = design_form(request, row)
    if not form.is_valid():
        return refused(form=form)
    options = changed_options(row, form.cleaned_data)
    design = design_of(row, language=form.cleaned_data["language"], options=options)
    return HttpResponse(pictures_html(request, design))


@shop_required
@require_POST
def save_card(request: ShopRequest, pk: int) -> HttpResponse:
    """A card that would not be read is kept, since it is work in progress; it is only not printed."""
    row = card_of(request, pk)
    form = design_form(request, row)
    if not form.is_valid():
        return refused(form=form)
    row.options = changed_options(row, form.cleaned_data)
    row.save(update_fields=["options"])
    checked = print_designs.check_design(row, language=form.cleaned_data["language"])
    return saved("Saved" if checked.passed else f"Saved, but it cannot be printed yet: {checked.problems[0]}")


@shop_required
@require_POST
def save_logo(request: ShopRequest, pk: int) -> HttpResponse:
    row = card_of(request, pk)
    upload = request.FILES.get("logo")
    if upload is None:
        row.options = {key: value for key, value in row.options.items() if key != "logo"}
        row.save(update_fields=["options"])
        return saved("The card has no logo now")
    try:
        if (upload.size or 0) > print_designs.MAX_LOGO:
            raise print_designs.LogoRefused("The logo is larger than 4 MB. Save it smaller and try again.")
        name = print_designs.save_logo(touchpoint=row, content=upload.read())
    except print_designs.LogoRefused as refusal:
        return refused(str(refusal))
    row.options = row.options | {"logo": name}
    row.save(update_fields=["options"])
    return saved("The logo is on the card")


@shop_required
@require_GET
def print_card(request: ShopRequest, pk: int) -> HttpResponse:
    """The card with the code that is the same for everybody: one sheet, or one page, to print as often as wanted."""
    row = card_of(request, pk)
    form = SheetForm(request.GET)
    if not form.is_valid():
        return refused(form=form)
    language = request.GET.get("language", "").lower()
    design = design_of(row, language=language if language in default_words() or language in languages_of(row) else "")
    checked = check(design, sample_url())
    if not checked.passed:
        return refused(" ".join(checked.problems))
    _, code = shop_link(touchpoint=row)
    chosen = form.cleaned_data
    out = io.BytesIO()
    try:
        sheet = sheet_for(design.layout, paper=chosen["paper"], marks=chosen["marks"])
        addresses = [link_url(code)] * sheet.pieces
        write_pdf(out, design, addresses, sample_url=sample_url(), title=row.name, **chosen)
    except PrintRefused as refusal:
        return refused(str(refusal))
    note_printed(row)
    response = HttpResponse(out.getvalue(), content_type="application/pdf")
    response["Content-Disposition"] = 'attachment; filename="doorstep-card.pdf"'
    return response
