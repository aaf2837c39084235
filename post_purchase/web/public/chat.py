"""The web chat: our own page at /chat/<code>, and what it asks. No cookie: the page keeps a token that it made.

The page learns nothing that its token has not said or been told. The code in its address works as in any other chat
app: the first person who starts with it is bound to the order, whoever comes second learns nothing.
"""

import hashlib
import json
import secrets
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from post_purchase.models import Channel, ContactPoint
from post_purchase.services import visits, web_chat
from post_purchase.services.taps import look_up
from post_purchase.touchpoints.choose import device_of
from post_purchase.touchpoints.codes import read_code
from post_purchase.touchpoints.texts import accepted, chat_texts, is_rtl, languages, pick_language
from post_purchase.words import ChannelKind
from shopapp.lib import clock

from .links import unknown_code, visitor_of
from .pages import public_page

MAX_BODY = 24 * 1024  # bytes of JSON: 4,000 characters may be 16 KB
COLOR = "#1f6f5c"
STATIC = ("chat/chat.js", "chat/parts.js", "chat/checkout.js", "chat/chat.css")
CHECKOUT_BRIDGE = "/shopifycloud/checkout-web/assets/app-bridge-checkout.js"
View = Callable[..., HttpResponse]


@require_safe
def chat_page(request: HttpRequest, code: str) -> HttpResponse:
    visitor = visitor_of(request.META)
    written = read_code(code)
    tap = look_up(written.code, now=clock.now()) if written else None
    if tap is None:
        return unknown_code(request, visitor)
    language = pick_language(tap.language, *visitor.languages, tap.shop_language)
    page = {"language": language, "shop_name": tap.shop_name, "color": tap.color}
    channel = tap.channels.get(ChannelKind.WEBCHAT)
    if not tap.installed:
        return public_page("closed", status=410, **page)
    if channel is None:
        return public_page("empty", status=200, **page)
    return _page(
        language=language,
        shop_name=tap.shop_name,
        color=tap.color,
        facts={"room": channel.pk, "code": tap.code, "expired": tap.expired},
        ancestors="'none'",
    )


@require_safe
def checkout_page(request: HttpRequest) -> HttpResponse:
    """The page in the checkout's chat overlay. Its address is the same for all shops: the ID token says which it is.

    Shopify does not document the host that frames it (a shop's own domain may be), so any https page may: without the
    buyer's token there is nothing on it to see or to click.
    """
    language = pick_language(*visitor_of(request.META).languages)
    ancestors = "https:"
    if settings.DEMO and settings.DEMO_WORLD_URL:
        ancestors += f" {_origin(settings.DEMO_WORLD_URL)}"
    return _page(
        language=language,
        shop_name="",
        color=COLOR,
        facts={"room": 0, "code": "", "expired": False, "checkout": True},
        ancestors=ancestors,
        bridge=f"{settings.SHOPIFY_CDN_ORIGIN}{CHECKOUT_BRIDGE}",
    )


def _page(
    *, language: str, shop_name: str, color: str, facts: dict[str, Any], ancestors: str, bridge: str = ""
) -> HttpResponse:
    nonce = secrets.token_urlsafe(12)
    stream = settings.CHAT_STREAM_URL
    texts = chat_texts(language)
    facts |= {"stream": stream, "texts": texts, "language": language, "shop": shop_name}
    html = render_to_string(
        "chat/page.html",
        {
            "language": language,
            "rtl": is_rtl(language),
            "shop_name": shop_name,
            "color": color,
            "texts": texts,
            "facts": facts,
            "nonce": nonce,
            "bridge": bridge,
            "api_key": settings.SHOPIFY_API_KEY if bridge else "",
            "version": _version(),
        },
    )
    response = HttpResponse(html)
    response["Cache-Control"] = "no-store"
    response["Content-Language"] = language
    response["Content-Security-Policy"] = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self'{' ' + _origin(bridge) if bridge else ''}",
            f"style-src 'self' 'nonce-{nonce}'",
            f"img-src 'self' blob: data: {_origin(settings.SHOPIFY_CDN_ORIGIN)}",
            f"connect-src 'self'{' ' + _origin(stream) if stream else ''}",
            "form-action 'none'",
            "base-uri 'none'",
            f"frame-ancestors {ancestors}",
        )
    )
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    response["Permissions-Policy"] = "geolocation=(), microphone=(), camera=()"
    return response


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@lru_cache(maxsize=1)
def _version() -> str:
    """Changes with the files, so that a browser may keep them for long."""
    digest = hashlib.sha256()
    for name in STATIC:
        path = finders.find(name)
        if isinstance(path, str):
            with open(path, "rb") as file:
                digest.update(file.read())
    return digest.hexdigest()[:12]


