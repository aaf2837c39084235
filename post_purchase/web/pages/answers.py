"""How a page answers: HTML drawn in the shop's time zone, or a small JSON word to static/app.js after a write."""

import hashlib
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils import timezone

from shopapp.models import Shop
from shopapp.web.embedded import ShopRequest

PER_PAGE = 25


def zone_of(shop: Shop) -> ZoneInfo:
    try:
        return ZoneInfo(shop.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def draw(request: ShopRequest, template: str, **context: Any) -> str:
    """The template's HTML; times in it are the shop's."""
    shared = {
        "shop": request.shop,
        "suffix": f"?{request.frame_query}",
        "more": f"&{request.frame_query}",
        "cdn": settings.SHOPIFY_CDN_ORIGIN,
        "api_key": settings.SHOPIFY_API_KEY,
    }
    with timezone.override(zone_of(request.shop)):
        return render_to_string(template, shared | context, request=request)


def page(request: ShopRequest, template: str, **context: Any) -> HttpResponse:
    return HttpResponse(draw(request, template, **context))


def mark_of(html: str) -> str:
    return f'"{hashlib.sha256(html.encode()).hexdigest()[:24]}"'


def live(request: ShopRequest, html: str) -> HttpResponse:
    """For a part of a page that asks again and again: 304 when it has this already."""
    mark = mark_of(html)
    if request.headers.get("If-None-Match") == mark:
        return HttpResponse(status=304, headers={"ETag": mark})
    return HttpResponse(html, headers={"ETag": mark})


def saved(toast: str = "", *, go: str = "", html: str = "") -> JsonResponse:
    """The write is done. Without `go` the page is drawn anew where it stands, or only the part that `html` is for."""
    return JsonResponse({"toast": toast, "go": go} | ({"html": html} if html else {}))


def refused(
    message: str = "", *, form: Form | None = None, errors: dict[str, str] | None = None, status: int = 422
) -> JsonResponse:
    """Nothing was changed. Field errors are shown at the fields; what was typed stays."""
    errors = dict(errors or {})
    if form is not None:
        errors |= {name: " ".join(map(str, found)) for name, found in form.errors.items()}
    if not message and "__all__" in errors:
        message = errors["__all__"]
    return JsonResponse({"message": message, "errors": errors}, status=status)


def paged(request: ShopRequest, rows: QuerySet[Any]) -> Page[Any]:
    """The asked page; a page number out of range gives the nearest."""
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
