"""The print action of the Shopify admin: cards for one order or for a selection, as one PDF.

Two steps. The extension asks with a staff member's token and gets an address; Shopify's print preview opens it. That
address is signed, names one shop and its orders, and is good for five minutes: Shopify's guide has the preview send the
token along, and does not promise it. Where a token comes, it must be of the same shop.
"""

import re
from datetime import timedelta
from typing import Annotated

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from pydantic import ConfigDict, Field, StringConstraints, ValidationError

from post_purchase.models import Order
from post_purchase.printing.sheets import PrintRefused
from post_purchase.services.print_batches import MOST_ORDERS, check_for_orders, insert_for_orders
from shopapp.lib import clock
from shopapp.lib.storable import FromOutside
from shopapp.models import Shop
from shopapp.shopify.id_tokens import InvalidIdToken, verify_admin_token
from shopapp.web.embedded import ShopRequest, staff_required

GOOD_FOR = timedelta(minutes=5)
MOST_ASKED = 1000  # ids in one question, whatever they are
ORDER = re.compile(r"gid://shopify/Order/([0-9]{1,18})", re.ASCII)
HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Allow-Methods": "GET, OPTIONS",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_signer = Signer(salt="post_purchase.print_action")


class Asked(FromOutside):
    model_config = ConfigDict(extra="ignore")
    ids: list[Annotated[str, StringConstraints(max_length=64)]] = Field(max_length=MOST_ASKED)


@staff_required
def prepare(request: ShopRequest) -> HttpResponse:
    if request.method != "POST":
        return JsonResponse({"error": "Only POST"}, status=405, headers={"Allow": "POST, OPTIONS"})
    try:
        asked = Asked.model_validate_json(request.body)
    except ValidationError:
        return JsonResponse({"error": "The ids of orders are needed"}, status=400)
    numbers = list(dict.fromkeys(int(found[1]) for each in asked.ids if (found := ORDER.fullmatch(each))))
    if len(numbers) > MOST_ORDERS:
        return JsonResponse({"error": "too_many"}, status=422)
    here = Order.objects.filter(shop=request.shop, shopify_id__in=numbers, redacted_at=None)
    known = set(here.values_list("shopify_id", flat=True))
    chosen = [number for number in numbers if number in known]
    if not chosen:
        return JsonResponse({"error": "unknown"}, status=422)
    try:
        check_for_orders(request.shop, _gids(chosen))  # a card that would not be read is told here
    except PrintRefused as refused:
        return JsonResponse({"error": "refused", "message": str(refused)}, status=422)
    until = int((clock.now() + GOOD_FOR).timestamp())
    signed = _signer.sign_object({"shop": request.shop.pk, "orders": chosen, "until": until}, compress=True)
    return JsonResponse({"src": f"/api/admin/cards/{signed}", "count": len(chosen)})


def cards(request: HttpRequest, signed: str) -> HttpResponse:
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=HEADERS)
    return _document(request, signed)


@require_safe
def _document(request: HttpRequest, signed: str) -> HttpResponse:
    try:
        read = _signer.unsign_object(signed)
        shop = Shop.objects.filter(pk=read["shop"]).first()
    except (BadSignature, ValueError, TypeError, KeyError):
        return _plain("This address is not complete. Print again from the order.", 404)
    if shop is None or not shop.is_installed:
        return _plain("This shop does not use Doorstep.", 404)
    if clock.now().timestamp() > read["until"]:
        return _plain("This preview is more than five minutes old. Close it and print again from the order.", 410)
    if "Authorization" in request.headers and not _is_staff_of(shop, request.headers["Authorization"]):
        return _plain("Please open the order again in your Shopify admin.", 401)
    try:
        inserts = insert_for_orders(shop, _gids(read["orders"]))
    except PrintRefused as refused:
        return _plain(str(refused), 422)
    if not inserts.printed:
        return _plain("These orders are no longer here.", 410)
    disposition = {"Content-Disposition": 'inline; filename="doorstep-cards.pdf"'}
    return HttpResponse(inserts.pdf, content_type="application/pdf", headers=HEADERS | disposition)


def _gids(numbers: list[int]) -> list[str]:
    return [f"gid://shopify/Order/{number}" for number in numbers]


def _is_staff_of(shop: Shop, header: str) -> bool:
    try:
        return verify_admin_token(header.partition(" ")[2].strip()).shop == shop.domain
    except InvalidIdToken:
        return False


def _plain(sentence: str, status: int) -> HttpResponse:
    return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8", headers=HEADERS)
