"""POST /webhooks/shopify, every topic: verify the raw body, one INSERT, 200. What the news means is a job's business.

`accept` is shared by two doors: `door`, a bare WSGI callable that shopapp/wsgi.py puts in front of Django (less than
half the CPU), and `shopify_webhook`, the same as a Django view.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from django.http import HttpRequest, HttpResponse

from shopapp.models import WebhookSource
from shopapp.shopify.webhooks import is_genuine
from shopapp.web.intake import IntakeClosed, moment_or_none, save_incoming

PATH = "/webhooks/shopify"
MAX_BYTES = 5 * 1024 * 1024  # an order of 500 lines is about 1.5 MB


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def accept(meta: Mapping[str, Any], stream: Readable) -> HTTPStatus:
    """`meta`: the WSGI environment. Unknown topics and unknown shops are stored and answered 200 like any other."""
    if meta.get("REQUEST_METHOD") != "POST":
        return HTTPStatus.METHOD_NOT_ALLOWED
    length = str(meta.get("CONTENT_LENGTH") or "")
    if not (length.isascii() and length.isdigit()):
        return HTTPStatus.LENGTH_REQUIRED
    if len(length) > 9 or int(length) > MAX_BYTES:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    signature = meta.get("HTTP_X_SHOPIFY_HMAC_SHA256", "")
    topic = meta.get("HTTP_X_SHOPIFY_TOPIC", "")
    shop = meta.get("HTTP_X_SHOPIFY_SHOP_DOMAIN", "").lower()
    if not signature or not topic or not shop:
        return HTTPStatus.BAD_REQUEST
    body = _read(stream, int(length))
    if not is_genuine(body, signature):
        return HTTPStatus.UNAUTHORIZED
    webhook_id = meta.get("HTTP_X_SHOPIFY_WEBHOOK_ID", "")
    event_id = meta.get("HTTP_X_SHOPIFY_EVENT_ID", "") or webhook_id or hashlib.sha256(body).hexdigest()
    if len(topic) > 100 or len(shop) > 255 or len(event_id) > 128 or len(webhook_id) > 128:
        return HTTPStatus.BAD_REQUEST
    try:
        save_incoming(
            source=WebhookSource.SHOPIFY,
            account=shop,
            topic=topic.lower(),
            event_id=event_id,
            webhook_id=webhook_id,
            triggered_at=moment_or_none(meta.get("HTTP_X_SHOPIFY_TRIGGERED_AT", "")),
            body=body,
        )
    except IntakeClosed:
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.OK


def _read(stream: Readable, length: int) -> bytes:
    chunks = []
    while length > 0:
        chunk = stream.read(length)
        if not chunk:
            break
        chunks.append(chunk)
        length -= len(chunk)
    return b"".join(chunks)


def shopify_webhook(request: HttpRequest) -> HttpResponse:
    status = accept(request.META, request)
    response = HttpResponse(status=status, content_type="text/plain")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        response["Allow"] = "POST"
    return response


def door(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    status = accept(environ, environ["wsgi.input"])
    headers = [("Content-Type", "text/plain"), ("Content-Length", "0")]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append(("Allow", "POST"))
    start_response(f"{status.value} {status.phrase}", headers)
    return [b""]
