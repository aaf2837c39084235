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
from post_purchase.services import guesses, visits
from post_purchase.services.links import way_on
from post_purchase.services.scans import Tapped, new_scan_id, spool
from post_purchase.services.taps import Tap, look_up, recall
from post_purchase.touchpoints.choose import Choice, choose, device_of, is_robot
from post_purchase.touchpoints.codes import WrittenCode, read_code
from post_purchase.touchpoints.texts import accepted, chat_texts, country_of, greeting, pick_language, texts_in
from post_purchase.words import ChannelKind
from shopapp.lib import clock
from shopapp.lib.crypto import grouped, hash_code, normalise_code

from .pages import public_page

SCAN_ID = re.compile(r"[0-9a-f]{32}")
TRIED = "try"  # in the query: the merchant looks where it leads, and is not counted as a shopper
PAGES = {"mailto": "email", "sms": "sms"}
FOUND = "post_purchase.tap"  # where the front door leaves what it has looked up already
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


@dataclass(frozen=True)
class Visitor:
    device: str
    robot: bool
    languages: tuple[str, ...]  # as the browser asks, best first


@dataclass(frozen=True)
class Found:
    """What the address leads to. `missed`: the hash of an order's code that is not known; `tap` is then the shop's."""

    written: WrittenCode
    tap: Tap | None
    missed: str = ""


def visitor_of(meta: Mapping[str, Any]) -> Visitor:
    """`meta`: the WSGI environment. A browser that only loads ahead is no person yet."""
    ahead = meta.get("HTTP_SEC_PURPOSE") or meta.get("HTTP_PURPOSE") or meta.get("HTTP_X_MOZ") or ""
    return _visitor(
        meta.get("HTTP_USER_AGENT", "")[:500], meta.get("HTTP_ACCEPT_LANGUAGE", "")[:200], "prefetch" in ahead.lower()
    )


@lru_cache(maxsize=500)
def _visitor(agent: str, languages: str, ahead: bool) -> Visitor:
    return Visitor(device=device_of(agent), robot=ahead or is_robot(agent), languages=tuple(accepted(languages)))


def find(text: str, *, now: datetime) -> Found | None:
    """None: this is no code. An e-mail's link whose order is not known leads to the shop, as a card does."""
    written = read_code(text)
    if written is None:
        return None
    tap = recall(written.code, now=now)
    if tap is None and written.fallback:
        tap = recall(written.fallback, now=now)
        if tap is not None and tap.shop_wide:
            return Found(written, tap, missed=hash_code(written.code))
        return Found(written, None)
    return Found(written, tap)


@require_http_methods(["GET", "HEAD"])
def open_link(request: HttpRequest, code: str) -> HttpResponse:
    now = clock.now()
    visitor = visitor_of(request.META)
    found: Found | None = request.META[FOUND] if FOUND in request.META else find(code, now=now)
    if found is None or found.tap is None:
        return unknown_code(request, visitor)
    if found.missed and guesses.too_many_unknown(request.META):
        return too_busy(visitor)
    tap, counts = found.tap, request.method == "GET" and TRIED not in request.GET
    language = language_for(tap, visitor)
    page = {"language": language, "shop_name": tap.shop_name, "color": tap.color}
    if not tap.installed:
        return public_page("closed", status=410, **page)
    if tap.expired:
        if counts:
            count(found, visitor, language, "", now=now, environ=request.META, scan_id=new_scan_id(), nowhere=True)
        return expired_page(tap, language=language, page=page)
    if tap.page:
        if counts:
            count(found, visitor, language, "", now=now, environ=request.META, scan_id=new_scan_id())
        return HttpResponseRedirect(tap.page, headers=HEADERS)
    via = request.GET.get("via", "")
    choice = choose_for(tap, visitor, fixed=via)
    asked = request.GET.get("s", "")
    scan_id = asked if SCAN_ID.fullmatch(asked) else new_scan_id()
    visit = f"s={scan_id}" if counts or request.method == "HEAD" else f"s={scan_id}&{TRIED}=1"
    response, led_to = _answer(tap, choice, visitor, language=language, visit=visit, page=page)
    if counts:
        count(
            found,
            visitor,
            language,
            led_to,
            now=now,
            environ=request.META,
            scan_id=scan_id,
            chosen=scan_id == asked,
            picked=via in tap.channels,
            nowhere=not choice.ranked,
        )
    return response


def expired_page(tap: Tap, *, language: str, page: dict[str, str]) -> HttpResponse:
    """It has an end, and a way on: the chat that asks for the order, and the shop's website."""
    code, website = way_on(link_id=tap.link_id)
    texts = texts_in(language)
    options = [{"label": texts["expired_chat"], "url": f"/c/{code}"}] if code and tap.channels else []
    options.append({"label": texts["expired_site"], "url": website})
    return public_page("expired", status=410, options=options, **page)


def front_door(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes] | None:
    """As `open_link` where the answer is a redirect. None: not here, let Django answer. Named in FRONT_DOORS."""
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path[:3] not in ("/c/", "/C/") or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return None
    via = query[4:] if query.startswith("via=") and query[4:].isalpha() else ""  # a button names its channel
    if query and not via:
        return None
    now = clock.now()
    try:
        found = find(path[3:], now=now)
    except (DatabaseError, InterfaceError):
        return None  # Django tries again, and says and logs what is wrong
    environ[FOUND] = found
    if found is None or found.tap is None or found.missed or found.tap.expired or not found.tap.installed:
        return None
    if found.tap.page:
        return None
    tap = found.tap
    visitor = visitor_of(environ)
    language = language_for(tap, visitor)
    choice = choose_for(tap, visitor, fixed=via)
    target = target_of(tap, choice, language, visitor.device)
    if not target.startswith("http"):
        return None
    if environ["REQUEST_METHOD"] == "GET":
        picked = via in tap.channels
        led_to = choice.ranked[0]
        count(found, visitor, language, led_to, now=now, environ=environ, scan_id=new_scan_id(), picked=picked)
    start_response("302 Found", [("Location", target), *_door_headers(_is_secure(environ))])
    return [b""]


