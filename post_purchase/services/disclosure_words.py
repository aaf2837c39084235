"""A disclosure in other languages: what the version of the flow that asked for the review says in each of them.

The words that are stored with a review are the proof. They are shown in another language only where they are, letter
for letter, what that version says: then its other languages say the same of the same discount.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from post_purchase.models import FlowVersion, Review

from .texts import render

DISCOUNT = re.compile(r"\{\{\s*reward\.percentage\s*\|\s*number\s*\}\}")
OTHER = re.compile(r"\{[{%]")


def in_all_languages(reviews: Iterable[Review]) -> dict[int, dict[str, str]]:
    """Review -> language ("pt" for "pt-BR") -> words. Nothing for a review whose words are not known."""
    rewarded = [review for review in reviews if review.incentivised and review.run is not None]
    versions = {review.run.version_id for review in rewarded if review.run}
    documents = dict(FlowVersion.objects.filter(pk__in=versions).values_list("pk", "document"))
    found: dict[tuple[int, str], dict[str, str]] = {}
    for review in rewarded:
        key = (review.run.version_id if review.run else 0, review.disclosure)
        if key not in found:
            found[key] = translations(documents.get(key[0]) or {}, review.disclosure)
    return {
        review.pk: words
        for review in rewarded
        if review.run
        if (words := found[review.run.version_id, review.disclosure])
    }


def translations(document: Mapping[str, Any], stored: str) -> dict[str, str]:
    """The stored words in each language of the document; empty where the document does not say them."""
    texts = document.get("texts") or {}
    for said in texts.values():
        for name, template in (said.get("words") or {}).items():
            discount = _discount(template, stored)
            if discount is not None:
                return _rendered(texts, name, discount)
    return {}


def _discount(template: str, stored: str) -> int | None:
    """The whole number that the template was rendered with; 0 where it names none. None: these are other words."""
    pieces = [re.escape(piece) for piece in DISCOUNT.split(template)]
    if OTHER.search(DISCOUNT.sub("", template)):
        return None
    match = re.fullmatch(r"(\d{1,3})".join(pieces), stored)
    if match is None:
        return None
    return int(match.group(1)) if match.groups() else 0


def _rendered(texts: Mapping[str, Any], name: str, discount: int) -> dict[str, str]:
    words: dict[str, str] = {}
    for language, said in texts.items():
        template = (said.get("words") or {}).get(name, "")
        if template and not OTHER.search(DISCOUNT.sub("", template)):
            values = {"reward": {"percentage": discount}}
            words.setdefault(
                language.split("-")[0].lower(), render(template, values, language=language, timezone="UTC").strip()
            )
    return words
