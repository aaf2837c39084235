"""Stored photos by their signed addresses: short-lived ones for our own pages, lasting ones of published reviews."""

import logging

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from post_purchase.services import guide_pictures
from post_purchase.services.media import read_public, read_signed
from shopapp.lib import stored_files

log = logging.getLogger("post_purchase.media")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, max-age=3600",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}


PUBLIC_HEADERS = HEADERS | {
    "Cache-Control": "public, max-age=3600",  # a hidden review's photo is gone from every cache after an hour
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}


@require_safe
def photo(request: HttpRequest, signed: str) -> HttpResponseBase:
    return _answer(read_signed(signed), HEADERS)


@require_safe
def review_photo(request: HttpRequest, signed: str) -> HttpResponseBase:
    return _answer(read_public(signed), PUBLIC_HEADERS)


@require_safe
def guide_picture(request: HttpRequest, signed: str) -> HttpResponseBase:
    return _answer(guide_pictures.read(signed), PUBLIC_HEADERS)


def _answer(name: str | None, headers: dict[str, str]) -> HttpResponseBase:
    try:
        content = stored_files.open_file(name) if name else None  # None too: erased this very moment
    except OSError:
        log.exception("media.away")
        away = headers | {"Cache-Control": "no-store", "Retry-After": "30"}
        return HttpResponse("This picture cannot be read now.", status=503, content_type="text/plain", headers=away)
    if content is None:
        gone = headers | {"Cache-Control": "no-store"}
        return HttpResponse("This picture is no longer here.", status=404, content_type="text/plain", headers=gone)
    return FileResponse(content, content_type="image/jpeg", headers=headers)
