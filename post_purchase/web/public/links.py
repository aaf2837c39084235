"""GET /c/<code>: every link of every touchpoint comes through here. Choose a chat app, answer, count.

The hot path is one SELECT and one line appended to a file (performance.md, section 2), and `front_door` answers it
before Django's handler: whatever is not a plain redirect it leaves to the view, which uses the same functions. Targets
come only from channel drivers, so this leads nowhere else. An unknown code gives nothing away; too many are slowed down
as a whole.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from post_purchase.channels.registry import driver_for
from post_purchase.services import guesses
from post_purchase.services.scans import Tapped, new_scan_id, spool
from post_purchase.services.taps import Tap, look_up, recall
from post_purchase.touchpoints.choose import Choice, choose, device_of, is_robot
from post_purchase.touchpoints.texts import accepted, country_of, greeting, pick_language, texts_in
from shopapp.lib import clock
from shopapp.lib.crypto import grouped, normalise_code

from .pages import public_page

SCAN_ID = re.compile(r"[0-9a-f]{32}")
FOUND = "post_purchase.tap"  # where the front door leaves what it has looked up already
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


@dataclass(frozen=True)
class Visitor:
    device: str
    robot: bool
    languages: tuple[str, ...]  # as the browser asks, best first


def visitor_of(meta: Mapping[str, Any]) -> Visitor:
    """`meta`: the WSGI environment."""
    return _visitor(meta.get("HTTP_USER_AGENT", "")[:500], meta.get("HTTP_ACCEPT_LANGUAGE", "")[:200])


@lru_cache(maxsize=500)
def _visitor(agent: str, languages: str) -> Visitor:
    return Visitor(device=device_of(agent), robot=is_robot(agent), languages=tuple(accepted(languages)))


@require_http_methods(["GET", "HEAD"])
def open_link(request: HttpRequest, code: str) -> HttpResponse:
    now = clock.now()
    visitor = visitor_of(request.META)
    tap = request.META[FOUND] if FOUND in request.META else recall(code, now=now)
    if tap is None:
        return unknown_code(visitor)
    language = language_for(tap, visitor)
    page = {"language": language, "shop_name": tap.shop_name, "color": tap.color}
    if not tap.installed:
        return public_page("closed", status=410, **page)
    if tap.expired:
        return public_page("expired", status=410, **page)
    choice = choose_for(tap, visitor, fixed=request.GET.get("via", ""))
    visit = request.GET.get("s", "")
    scan_id = visit if SCAN_ID.fullmatch(visit) else new_scan_id()
    response, led_to = _answer(tap, choice, language=language, scan_id=scan_id, page=page)
    if request.method == "GET":
        count(tap, visitor, language, led_to, now=now, scan_id=scan_id, chosen=scan_id == visit)
    return response


def front_door(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes] | None:
    """As `open_link` where the answer is a redirect. None: not here, let Django answer. Named in FRONT_DOORS."""
    path = environ["PATH_INFO"]
    if path[:3] not in ("/c/", "/C/") or environ["REQUEST_METHOD"] not in ("GET", "HEAD") or environ["QUERY_STRING"]:
        return None
    now = clock.now()
    try:
        tap = recall(path[3:], now=now)
    except (DatabaseError, InterfaceError):
        return None  # Django tries again, and says and logs what is wrong
    environ[FOUND] = tap
    if tap is None or tap.expired or not tap.installed:
        return None
    visitor = visitor_of(environ)
    language = language_for(tap, visitor)
    choice = choose_for(tap, visitor)
    target = target_of(tap, choice, language)
    if not target or target.startswith("mailto:"):
        return None
    if environ["REQUEST_METHOD"] == "GET":
        count(tap, visitor, language, choice.ranked[0], now=now, scan_id=new_scan_id())
    start_response("302 Found", [("Location", target), *_door_headers(_is_secure(environ))])
    return [b""]


@lru_cache(maxsize=2)
def _door_headers(secure: bool) -> list[tuple[str, str]]:
    """What Django and its SecurityMiddleware would send; a test holds the two doors to the same."""
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": "0", **HEADERS}
    headers |= {"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin"}
    if secure and settings.SECURE_HSTS_SECONDS:
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
    return list(headers.items())


def _is_secure(environ: dict[str, Any]) -> bool:
    proxied = environ.get("HTTP_X_FORWARDED_PROTO")
    return str(proxied.split(",")[0].strip() if proxied else environ["wsgi.url_scheme"]) == "https"


def language_for(tap: Tap, visitor: Visitor) -> str:
    return pick_language(tap.language, *visitor.languages, tap.shop_language)


def count(
    tap: Tap, visitor: Visitor, language: str, led_to: str, *, now: datetime, scan_id: str, chosen: bool = False
) -> None:
    spool(
        Tapped(
            scan_id=scan_id,
            link_id=tap.link_id,
            at=now.isoformat(),
            device=visitor.device,
            language=language,
            channel_kind=led_to,
            robot=visitor.robot,
            chosen=chosen,
        )
    )


def choose_for(tap: Tap, visitor: Visitor, *, fixed: str = "") -> Choice:
    return choose(
        connected=tap.channels,
        fixed=fixed if fixed in tap.channels else tap.fixed,
        merchant_order=tap.merchant_order,
        country=tap.country or country_of(visitor.languages) or tap.shop_country,
        device=visitor.device,
    )


def target_of(tap: Tap, choice: Choice, language: str) -> str:
    """Where the tap leads at once, https: or mailto:. Empty where a page answers."""
    if choice.ask or not choice.ranked:
        return ""
    kind = choice.ranked[0]
    text = greeting(language, grouped(tap.code))
    return driver_for(kind).entry_url(channel=tap.channels[kind], code=tap.code, text=text)


def _answer(tap: Tap, choice: Choice, *, language: str, scan_id: str, page: dict[str, str]) -> tuple[HttpResponse, str]:
    code = grouped(tap.code)
    if not choice.ranked:
        return public_page("empty", status=200, **page), ""
    if choice.ask:
        options = [
            {
                "label": driver_for(kind).kind.label,
                "url": f"/c/{tap.code}?via={kind}&s={scan_id}",
            }
            for kind in choice.ranked
        ]
        if tap.shop_wide:
            page = page | {"text": texts_in(language)["choose_card_text"]}
        return public_page("choose", status=200, options=options, code=code, **page), ""
    kind = choice.ranked[0]
    target = target_of(tap, choice, language)
    if target.startswith("mailto:"):  # a redirect to a mail program fails silently where there is none
        address = unquote(target.removeprefix("mailto:").partition("?")[0])
        return public_page("email", status=200, target=target, address=address, code=code, **page), kind
    return HttpResponseRedirect(target, headers=HEADERS), kind


def unknown_code(visitor: Visitor) -> HttpResponse:
    language = pick_language(*visitor.languages)
    if guesses.too_many_unknown():
        response = public_page("busy", status=429, language=language)
        response["Retry-After"] = "60"
        return response
    return public_page("unknown", status=404, language=language, form=True)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def type_code(request: HttpRequest) -> HttpResponse:
    """The form for those who read the code from a card. POST, so that a typed code stands in no log and no history."""
    visitor = visitor_of(request.META)
    language = pick_language(*visitor.languages)
    if request.method != "POST":
        return public_page("form", status=200, language=language, form=True)
    code = normalise_code(request.POST.get("code", "")[:100])
    code = "".join(letter for letter in code if letter.isascii() and letter.isalnum())
    if look_up(code, now=clock.now()) is None:
        return unknown_code(visitor)
    response = HttpResponseRedirect(f"/c/{code}")
    response.status_code = 303
    response["Cache-Control"] = "no-store"
    return response
