"""What the checkout and account extensions ask. The ID token proves shop and app, never the order (shopify.md, 1.3).

The order id in the body is whatever the page says. Only the checkout token, which nobody can guess, ties the link to an
order, or a customer who has signed in; without either the answer is the shop-wide link. No Admin call, and nothing
personal in the answer but to the customer who has signed in.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpResponse, JsonResponse
from pydantic import ConfigDict, Field, ValidationError, field_validator

from post_purchase.channels.registry import driver_for
from post_purchase.printing.qr import capital_url
from post_purchase.services import checkout_consent, link_limits, links, order_view
from post_purchase.services.checkout_config import words_in
from post_purchase.services.taps import look_up
from post_purchase.touchpoints.choose import choose, offered
from post_purchase.touchpoints.texts import chat_texts, consent_version, pick_language
from post_purchase.words import ChannelKind, TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import grouped
from shopapp.lib.storable import FromOutside
from shopapp.models import Shop
from shopapp.web.embedded import BuyerRequest, buyer_required

MAX_BODY = 4096  # bytes
LONGEST_ID = 19  # digits of a 64-bit number
NUMBER = re.compile(r"(\d+)$")
CHECKOUT_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")


class Asked(FromOutside):
    """The extension's question. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore")
    order_id: str = Field("", max_length=128)  # gid://shopify/Order/1 or gid://shopify/OrderIdentity/1
    checkout_token: str = Field("", max_length=255)
    language: str = Field("", max_length=35)
    country: str = Field("", max_length=8)
    has_phone: bool | None = None  # None: the page may not see it

    @field_validator("order_id", "checkout_token", "language", "country", mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: Any) -> Any:
        return "" if value is None else value

    @property
    def order_number(self) -> int | None:
        found = NUMBER.search(self.order_id)
        return int(found.group(1)) if found and len(found.group(1)) < LONGEST_ID else None

    @property
    def token(self) -> str:
        """The checkout token, or nothing where it cannot be one."""
        return self.checkout_token if CHECKOUT_TOKEN.fullmatch(self.checkout_token) else ""


class Ticked(Asked):
    """The answer to the question for news. The words are named by their version and are ours, never the page's."""

    kind: ChannelKind
    version: str = Field(max_length=32)
    granted: bool
    surface: TouchpointKind = TouchpointKind.THANK_YOU_PAGE


Question = TypeVar("Question", bound=Asked)


def asked_by_post(model: type[Question]) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """A buyer's POST with a small JSON body of this shape."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @buyer_required
        @wraps(view)
        def guarded(request: BuyerRequest) -> HttpResponse:
            if request.method != "POST":
                return _error("Only POST", 405)
            if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY or len(request.body) > MAX_BODY:
                return _error("The question is too long", 413)
            try:
                asked = model.model_validate_json(request.body)
            except ValidationError:
                return _error("The question cannot be read", 400)
            try:
                return view(request, asked)
            except link_limits.TooManyLinks:
                return _error("This page has asked too often", 429)

        return guarded

    return decorate


@asked_by_post(Asked)
def thank_you(request: BuyerRequest, asked: Asked) -> HttpResponse:
    shop = request.shop
    view = _view(request, asked) if asked.token else None
    expected = order_view.expected_on(view.order) if view else ""
    return JsonResponse(
        answer(request, asked, TouchpointKind.THANK_YOU_PAGE)
        | {"expected": expected, "consent": _question(shop, asked, view)}
    )


@asked_by_post(Asked)
def order_status(request: BuyerRequest, asked: Asked) -> HttpResponse:
    shop = request.shop
    view = _view(request, asked)
    body = answer(request, asked, TouchpointKind.ORDER_STATUS_PAGE, view)
    return JsonResponse(
        body
        | {
            "order": _told(view, body["language"]) if view else None,
            "consent": _question(shop, asked, view),
        }
    )


@asked_by_post(Ticked)
def consent(request: BuyerRequest, ticked: Ticked) -> HttpResponse:
    """Only with the checkout token: a tick belongs to one order, and an order id can be guessed.

    Where the order has come meanwhile and has no address on that network, `consent` is the question that can hold.
    """
    if not ticked.token:
        return _error("The checkout token is missing", 400)
    if ticked.kind not in checkout_consent.ASKED_FOR:
        return _error("This is not asked for", 400)
    if ticked.version != consent_version():
        return _error("The question has changed; load the page again", 409)
    try:
        checkout_consent.save_tick(
            shop=request.shop,
            checkout_token=ticked.token,
            kind=ticked.kind,
            granted=ticked.granted,
            language=ticked.language,
            surface=ticked.surface,
        )
    except checkout_consent.TooManyChanges:
        return _error("Too many changes", 429)
    view = _view(request, ticked)
    again = _question(request.shop, ticked, view) if view and ticked.granted else None
    moved = again is not None and again["kind"] != ticked.kind
    return JsonResponse({"granted": ticked.granted} | ({"consent": again} if moved else {}))


def _told(view: order_view.OrderView, language: str) -> dict[str, Any]:
    told = order_view.told(view, language=language)
    return told | {"review_url": links.link_url(links.review_link(view.order)[1]) if told["review"] else ""}


@asked_by_post(Asked)
def chat(request: BuyerRequest, asked: Asked) -> HttpResponse:
    """The chat overlay's page: which room it is, and the code of the order that was just placed."""
    if not asked.token:
        return _error("The checkout token is missing", 400)
    code = answer(request, asked, TouchpointKind.THANK_YOU_PAGE)["code"]
    tap = look_up(code, now=clock.now())
    room = tap.channels.get(ChannelKind.WEBCHAT) if tap else None
    if tap is None or room is None:
        return _error("This shop does not chat here now", 404)
    language = pick_language(asked.language, tap.language, tap.shop_language)
    return JsonResponse(
        {
            "room": room.pk,
            "code": tap.code,
            "shop": tap.shop_name,
            "color": tap.color,
            "language": language,
            "texts": chat_texts(language),
        }
    )


