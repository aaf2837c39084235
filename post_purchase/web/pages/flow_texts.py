"""All texts of a flow in one language, and its delays, on one page: for whoever translates or reads them through."""

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from post_purchase.flows.definition import DocumentError
from post_purchase.flows.editing import EditableField, apply_edits, editable_fields, problems_of, save_draft
from post_purchase.flows.preview import preview
from post_purchase.flows.troubles import in_words
from post_purchase.models import Flow, Order
from post_purchase.web.forms.flows import UNITS, edits_from, groups_of, input_of
from post_purchase.web.forms.settings import LANGUAGES
from post_purchase.words import ChannelKind
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import draw, page, refused, saved
from .flows import flow_of

PHONES = (ChannelKind.WHATSAPP, ChannelKind.MESSENGER, ChannelKind.EMAIL)


@shop_required
@require_http_methods(["GET", "POST"])
def texts(request: ShopRequest, pk: int) -> HttpResponse:
    return save(request, pk) if request.method == "POST" else show(request, pk)


def show(request: ShopRequest, pk: int) -> HttpResponse:
    row = flow_of(request, pk)
    fields = editable_fields(row.draft)
    tags = list(row.draft.get("texts", {}))
    language = request.GET.get("language", "")
    language = language if language in tags else ("en" if "en" in tags else next(iter(tags), ""))
    names = dict(LANGUAGES)
    return page(
        request,
        "pages/flow_texts.html",
        flow=row,
        languages=[(tag, names.get(tag, tag)) for tag in tags],
        language=language,
        groups=groups_of([field for field in fields if field.language == language]),
        times=[input_of(field) for field in fields if not field.language],
        units=[unit for unit, _ in UNITS],
        problems=[in_words(row.draft, problem, names) for problem in problems_of(row.draft)],
        orders=list(request.shop.orders.order_by("-placed_at").only("pk", "name")[:10]),
        phones=[(kind.value, kind.label) for kind in PHONES],
    )


def save(request: ShopRequest, pk: int) -> HttpResponse:
    """Whatever is typed is kept; what must be mended before it can be published is said."""
    row = flow_of(request, pk)
    fields = editable_fields(row.draft)
    edits, errors = edits_from(request.POST, fields)
    if errors:
        return refused(next(iter(errors.values())), errors=errors)
    try:
        document = apply_edits(row.draft, edits)
    except DocumentError as error:
        found = {problem.path: problem.message for problem in error.problems}
        return refused(next(iter(found.values())), errors=found)
    problems = save_draft(row, document, user=request.shop_user)
    if problems:
        return saved(f"Saved. Before it can be published: {in_words(document, problems[0], dict(LANGUAGES))}.")
    return saved("Saved as a draft. Publish it to make it live.")


@shop_required
@require_POST
def preview_flow(request: ShopRequest, pk: int) -> HttpResponse:
    """The phone, drawn from what is typed now. Nothing is saved."""
    row = flow_of(request, pk)
    row.draft = edited(row, request, editable_fields(row.draft))
    language = request.POST.get("language", "en")[:16]
    order = order_of(request)
    kind = request.POST.get("phone", "")
    kind = kind if kind in PHONES else ChannelKind.WHATSAPP
    try:
        messages, trouble = preview(row, language, order, channel=kind), ""
    except DocumentError as error:
        messages, trouble = [], str(error.problems[0])
    name = request.shop.name or request.shop.domain
    return HttpResponse(draw(request, "parts/phone.html", messages=messages, trouble=trouble, phone=kind, name=name))


def edited(row: Flow, request: ShopRequest, fields: list[EditableField]) -> dict[str, Any]:
    edits, _ = edits_from(request.POST, fields)
    try:
        return apply_edits(row.draft, edits)
    except DocumentError:
        return dict(row.draft)  # half-typed times: the picture stays as it was saved


def order_of(request: ShopRequest) -> Order | None:
    chosen = request.POST.get("order", "")
    if not chosen.isascii() or not chosen.isdigit() or len(chosen) > 18:
        return None
    return request.shop.orders.filter(pk=int(chosen)).first()
