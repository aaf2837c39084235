"""What the checkout extensions ask. The ID token proves the shop and the app, never the order (shopify.md, 1.3).

The order id in the body is whatever the page says. Only the checkout token, which nobody can guess, ties the link to an
order; without one the answer is the shop-wide link. No Admin call, nothing personal in the answer.
"""

import re
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from post_purchase.channels.registry import driver_for
from post_purchase.printing.qr import capital_url
from post_purchase.services import links
from post_purchase.services.taps import look_up
from post_purchase.touchpoints.choose import choose
from post_purchase.touchpoints.texts import pick_language, texts_in
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import grouped
from shopapp.models import Shop
from shopapp.web.embedded import buyer_required

MAX_BODY = 4096  # bytes
LONGEST_ID = 19  # digits of a 64-bit number
NUMBER = re.compile(r"(\d+)$")
CHECKOUT_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")


class Asked(BaseModel):
    """The extension's question. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore")
    order_id: str = Field("", max_length=128)  # gid://shopify/Order/1 or gid://shopify/OrderIdentity/1
    checkout_token: str = Field("", max_length=255)
    language: str = Field("", max_length=35)
    country: str = Field("", max_length=8)

    @field_validator("order_id", "checkout_token", "language", "country", mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: Any) -> Any:
        return "" if value is None else value

    @property
    def order_number(self) -> int | None:
        found = NUMBER.search(self.order_id)
        return int(found.group(1)) if found and len(found.group(1)) < LONGEST_ID else None


@buyer_required
def thank_you(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _error("Only POST", 405)
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY or len(request.body) > MAX_BODY:
        return _error("The question is too long", 413)
    try:
        asked = Asked.model_validate_json(request.body)
    except ValidationError:
        return _error("The question cannot be read", 400)
    return JsonResponse(answer(request.shop, asked))  # type: ignore[attr-defined]


def answer(shop: Shop, asked: Asked) -> dict[str, Any]:
    """Channels best first, each with our own link (counted, and re-routed when the merchant changes something)."""
    if CHECKOUT_TOKEN.fullmatch(asked.checkout_token):
        _, code = links.link_for_checkout(
            shop=shop,
            checkout_token=asked.checkout_token,
            order_shopify_id=asked.order_number,
            language=asked.language,
            country=asked.country.upper() if len(asked.country) == 2 else "",
        )
    else:
        _, code = links.shop_link(touchpoint=links.touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE))
    tap = look_up(code, now=clock.now())
    url = links.link_url(code)
    language = pick_language(asked.language, tap.shop_language if tap else "")
    kinds: tuple[str, ...] = ()
    if tap and tap.installed and not tap.expired:
        kinds = choose(
            connected=tap.channels,
            fixed=tap.fixed,
            earlier=tap.earlier,
            route=tap.route,
            merchant_order=tap.merchant_order,
            country=tap.country or asked.country or tap.shop_country,
        ).ranked
    return {
        "heading": texts_in(language)["choose_title"],
        "language": language,
        "channels": [
            {"kind": kind, "label": str(driver_for(kind).kind.label), "url": f"{url}?via={kind}"} for kind in kinds
        ],
        "url": url,
        "qr_url": capital_url(url),
        "code": grouped(code),
    }


def _error(message: str, status: int) -> JsonResponse:
    return JsonResponse({"error": message}, status=status)
