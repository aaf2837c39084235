"""The print action of the Shopify admin: cards for one order or for a selection.

Two steps. The extension asks with a staff member's token and gets an address; Shopify's print preview opens it. That
address is signed, names one shop and its orders, and is good for five minutes, because Shopify documents only that a
preview *may* carry the token. Where it carries one, it must be of the same shop.
"""

import re
from datetime import timedelta
from typing import Annotated

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from post_purchase.printing.qr import qr_svg
from post_purchase.services.order_cards import MOST, known_orders, order_cards
from post_purchase.services.shops import settings_of
from shopapp.lib import clock
from shopapp.models import Shop
from shopapp.shopify.id_tokens import InvalidIdToken, verify_admin_token
from shopapp.web.embedded import ShopRequest, staff_required

GOOD_FOR = timedelta(minutes=5)
ORDER = re.compile(r"gid://shopify/Order/([0-9]{1,18})", re.ASCII)
HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Allow-Methods": "GET, OPTIONS",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_signer = Signer(salt="post_purchase.order_cards")


class Asked(BaseModel):
    model_config = ConfigDict(extra="ignore")
    ids: list[Annotated[str, StringConstraints(max_length=64)]] = Field(max_length=250)


@staff_required
def prepare(request: ShopRequest) -> HttpResponse:
    if request.method != "POST":
        return JsonResponse({"error": "Only POST"}, status=405, headers={"Allow": "POST, OPTIONS"})
    try:
        asked = Asked.model_validate_json(request.body)
    except ValidationError:
        return JsonResponse({"error": "The ids of orders are needed"}, status=400)
    found = [ORDER.fullmatch(each) for each in asked.ids]
    numbers = [int(each[1]) for each in found if each]
    if len(numbers) > MOST:
        return JsonResponse({"error": "too_many"}, status=422)
    known = [order.shopify_id for order in known_orders(shop=request.shop, order_ids=numbers)]
    if not known:
        return JsonResponse({"error": "unknown"}, status=422)
    until = int((clock.now() + GOOD_FOR).timestamp())
    signed = _signer.sign_object({"shop": request.shop.pk, "orders": known, "until": until}, compress=True)
    return JsonResponse({"src": f"/api/admin/cards/{signed}", "count": len(known)})


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
    settings = settings_of(shop)
    html = render_to_string(
        "public/order_cards.html",
        {
            "shop_name": settings.display_name,
            "color": settings.brand_color,
            "cards": [
                (card, mark_safe(qr_svg(card.url, caption=False).decode()))  # noqa: S308 - drawn by us from our own link
                for card in order_cards(shop=shop, order_ids=read["orders"])
            ],
        },
    )
    return HttpResponse(html, headers=HEADERS)


def _is_staff_of(shop: Shop, header: str) -> bool:
    try:
        return verify_admin_token(header.partition(" ")[2].strip()).shop == shop.domain
    except InvalidIdToken:
        return False


def _plain(sentence: str, status: int) -> HttpResponse:
    return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8", headers=HEADERS)
