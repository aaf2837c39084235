"""Stored files by their signed addresses: short-lived ones for our own pages, lasting ones of published reviews."""

import logging
import re
from pathlib import PurePosixPath

from django.core.files.base import File
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from post_purchase.services import guide_pictures
from post_purchase.services.file_safety import PLAYABLE, TYPES
from post_purchase.services.media import read_public, read_signed
from shopapp.lib import stored_files

log = logging.getLogger("post_purchase.media")
MOST_AT_ONCE = 1_000_000  # bytes of a part that a player asks for
_RANGE = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")
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
    return _answer(read_signed(signed), HEADERS, wanted=request.headers.get("Range", ""))


@require_safe
def review_photo(request: HttpRequest, signed: str) -> HttpResponseBase:
    return _answer(read_public(signed), PUBLIC_HEADERS)


@require_safe
def guide_picture(request: HttpRequest, signed: str) -> HttpResponseBase:
    return _answer(guide_pictures.read(signed), PUBLIC_HEADERS)


def _answer(name: str | None, headers: dict[str, str], *, wanted: str = "") -> HttpResponseBase:
    try:
        content = stored_files.open_file(name) if name else None  # None too: erased this very moment
        suffix = PurePosixPath(name or "").suffix
        if content is not None and suffix in PLAYABLE:
            return _played(content, PLAYABLE[suffix], headers | {"Accept-Ranges": "bytes"}, wanted)
    except OSError:
        log.exception("media.away")
        away = headers | {"Cache-Control": "no-store", "Retry-After": "30"}
        return HttpResponse("This file cannot be read now.", status=503, content_type="text/plain", headers=away)
    if content is None:
        gone = headers | {"Cache-Control": "no-store"}
        return HttpResponse("This file is no longer here.", status=404, content_type="text/plain", headers=gone)
    if suffix == ".pdf":  # taken down, never opened at our own address
        return FileResponse(
            content, as_attachment=True, filename="document.pdf", content_type=TYPES[suffix], headers=headers
        )
    return FileResponse(content, content_type="image/jpeg", headers=headers)


def _played(content: "File[bytes]", kind: str, headers: dict[str, str], wanted: str) -> HttpResponseBase:
    """Players ask for parts; Safari plays nothing that is not given in parts (RFC 9110, section 14)."""
    found = _RANGE.fullmatch(wanted.strip())
    if not found or int(found[2] or found[1]) < int(found[1]):
        return FileResponse(content, content_type=kind, headers=headers)
    with content:
        first, size = int(found[1]), content.size
        if first >= size:
            return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
        last = min(int(found[2] or size - 1), size - 1, first + MOST_AT_ONCE - 1)
        content.seek(first)
        part = content.read(last - first + 1)
    headers |= {"Content-Range": f"bytes {first}-{last}/{size}"}
    return HttpResponse(part, status=206, content_type=kind, headers=headers)
