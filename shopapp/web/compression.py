"""What a shopper's phone loads first goes over the wire compressed: the chat page, scripts and styles."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

COMPRESSED = ("/static/", "/chat/")


class CompressionMiddleware(GZipMiddleware):
    """Only where no secret stands beside what a stranger can choose; Django adds random padding (BREACH)."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.status_code != 200 or not request.path.startswith(COMPRESSED):
            return response  # a part of a file (206) would not fit its Content-Range any more
        return super().process_response(request, response)
