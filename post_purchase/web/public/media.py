"""A stored photo by its signed, short-lived address. Pages make the addresses; nobody can guess one."""

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from post_purchase.services.media import read_signed

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, max-age=3600",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}


@require_safe
def photo(request: HttpRequest, signed: str) -> HttpResponseBase:
    file = read_signed(signed)
    try:
        content = file.open("rb") if file else None
    except FileNotFoundError:  # erased this very moment
        content = None
    if content is None:
        return HttpResponse("This picture is no longer here.", status=404, content_type="text/plain", headers=HEADERS)
    return FileResponse(content, content_type="image/jpeg", headers=HEADERS)
