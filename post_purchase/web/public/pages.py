"""The small pages that a shopper sees without a chat: no script, no cookie, no font, below 10 KB, in 13 languages."""

from typing import Any

from django.http import HttpResponse
from django.template.loader import render_to_string

from post_purchase.touchpoints.texts import is_rtl, pick_language, texts_in

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def public_page(kind: str, *, status: int, language: str = "en", **context: Any) -> HttpResponse:
    """`kind` names the texts (`<kind>_title`, `<kind>_text`) in touchpoints/data/public_texts.yaml."""
    language = pick_language(language)
    texts = texts_in(language)
    html = render_to_string(
        "public/page.html",
        {
            "kind": kind,
            "language": language,
            "rtl": is_rtl(language),
            "texts": texts,
            "title": texts[f"{kind}_title"],
            "text": texts[f"{kind}_text"],
            "button": texts.get(f"{kind}_button", ""),
            "copy": texts.get(f"{kind}_copy", ""),
            "color": "#1f6f5c",
            **context,
        },
    )
    return as_public(html, status=status, language=language)


def as_public(html: str, *, status: int, language: str, policy: str = POLICY) -> HttpResponse:
    """With the headers of every small page: kept nowhere, framed nowhere, told to nobody."""
    response = HttpResponse(html, status=status)
    response["Cache-Control"] = "no-store"
    response["Content-Language"] = language
    response["Content-Security-Policy"] = policy
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response