@lru_cache(maxsize=2)
def _door_headers(secure: bool) -> list[tuple[str, str]]:
    """What Django and its SecurityMiddleware would send; a test holds the two doors to the same."""
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": "0", **HEADERS}
    headers |= {
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
    }
    if secure and settings.SECURE_HSTS_SECONDS:
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
    return list(headers.items())


def _is_secure(environ: dict[str, Any]) -> bool:
    proxied = environ.get("HTTP_X_FORWARDED_PROTO")
    return str(proxied.split(",")[0].strip() if proxied else environ["wsgi.url_scheme"]) == "https"


def language_for(tap: Tap, visitor: Visitor) -> str:
    return pick_language(tap.language, *visitor.languages, tap.shop_language)


def count(
    found: Found,
    visitor: Visitor,
    language: str,
    led_to: str,
    *,
    now: datetime,
    environ: Mapping[str, Any],
    scan_id: str,
    chosen: bool = False,
    picked: bool = False,
    nowhere: bool = False,
) -> None:
    if found.tap is None:
        return
    link_id = found.tap.link_id
    written = found.written
    apart = f"{written.source}{written.test or bool(found.missed)}{visitor.robot}"
    spool(
        Tapped(
            scan_id=scan_id,
            link_id=link_id,
            at=now.isoformat(),
            device=visitor.device,
            language=language,
            channel_kind=led_to,
            robot=visitor.robot,
            chosen=chosen,
            picked=picked,
            person=visits.person_of(environ, link_id=link_id, now=now, apart=apart),
            source=written.source,
            test=written.test,
            missed=found.missed,
            nowhere=nowhere,
        )
    )


def choose_for(tap: Tap, visitor: Visitor, *, fixed: str = "") -> Choice:
    return choose(
        connected=tap.channels,
        fixed=fixed if fixed in tap.channels else tap.fixed,
        earlier=tap.earlier,
        route=tap.route,
        merchant_order=tap.merchant_order,
        country=tap.country or country_of(visitor.languages) or tap.shop_country,
        device=visitor.device,
    )


def target_of(tap: Tap, choice: Choice, language: str, device: str) -> str:
    """Where the tap leads at once: https:, mailto: or sms:. Empty where a page answers."""
    if choice.ask or not choice.ranked:
        return ""
    kind = choice.ranked[0]
    text = greeting(language, grouped(tap.code))
    return driver_for(kind).entry_url(channel=tap.channels[kind], code=tap.code, text=text, device=device)


def _answer(
    tap: Tap, choice: Choice, visitor: Visitor, *, language: str, visit: str, page: dict[str, str]
) -> tuple[HttpResponse, str]:
    code = grouped(tap.code)
    if not choice.ranked:
        return public_page("empty", status=200, **page), ""
    if choice.ask:
        options = [
            {
                "label": label_of(kind, language),
                "url": f"/c/{tap.code}?via={kind}&{visit}",
            }
            for kind in choice.ranked
        ]
        if tap.shop_wide:
            page = page | {"text": texts_in(language)["choose_card_text"]}
        return public_page("choose", status=200, options=options, code=code, **page), ""
    kind = choice.ranked[0]
    target = target_of(tap, choice, language, visitor.device)
    scheme, _, rest = target.partition(":")
    if scheme in PAGES:  # a redirect to a program fails silently where there is none
        address = unquote(re.split("[?&]", rest, maxsplit=1)[0])
        return public_page(PAGES[scheme], status=200, target=target, address=address, code=code, **page), kind
    return HttpResponseRedirect(target, headers=HEADERS), kind


def label_of(kind: str, language: str) -> str:
    """An app by its name; the chat on our own page has none that a shopper knows."""
    return chat_texts(language)["open"] if kind == ChannelKind.WEBCHAT else str(driver_for(kind).kind.label)


def unknown_code(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    if guesses.too_many_unknown(request.META):
        return too_busy(visitor)
    return public_page("unknown", status=404, language=pick_language(*visitor.languages), form=True)


def too_busy(visitor: Visitor) -> HttpResponse:
    response = public_page("busy", status=429, language=pick_language(*visitor.languages))
    response["Retry-After"] = "60"
    return response


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def type_code(request: HttpRequest) -> HttpResponse:
    """The form for those who read the code from a card. POST, so that a typed code stands in no log and no history."""
    visitor = visitor_of(request.META)
    language = pick_language(*visitor.languages)
    if request.method != "POST":
        return public_page("form", status=200, language=language, form=True)
    typed = request.POST.get("code", "").strip()[:300].rstrip("/").rpartition("/")[2]  # also the whole address
    code = normalise_code(typed[:100])
    code = "".join(letter for letter in code if letter.isascii() and letter.isalnum())
    written = read_code(code)
    if written is None or look_up(written.code, now=clock.now()) is None:
        return unknown_code(request, visitor)
    response = HttpResponseRedirect(f"/c/{code}")
    response.status_code = 303
    response["Cache-Control"] = "no-store"
    return response
