"""What comes through the shop's own domain (/apps/chat/...): links of this app, for merchants who prefer that look."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from shopapp.shopify import app_proxy


def proxied_link(request: HttpRequest, code: str) -> HttpResponse:
    """Leads to the same code at our own address. The code is limited by its URL pattern: no open redirect."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    try:
        app_proxy.verify({name: request.GET.getlist(name) for name in request.GET})
    except app_proxy.ForgedRequest:
        return HttpResponse("This address works only through the shop.", status=401, content_type="text/plain")
    return HttpResponseRedirect(f"{settings.APP_URL}/c/{code}", headers={"Cache-Control": "no-store"})
