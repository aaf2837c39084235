"""Pages inside the Shopify admin, calls from extensions: who calls is said by an ID token, never by a cookie.

A document that Shopify opens carries `id_token` in its URL; links inside the iframe carry nothing, so such a request is
sent to a page with nothing but App Bridge, which loads the wanted page again with a fresh token. Writes need the Bearer
header: a form of another site cannot send it, which is why there is no CSRF cookie.
"""

import logging
from collections.abc import Callable
from functools import wraps
from html import escape
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.utils.cache import patch_vary_headers

from shopapp.lib.storable import storable
from shopapp.models import Shop
from shopapp.shopify.errors import AdminApiError
from shopapp.shopify.id_tokens import BuyerToken, InvalidIdToken, is_shop_domain, verify_admin_token, verify_buyer_token
from shopapp.shopify.install import install_or_refresh, needs_exchange

log = logging.getLogger("shopapp.embedded")
PATCH_PATH = "/app/patch-id-token"
KEPT = ("shop", "host", "embedded", "locale")  # App Bridge needs them on every document
MAX_BODY = 16 * 1024
View = Callable[..., HttpResponse]


class ShopRequest(HttpRequest):
    """What a view under @shop_required gets."""

    shop: Shop
    shop_user: str  # Shopify's user id
    frame_query: str  # "shop=...&host=...": append it to links inside the iframe


class BuyerRequest(HttpRequest):
    """What a view under @buyer_required gets."""

    shop: Shop
    buyer: BuyerToken


def shop_required(view: View) -> View:
    """Lets a member of staff of an installed shop in, installing the shop at the first load."""

    @wraps(view)
    def guarded(request: ShopRequest, *args: object, **kwargs: object) -> HttpResponse:
        bearer = _bearer(request)
        safe = request.method in ("GET", "HEAD")
        token = bearer or (request.GET.get("id_token", "") if safe else "")
        try:
            admin = verify_admin_token(token)
            shop = _shop_of(admin.shop, token)
        except InvalidIdToken as error:
            log.info("embedded.no_token", extra={"why": str(error), "bearer": bool(bearer)})
            return _bounce(request) if safe and not bearer else _try_again()
        except AdminApiError as error:
            log.warning("embedded.not_installed", extra={"why": error.code})
            page = _page("Shopify did not answer", "Please load this page again in a minute.", status=503)
            return embedded_headers(page, admin.shop)
        request.shop, request.shop_user = shop, admin.user_id
        request.frame_query = frame_query(request, shop.domain)
        request.GET = _storable(request.GET)  # type: ignore[assignment]  # the stubs know only their own kind
        if request.method == "POST":
            request.POST = _storable(request.POST)  # type: ignore[assignment]
        return embedded_headers(view(request, *args, **kwargs), shop)

    return guarded


def _shop_of(domain: str, token: str) -> Shop:
    """A shop that is installed can be shown also while Shopify gives no tokens."""
    shop = Shop.objects.filter(domain=domain).first()
    if shop is not None and not needs_exchange(shop):
        return shop
    try:
        return install_or_refresh(domain, token)
    except AdminApiError:
        if shop is not None and shop.is_installed:
            return shop
        raise


def embedded_headers(response: HttpResponse, shop: Shop | str) -> HttpResponse:
    """May be framed by this shop's admin only; is kept by no cache."""
    domain = shop if isinstance(shop, str) else shop.domain
    ancestors = [f"https://{domain}", "https://admin.shopify.com"]
    if settings.DEMO and settings.DEMO_WORLD_URL:
        ancestors.append("/".join(settings.DEMO_WORLD_URL.split("/")[:3]))
    response["Content-Security-Policy"] = f"frame-ancestors {' '.join(ancestors)}; base-uri 'none'; object-src 'none'"
    response.setdefault("Cache-Control", "private, no-store")
    patch_vary_headers(response, ["Authorization"])
    if response.get("Content-Type", "").startswith("text/html"):
        cdn = settings.SHOPIFY_CDN_ORIGIN
        response["Link"] = f"<{cdn}>; rel=preconnect, <{cdn}/shopifycloud/app-bridge.js>; rel=preload; as=script"
    return response


def into_the_app(request: HttpRequest, rest: str) -> HttpResponse:
    """Links into the app from outside (`app:conversations/1` in an extension, /apps/<client id>/app/... in a mail).

    Shopify's documents do not say whether they are counted from the app's host or from `application_url`, which is
    /app here; so both end in the same place. Only a path on this host, with the query that it came with.
    """
    query = request.META.get("QUERY_STRING", "")
    inner = rest.removeprefix("app/") if rest.startswith("app/") else "" if rest == "app" else rest
    return HttpResponseRedirect(f"/app/{inner}".rstrip("/") + (f"?{query}" if query else ""))