def by_page(*, most: int = MAX_BODY, known: bool = True) -> Callable[[View], View]:
    """A POST of the chat's page with its token. `known`: the token must be somebody's."""

    def decorate(view: View) -> View:
        @csrf_exempt  # no cookie to ride on: the token travels in a header that another site's form cannot send
        @wraps(view)
        def guarded(request: HttpRequest, room: int) -> HttpResponse:
            if request.method != "POST":
                return _no(405, "Only POST")
            length = request.META.get("CONTENT_LENGTH") or "0"
            if not length.isdigit() or int(length) > most:
                return _no(413, "This is too large")
            channel = web_chat.room(room)
            if channel is None:
                return _no(404, "This shop does not chat here now")
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not web_chat.TOKEN.fullmatch(token):
                return _no(401, "The page's token is needed")
            if not known:
                return view(request, channel, token)
            point = web_chat.person(channel=channel, token=token)
            if point is None:
                return _no(401, "This chat is no longer here; start it again")
            try:
                return view(request, channel, point)
            except web_chat.TooMany:
                return _no(429, "Too many at once; try again in a minute")
            except web_chat.Unreadable:
                return _no(400, "This cannot be sent")

        return guarded

    return decorate


@by_page(known=False)
def start(request: HttpRequest, channel: Channel, token: str) -> HttpResponse:
    asked = _json(request)
    code = read_code(asked.get("code", ""))
    tap = look_up(code.code, now=clock.now()) if code else None
    room = tap.channels.get(ChannelKind.WEBCHAT) if tap else None
    if tap is None or code is None or room is None or room.pk != channel.pk:
        return _no(404, "This code is not known here")
    if tap.expired:
        return _no(410, "This link has expired")
    known = web_chat.person(channel=channel, token=token) is not None
    now = clock.now()
    visitor = visits.person_of(request.META, link_id=0, now=now, apart="chat")
    if not known and not web_chat.may_start(channel=channel, visitor=visitor):
        return _no(429, "Too many at once; try again later")
    language = asked.get("language", "")
    web_chat.start(
        channel=channel,
        token=token,
        code=code.code,
        language=language
        if language in languages()
        else pick_language(*accepted(request.headers.get("Accept-Language", ""))),
    )
    return JsonResponse({"started": True}, headers={"Cache-Control": "no-store"})


@by_page()
def messages(request: HttpRequest, channel: Channel, point: ContactPoint) -> HttpResponse:
    asked = _json(request)
    web_chat.write(
        channel=channel,
        point=point,
        key=asked.get("key", ""),
        text=asked.get("text", ""),
        button=asked.get("button", ""),
    )
    return JsonResponse({"key": asked.get("key", "")}, headers={"Cache-Control": "no-store"})


@by_page()
def typing(request: HttpRequest, channel: Channel, point: ContactPoint) -> HttpResponse:
    web_chat.types(point=point)
    return HttpResponse(status=204, headers={"Cache-Control": "no-store"})


@by_page(most=web_chat.MAX_PHOTO)
def photos(request: HttpRequest, channel: Channel, point: ContactPoint) -> HttpResponse:
    """The file is the body; its key stands in a header."""
    key = request.headers.get("X-Message-Key", "")
    content = request.read(web_chat.MAX_PHOTO + 1)
    web_chat.send_photo(
        channel=channel, point=point, key=key, content=content, claimed_type=(request.content_type or "")[:100]
    )
    return JsonResponse({"key": key}, headers={"Cache-Control": "no-store"})


@by_page()
def feed(request: HttpRequest, channel: Channel, point: ContactPoint) -> HttpResponse:
    asked = _json(request)
    found = web_chat.feed(
        channel=channel, point=point, version=asked.get("version", ""), read=asked.get("read", "") == "yes"
    )
    if found is None:
        return HttpResponse(status=204, headers={"Cache-Control": "no-store"})
    return JsonResponse({"version": found.version, "messages": found.messages}, headers={"Cache-Control": "no-store"})


@by_page()
def go_on(request: HttpRequest, channel: Channel, point: ContactPoint) -> HttpResponse:
    device = device_of(request.headers.get("User-Agent", "")[:500])
    ways = web_chat.ways_on(channel=channel, point=point, device=device)
    return JsonResponse({"ways": ways}, headers={"Cache-Control": "no-store"})


def _json(request: HttpRequest) -> dict[str, str]:
    """The texts in the body; whatever else stands there is left out. NUL is removed: PostgreSQL refuses it."""
    try:
        found = json.loads(request.read(MAX_BODY + 1))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    texts = {name: value for name, value in found.items() if isinstance(value, str)}
    return {name: value.replace("\0", "").encode("utf-8", "ignore").decode() for name, value in texts.items()}


def _no(status: int, error: str) -> JsonResponse:
    response = JsonResponse({"error": error}, status=status, headers={"Cache-Control": "no-store"})
    if status == 429:
        response["Retry-After"] = "60"
    return response
