"""GET /c/<code>: every link of every touchpoint comes through here. Choose a chat app, answer, count.

The hot path is one SELECT and one line appended to a file (performance.md, section 2). Targets come only from channel
drivers, so this leads nowhere else. An unknown code gives nothing away; too many are slowed down as a whole.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from post_purchase.channels.registry import driver_for
from post_purchase.services import guesses
from post_purchase.services.scans import Tapped, new_scan_id, spool
from post_purchase.services.taps import Tap, look_up
from post_purchase.touchpoints.choose import Choice, choose, device_of, is_robot
from post_purchase.touchpoints.texts import accepted, country_of, greeting, pick_language
from shopapp.lib import clock
from shopapp.lib.crypto import grouped, normalise_code

from .pages import public_page

SCAN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Visitor:
    device: str
    robot: bool
    languages: list[str]  # as the browser asks, best first


def visitor_of(request: HttpRequest) -> Visitor:
    agent = request.headers.get("User-Agent", "")[:500]
    return Visitor(
        device=device_of(agent),
        robot=is_robot(agent),
        languages=accepted(request.headers.get("Accept-Language", "")),
    )


@require_http_methods(["GET", "HEAD"])
def open_link(request: HttpRequest, code: str) -> HttpResponse:
    visitor = visitor_of(request)
    tap = look_up(code, now=clock.now())
    if tap is None:
        return unknown_code(visitor)
    language = pick_language(tap.language, *visitor.languages, tap.shop_language)
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
        spool(
            Tapped(
                scan_id=scan_id,
                link_id=tap.link_id,
                at=clock.now().isoformat(),
                device=visitor.device,
                language=language,
                channel_kind=led_to,
                robot=visitor.robot,
                chosen=scan_id == visit,
            )
        )
    return response


def choose_for(tap: Tap, visitor: Visitor, *, fixed: str = "") -> Choice:
    return choose(
        connected=tap.channels,
        fixed=fixed if fixed in tap.channels else tap.fixed,
        merchant_order=tap.merchant_order,
        country=tap.country or country_of(visitor.languages) or tap.shop_country,
        device=visitor.device,
    )


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
        return public_page("choose", status=200, options=options, code=code, **page), ""
    kind = choice.ranked[0]
    target = driver_for(kind).entry_url(channel=tap.channels[kind], code=tap.code, text=greeting(language, code))
    if target.startswith("mailto:"):  # a redirect to a mail program fails silently where there is none
        address = unquote(target.removeprefix("mailto:").partition("?")[0])
        return public_page("email", status=200, target=target, address=address, code=code, **page), kind
    response = HttpResponseRedirect(target)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response, kind


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
    visitor = visitor_of(request)
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
