"""A shopper's own page: what we know, their choices, a copy, an erasure. The key comes in the body, never in a URL.

The link has it behind the #, which a browser keeps to itself; a few lines of script hand it in, and without script the
shopper pastes the link. No cookie: each form carries the key.
"""

import json
import secrets
from datetime import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from post_purchase.models import ContactPoint, ControlLink
from post_purchase.services import choices
from post_purchase.services.choices import CHOSEN, LANGUAGES, Choice, Source
from post_purchase.services.consent import newest_states
from post_purchase.services.control_links import end_link, open_link
from post_purchase.services.exports import export_person, export_point
from post_purchase.services.phrases import load
from post_purchase.services.privacy import Person
from post_purchase.services.privacy_requests import ask_for_erasure
from post_purchase.services.shops import settings_of
from post_purchase.services.talk_language import language_of
from post_purchase.touchpoints.texts import accepted, is_rtl
from post_purchase.words import ChannelKind, Purpose
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from shopapp.lib.storable import all_storable

from .pages import POLICY, as_public

MAX_BODY = 8 * 1024
COLOR = "#1f6f5c"


@csrf_exempt  # no cookie to ride on: who posts must know the key
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _door(request)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MAX_BODY:
        return _door(request, status=413, gone=True)
    asked: dict[str, str] = {name: str(all_storable(value)) for name, value in request.POST.items()}
    link = open_link(asked.get("key", "")[:400])
    if link is None:
        return _door(request, status=404, gone=True)
    match asked.get("do", ""):
        case "save":
            _save(link, asked, set(request.POST.getlist("yes")), request.POST.getlist("shown"))
            return _whole(link, asked["key"], saved=True)
        case "export":
            return _export(link)
        case "erase" if asked.get("sure") == "yes":
            return _erase(link)
    return _whole(link, asked["key"])


def _door(request: HttpRequest, *, status: int = 200, gone: bool = False) -> HttpResponse:
    language = _spoken(*accepted(request.headers.get("Accept-Language", "")))
    nonce = secrets.token_urlsafe(12)
    html = _render(language, title="gone_title" if gone else "title", part="gone" if gone else "door", nonce=nonce)
    return as_public(html, status=status, language=language, policy=f"{POLICY}; script-src 'nonce-{nonce}'")


def _whole(link: ControlLink, key: str, *, saved: bool = False) -> HttpResponse:
    point = link.point
    language, whole = _spoken(language_of(point.contact)), choices.owns_all(point)
    points = choices.points_of(point, whole=whole)
    contact = point.contact
    html = _render(
        language,
        title="title",
        part="whole",
        shop=point,
        key=key.strip().rpartition("#")[2],
        saved=saved,
        whole=whole,
        facts=choices.facts_of(point, language, whole=whole),
        languages=[(tag, load("control")[tag]["own_name"]) for tag in LANGUAGES],
        language_now=language,
        kinds=[(kind, ChannelKind(kind).label) for kind in dict.fromkeys(each.kind for each in points)],
        kind_now=contact.preferred_kind,
        quiet_from=f"{contact.quiet_from:%H:%M}" if contact.quiet_from else "",
        quiet_until=f"{contact.quiet_until:%H:%M}" if contact.quiet_until else "",
        size=contact.fields.get("size") or "",
        switches=_switches(points, language),
    )
    return as_public(html, status=200, language=language)


def _switches(points: list[ContactPoint], language: str) -> list[dict[str, Any]]:
    texts, states = choices.texts_of(language), newest_states(points)
    return [
        {
            "name": f"{each.get_kind_display()} {choices.shortened(each)}".strip(),
            "rows": [
                (f"{each.pk}.{purpose}", texts[purpose], choices.may_get(states[each.pk], purpose))
                for purpose in CHOSEN
            ],
        }
        for each in points
    ]


def _save(link: ControlLink, asked: dict[str, str], ticked: set[str], shown: list[str]) -> None:
    """Only what differs from what the page showed: what was said meanwhile elsewhere, a STOP above all, stays."""
    point = link.point
    texts = choices.texts_of(language_of(point.contact))
    act = new_code()

    def source(label: str) -> Source:
        return Source(point, "page", f"{texts['title']}: {label}", f"page:{act}", {"link": link.pk})

    mine = {each.pk: each for each in choices.points_of(point, whole=choices.owns_all(point))}
    for each in shown[:40]:
        name, _, was = each.rpartition(".")
        number, _, purpose = name.partition(".")
        wanted = name in ticked
        if number.isdecimal() and int(number) in mine and purpose in CHOSEN and wanted != (was == "1"):
            on = mine[int(number)]
            label = f"{texts['choices']}: {on.get_kind_display()}: {texts[purpose]}"
            choices.allow(point=on, purpose=Purpose(purpose), allowed=wanted, source=source(label))
    if asked.get("language") in LANGUAGES and asked["language"] != _spoken(language_of(point.contact)):
        choices.set_language(language=asked["language"], source=source(texts["language"]))
    if asked.get("kind", "") in {"", *(each.kind for each in mine.values())} and "kind" in asked:
        choices.set_channel(kind=asked["kind"], source=source(texts["channel"]))
    if "from" in asked and "until" in asked:
        start, end = _time(asked["from"]), _time(asked["until"])
        choices.set_quiet(start=start, end=end, source=source(texts["quiet"]))
    if "size" in asked:
        choices.set_size(size=asked["size"], source=source(texts["size"]))


def _spoken(*wanted: str) -> str:
    """The first of these BCP 47 tags whose language we have; else English."""
    tags = (tag.replace("_", "-").split("-")[0].lower() for tag in wanted)
    return next((tag for tag in tags if tag in LANGUAGES), LANGUAGES[0])


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text[:5]).replace(tzinfo=None)
    except ValueError:
        return None


def _export(link: ControlLink) -> HttpResponse:
    point = link.point
    texts = choices.texts_of(language_of(point.contact))
    source = Source(point, "page", texts["download"], f"page:{new_code()}", {"link": link.pk})
    choices.note(source=source, choice=Choice.EXPORT)
    whole = choices.owns_all(point)
    data = export_person(Person(point.shop, contact_ids=(point.contact_id,))) if whole else export_point(point)
    response = as_public(json.dumps(data, ensure_ascii=False, indent=1, default=str), status=200, language="en")
    response["Content-Type"] = "application/json; charset=utf-8"
    response["Content-Disposition"] = f'attachment; filename="my-data-{clock.now():%Y-%m-%d}.json"'
    return response


def _erase(link: ControlLink) -> HttpResponse:
    point = link.point
    language = _spoken(language_of(point.contact))
    texts = choices.texts_of(language)
    source = Source(point, "page", texts["erase_sure"], f"page:{link.pk}", {"link": link.pk})
    choices.note(source=source, choice=Choice.ERASE)
    ask_for_erasure(point=point, whole=choices.owns_all(point), key=f"link:{link.pk}:{link.token_hash[:16]}")
    end_link(point)
    return as_public(_render(language, title="erase_title", part="erased", shop=point), status=200, language=language)


def _render(language: str, *, title: str, part: str, shop: ContactPoint | None = None, **more: Any) -> str:
    settings = settings_of(shop.shop) if shop else None
    texts = choices.texts_of(language)
    values = {
        "language": language,
        "rtl": is_rtl(language),
        "texts": texts,
        "title": texts[title],
        "part": part,
        "shop_name": settings.display_name if settings else "",
        "color": settings.brand_color if settings else COLOR,
    }
    return render_to_string("public/control.html", values | more)