def answer(
    request: BuyerRequest, asked: Asked, kind: TouchpointKind, view: order_view.OrderView | None = None
) -> dict[str, Any]:
    """Channels best first, each with our own link (counted, and re-routed when the merchant changes something)."""
    shop = request.shop
    if asked.token and _may_have_its_own(request, asked, kind):
        _, code = links.link_for_checkout(
            shop=shop,
            checkout_token=asked.token,
            order_shopify_id=asked.order_number,
            language=asked.language,
            country=asked.country.upper() if len(asked.country) == 2 else "",
            kind=kind,
        )
    elif view and view.signed_in:
        _, code = links.link_for_order(touchpoint=links.touchpoint_of(shop=shop, kind=kind), order=view.order)
    else:
        _, code = links.shop_link(touchpoint=links.touchpoint_of(shop=shop, kind=kind))
    tap = look_up(code, now=clock.now())
    url = links.link_url(code)
    language = pick_language(asked.language, tap.shop_language if tap else "")
    kinds: tuple[str, ...] = ()
    if tap and tap.installed and not tap.expired:
        choice = choose(
            connected=tap.channels,
            fixed=tap.fixed,
            earlier=tap.earlier,
            route=tap.route,
            merchant_order=tap.merchant_order,
            country=tap.country or asked.country or tap.shop_country,
        )
        kinds = offered(choice.ranked)
    words = words_in(shop, asked.language or language)
    return {
        "heading": words.get("heading", ""),
        "text": words.get("text", ""),
        "language": language,
        "channels": [
            {"kind": kind, "label": str(driver_for(kind).kind.label), "url": f"{url}?via={kind}"} for kind in kinds
        ],
        "url": url,
        "qr_url": capital_url(url),
        "code": grouped(code),
    }


def _may_have_its_own(request: BuyerRequest, asked: Asked, kind: TouchpointKind) -> bool:
    code = links.checkout_code(shop=request.shop, checkout_token=asked.token, kind=kind)
    return link_limits.count_new_link(shop=request.shop, code=code, token_id=request.buyer.token_id)


def _view(request: BuyerRequest, asked: Asked) -> order_view.OrderView | None:
    return order_view.find_order(
        shop=request.shop,
        checkout_token=asked.token,
        order_shopify_id=asked.order_number,
        customer_id=request.buyer.customer_id,
    )


def _question(shop: Shop, asked: Asked, view: order_view.OrderView | None) -> dict[str, Any] | None:
    if not asked.token:
        return None
    question = checkout_consent.question_for(
        shop=shop,
        checkout_token=asked.token,
        order=view.order if view else None,
        language=asked.language,
        has_phone=asked.has_phone,
    )
    if question is None:
        return None
    return {
        "kind": question.kind,
        "question": question.text,
        "version": question.version,
        "language": question.language,
        "granted": question.granted,
    }


def _error(message: str, status: int) -> JsonResponse:
    return JsonResponse({"error": message}, status=status)
