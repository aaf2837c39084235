"""POST /api/flows/<key>/start: a merchant's own system starts a flow (docs/api.md)."""

import re

from django.http import HttpRequest, HttpResponse, JsonResponse
from pydantic import ConfigDict, Field, ValidationError

from post_purchase.flows.starting import CannotStart, ask_to_start
from post_purchase.services.api_tokens import seconds_to_wait, shop_of
from post_purchase.words import EventKind
from shopapp.lib.crypto import hash_secret
from shopapp.lib.storable import FromOutside
from shopapp.models import Shop

from .asked import customer_named, order_named

MAX_BODY = 4096  # bytes
FLOW_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,100}")


class Asked(FromOutside):
    """Unknown fields are refused: a misspelt one would start the flow for nobody."""

    model_config = ConfigDict(extra="forbid")
    order: str = Field("", max_length=64)
    customer: str = Field("", max_length=64)


def start_flow(request: HttpRequest, key: str) -> HttpResponse:
    if request.method != "POST":
        return _error("Only POST", 405, Allow="POST")
    shop = shop_of(_bearer(request))
    if shop is None:
        return _error(
            "A token of Doorstep is needed: make one in Settings, Connections", 401, **{"WWW-Authenticate": "Bearer"}
        )
    if wait := seconds_to_wait(shop):
        return _error("Too many calls in this minute", 429, **{"Retry-After": str(wait)})
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MAX_BODY or len(request.body) > MAX_BODY:
        return _error(f"The body is longer than {MAX_BODY} bytes", 413)
    repeat = request.headers.get("Idempotency-Key", "")
    if not IDEMPOTENCY_KEY.fullmatch(repeat):
        return _error("Send a header Idempotency-Key: a repeated call with the same one starts nothing twice", 400)
    if not FLOW_KEY.fullmatch(key):
        return _error("There is no flow with this key. The list of flows shows each key.", 404)
    try:
        asked = Asked.model_validate_json(request.body)
    except ValidationError:
        return _error('The body must be JSON like {"order": "#1001"} or {"customer": "gid://shopify/Customer/1"}', 400)
    return _start(shop, key, asked, repeat)


def _start(shop: Shop, key: str, asked: Asked, repeat: str) -> HttpResponse:
    order = order_named(shop, asked.order) if asked.order else None
    if asked.order and order is None:
        return _error("Doorstep does not know this order. It may come in a moment: try again.", 404)
    contact = customer_named(shop, asked.customer) if asked.customer else None
    if asked.customer and contact is None:
        return _error("Doorstep does not know this customer. People are known once they have ordered.", 404)
    if order is None and contact is None:
        return _error("Name an order, a customer, or both", 400)
    try:
        event = ask_to_start(
            shop=shop,
            flow_key=key,
            kind=EventKind.API_CALLED,
            dedupe_key=hash_secret(f"{key}\0{repeat}"),  # hashed: a key may hold anything, also an address
            order=order,
            contact=contact,
        )
    except CannotStart as error:
        return _error(str(error), 409)
    return JsonResponse({"accepted": True, "event": event.pk}, status=202, headers={"Cache-Control": "no-store"})


def _bearer(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _error(words: str, status: int, **headers: str) -> HttpResponse:
    return JsonResponse({"error": words}, status=status, headers={"Cache-Control": "no-store", **headers})