def patch_id_token(request: HttpRequest) -> HttpResponse:
    """Nothing but App Bridge: it loads `shopify-reload` again with a fresh ID token."""
    shop, wanted = request.GET.get("shop", ""), request.GET.get("shopify-reload", "")
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    if not is_shop_domain(shop) or not (wanted == "/app" or wanted.startswith(("/app/", "/app?"))):
        return _open_from_admin()
    key, cdn = escape(settings.SHOPIFY_API_KEY), escape(settings.SHOPIFY_CDN_ORIGIN)
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Doorstep</title>'
        f'<meta name="shopify-api-key" content="{key}">'
        f'<script data-api-key="{key}" src="{cdn}/shopifycloud/app-bridge.js"></script>'
        "</head><body></body></html>"
    )
    return embedded_headers(HttpResponse(html), shop)


def buyer_required(view: View) -> View:
    """For calls of a checkout or account extension: any origin, no cookie, a buyer's token, JSON of at most 16 KB."""

    @wraps(view)
    def guarded(request: BuyerRequest, *args: object, **kwargs: object) -> HttpResponse:
        return _open_to_all(_answer_buyer(view, request, *args, **kwargs))

    return guarded


def _answer_buyer(view: View, request: BuyerRequest, *args: object, **kwargs: object) -> HttpResponse:
    if request.method == "OPTIONS":
        return HttpResponse(status=204)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MAX_BODY:
        return JsonResponse({"error": "The request is too large"}, status=413)
    try:
        request.buyer = verify_buyer_token(_bearer(request))
    except InvalidIdToken as error:
        log.info("buyer.no_token", extra={"why": str(error)})
        return JsonResponse({"error": "A valid session token is needed"}, status=401)
    shop = Shop.objects.filter(domain=request.buyer.shop).first()
    if shop is None or not shop.is_installed:
        return JsonResponse({"error": "This shop does not use Doorstep"}, status=404)
    request.shop = shop
    return view(request, *args, **kwargs)


def staff_required(view: View) -> View:
    """For calls of an admin extension: any origin, no cookie, the Bearer token of a member of staff, at most 16 KB.

    Unlike @shop_required it never takes a token from the URL, installs nothing and answers JSON only.
    """

    @wraps(view)
    def guarded(request: ShopRequest, *args: object, **kwargs: object) -> HttpResponse:
        return _open_to_all(_answer_staff(view, request, *args, **kwargs))

    return guarded


def _answer_staff(view: View, request: ShopRequest, *args: object, **kwargs: object) -> HttpResponse:
    if request.method == "OPTIONS":
        return HttpResponse(status=204)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MAX_BODY:
        return JsonResponse({"error": "The request is too large"}, status=413)
    try:
        admin = verify_admin_token(_bearer(request))
    except InvalidIdToken as error:
        log.info("staff.no_token", extra={"why": str(error)})
        return JsonResponse({"error": "A valid ID token is needed"}, status=401)
    shop = Shop.objects.filter(domain=admin.shop).first()
    if shop is None or not shop.is_installed:
        return JsonResponse({"error": "This shop does not use Doorstep"}, status=404)
    request.shop, request.shop_user = shop, admin.user_id
    return view(request, *args, **kwargs)


def _open_to_all(response: HttpResponse) -> HttpResponse:
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
    response["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
    response["Access-Control-Max-Age"] = "86400"
    response.setdefault("Cache-Control", "no-store")
    return response


def _bearer(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _storable(data: QueryDict) -> QueryDict:
    """The same form without what no database can keep."""
    found = {name: [storable(value) for value in values] for name, values in data.lists()}
    if found == dict(data.lists()):
        return data
    cleaned = QueryDict(mutable=True)
    for name, values in found.items():
        cleaned.setlist(storable(name), values)
    return cleaned


def frame_query(request: HttpRequest, shop_domain: str) -> str:
    kept = {name: request.GET[name] for name in KEPT if request.GET.get(name)}
    return urlencode(kept | {"shop": shop_domain})


def _bounce(request: HttpRequest) -> HttpResponse:
    if not is_shop_domain(request.GET.get("shop", "")):
        return _open_from_admin()
    query = request.GET.copy()
    query.pop("id_token", None)
    wanted = f"{request.path}?{query.urlencode()}"
    kept = {name: request.GET[name] for name in KEPT if request.GET.get(name)}
    response = HttpResponseRedirect(f"{PATCH_PATH}?{urlencode(kept | {'shopify-reload': wanted})}")
    return embedded_headers(response, request.GET["shop"])


def _try_again() -> HttpResponse:
    """App Bridge sends the request once more with a fresh token."""
    response = JsonResponse({"error": "A valid ID token is needed"}, status=401)
    response["X-Shopify-Retry-Invalid-Session-Request"] = "1"
    response["Cache-Control"] = "no-store"
    return response


def _open_from_admin() -> HttpResponse:
    page = _page("Doorstep", "Please open Doorstep from Apps in your Shopify admin.", status=400)
    page["Content-Security-Policy"] = "frame-ancestors 'none'"
    return page


def _page(title: str, text: str, *, status: int) -> HttpResponse:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title></head><body><main><h1>{escape(title)}</h1><p>{escape(text)}</p></main></body></html>"
    )
    return HttpResponse(html, status=status, headers={"Cache-Control": "no-store"})
