"""POST /shopify-flow/start: the action "Start a Doorstep flow" of Shopify Flow (extensions/flow-action).

Signed like a webhook (shopify.dev, "Create Flow action endpoints"). Shopify calls again for up to 36 hours after 429
and 5xx; a 4xx is shown to the merchant in the log of the workflow. One run of an action has one `action_run_id`, also
when it is sent twice.
"""

import logging

from django.http import HttpRequest, HttpResponse, JsonResponse
from pydantic import ConfigDict, Field, ValidationError, field_validator

from post_purchase.flows.starting import CannotStart, ask_to_start
from post_purchase.words import EventKind
from shopapp.lib.storable import FromOutside
from shopapp.models import Shop
from shopapp.shopify.webhooks import is_genuine

from .asked import customer_named, order_named

log = logging.getLogger("post_purchase.shopify_flow")
MAX_BODY = 16 * 1024  # bytes


class Properties(FromOutside):
    model_config = ConfigDict(extra="ignore")
    flow: str = Field(min_length=1, max_length=64)
    order_id: str = Field("", max_length=64)
    customer_id: str = Field("", max_length=64)

    @field_validator("order_id", "customer_id", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> str:
        return "" if value is None else str(value)

    @field_validator("flow", mode="before")
    @classmethod
    def _as_merchants_type(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value


class Action(FromOutside):
    model_config = ConfigDict(extra="ignore")
    shopify_domain: str = Field(max_length=255)
    action_run_id: str = Field(min_length=1, max_length=128)
    properties: Properties


def start(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _answer("Only POST", 405, Allow="POST")
    length = request.META.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdigit()):
        return _answer("The length is missing", 411)
    if len(length) > 9 or int(length) > MAX_BODY:
        return _answer("The request is too large", 413)
    if not is_genuine(request.body, request.headers.get("X-Shopify-Hmac-Sha256", "")):
        return _answer("The signature does not fit", 401)
    try:
        action = Action.model_validate_json(request.body)
    except ValidationError:
        return _answer("Fill in the key of the flow", 422)
    shop = Shop.objects.filter(domain=action.shopify_domain.lower()).first()
    if shop is None or not shop.is_installed:
        return _answer("This shop does not use Doorstep", 404)
    return _start(shop, action)


def _start(shop: Shop, action: Action) -> HttpResponse:
    asked = action.properties
    order = order_named(shop, asked.order_id) if asked.order_id else None
    contact = customer_named(shop, asked.customer_id) if asked.customer_id else None
    if asked.order_id and order is None:
        return _later("The order is not here yet")
    if asked.customer_id and contact is None and order is None:
        return _answer("Doorstep does not know this customer. People are known once they have ordered.", 422)
    try:
        ask_to_start(
            shop=shop,
            flow_key=asked.flow,
            kind=EventKind.SHOPIFY_FLOW,
            dedupe_key=action.action_run_id,
            order=order,
            contact=contact,
        )
    except CannotStart as error:
        log.info("shopify_flow.refused", extra={"shop": shop.pk})
        return _answer(str(error), 422)
    return _answer("", 200)


def _later(words: str) -> HttpResponse:
    """A workflow on "order created" may be faster than the webhook of the same order."""
    return _answer(words, 503, **{"Retry-After": "60"})


def _answer(words: str, status: int, **headers: str) -> HttpResponse:
    return JsonResponse({"message": words} if words else {}, status=status, headers=headers)
