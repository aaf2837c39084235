"""What a product's page shows of its reviews, as one JSON value. The newest first, whatever the rating.

`count`, `average` and `stars` (how many gave 1, 2, 3, 4, 5) are of all published reviews; `reviews` are the newest that
fit. Every review that was rewarded carries the words that say so. `disclosures` holds them in the other languages that
are known, each once; `said_in` of a review is its place there, from 0 (-1: no other is known). Shopify takes 128 KB of
JSON (limit since 2026-04).
"""

import json
from collections.abc import Iterable
from typing import Any

from django.db.models import Count

from post_purchase.models import AttachmentStatus, Review
from shopapp.models import Shop

from .disclosure_words import in_all_languages
from .media import public_photo_url

SHOWN = 50  # reviews in the value
LONGEST_TEXT = 2000  # characters of one review; the whole of it stays in the admin
PHOTOS = 4
MAX_BYTES = 100_000  # below Shopify's 128 KB
MAX_DISCLOSURES = 20_000  # bytes of it


def review_page(shop: Shop, product_id: int) -> str:
    """Empty where no review of this product is published."""
    published = Review.objects.filter(shop=shop, product_id=product_id, status=Review.Status.PUBLISHED)
    stars = [0] * 5
    for rating, number in published.order_by().values_list("rating").annotate(Count("pk")):
        stars[rating - 1] = number
    count = sum(stars)
    if not count:
        return ""
    newest = published.order_by("-submitted_at", "-pk").prefetch_related("photos__attachment")
    reviews = list(newest.select_related("run")[:SHOWN])
    known = in_all_languages(reviews)
    disclosures = _each_once(known.values())
    shown = [_shown(review, disclosures, known.get(review.pk)) for review in reviews]
    page: dict[str, Any] = {
        "version": 1,
        "count": count,
        "average": round(sum((place + 1) * number for place, number in enumerate(stars)) / count, 1),
        "stars": stars,
        "reviews": shown,
        "disclosures": disclosures,
    }
    while len(value := _json(page)) > MAX_BYTES:
        del shown[-max(1, len(shown) // 10) :]
    return value.decode()


def _each_once(known: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """As many as leave room for the reviews themselves."""
    kept: list[dict[str, str]] = []
    for words in known:
        if words not in kept and len(_json([*kept, words])) <= MAX_DISCLOSURES:
            kept.append(words)
    return kept


def _json(page: Any) -> bytes:
    return json.dumps(page, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _shown(review: Review, disclosures: list[dict[str, str]], words: dict[str, str] | None) -> dict[str, Any]:
    text = review.text.strip()
    stored = [one.attachment for one in review.photos.all() if one.attachment.status == AttachmentStatus.STORED]
    return {
        "id": review.pk,
        "rating": review.rating,
        "text": text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1].rstrip()}…",
        "name": review.author_name,
        "date": review.submitted_at.date().isoformat(),
        "language": review.language,
        "rewarded": review.incentivised,
        "disclosure": review.disclosure if review.incentivised else "",
        "said_in": disclosures.index(words) if words in disclosures else -1,
        "photos": [
            {"small": public_photo_url(photo, thumbnail=True), "whole": public_photo_url(photo)}
            for photo in sorted(stored, key=lambda each: each.pk)[:PHOTOS]
        ],
    }
