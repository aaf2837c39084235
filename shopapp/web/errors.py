"""What a browser is shown where nothing is, and where something of ours broke: a way back, never a bare line."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from shopapp.shopify.id_tokens import is_shop_domain

from .embedded import embedded_headers, frame_query

LOST = (404, "This is no longer here", "It may have been deleted, or joined with another one. Look for it in the list.")
BROKEN = (500, "Something went wrong on our side", "Nothing was lost. Please try again in a minute.")


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, *LOST)


def broken(request: HttpRequest) -> HttpResponse:
    return _answer(request, *BROKEN)


def _answer(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if not (request.path == "/app" or request.path.startswith("/app/")):
        return HttpResponse(title, status=status, content_type="text/plain; charset=utf-8")
    shop = getattr(request, "shop", None)
    domain = shop.domain if shop is not None else request.GET.get("shop", "")
    if not is_shop_domain(domain):
        return HttpResponse(title, status=status, content_type="text/plain; charset=utf-8")
    if request.method not in ("GET", "HEAD"):  # a form of the page, which says it and keeps what was typed
        return embedded_headers(JsonResponse({"message": f"{title}. {text}", "errors": {}}, status=status), domain)
    values = {
        "title": title,
        "text": text,
        "suffix": f"?{frame_query(request, domain)}",
        "cdn": settings.SHOPIFY_CDN_ORIGIN,
        "api_key": settings.SHOPIFY_API_KEY,
    }
    return embedded_headers(HttpResponse(render_to_string("pages/error.html", values), status=status), domain)
