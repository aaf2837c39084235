"""GET /qr/<code>.svg or .png: the picture of a code, for packing slips. Whether the code exists is not told.

It draws only addresses of our own, so it is no picture service for others; what cannot be a code is not drawn.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from post_purchase.printing.qr import quick_matrix, quick_png, quick_svg
from post_purchase.touchpoints.codes import CODE_LENGTHS, read_code

HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
TYPES = {"svg": "image/svg+xml", "png": "image/png"}


@require_safe
def picture(request: HttpRequest, name: str) -> HttpResponse:
    code, _, form = name.rpartition(".")
    read = read_code(code) if form in TYPES else None
    if read is None or len(read.code) not in CODE_LENGTHS:
        return HttpResponse("There is no such picture.", status=404, content_type="text/plain")
    rows = quick_matrix(f"{settings.APP_URL}/c/{read.code}")
    data = quick_png(rows) if form == "png" else quick_svg(rows, title="QR code")
    return HttpResponse(data, content_type=TYPES[form], headers=HEADERS)
