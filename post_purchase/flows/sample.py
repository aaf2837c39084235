"""An order that nobody placed, and every text of a flow filled in with it before it is used. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from post_purchase.services import texts

from . import known_values
from .definition import FlowDocument, Problem
from .wording import variables

NOW = "2026-03-03T10:00:00+00:00"  # of the sample: a plain Tuesday


def text_problems(document: FlowDocument) -> list[Problem]:
    """Texts that are well written and still cannot be filled in, each where it stands."""
    return list(_text_problems(document))


def _text_problems(document: FlowDocument) -> Iterable[Problem]:
    default = ""
    for language, spoken in document.texts.items():
        default = default or language
        values = sample_values(document, language)
        for message, wording in spoken.messages.items():
            base = f"texts.{language}.messages.{message}"
            for field in ("text", "subject", "preheader"):
                yield from _problems(f"{base}.{field}", getattr(wording, field), values, language, document)
            for kind, form in wording.forms.items():
                yield from _problems(f"{base}.forms.{kind.value}", form, values, language, document)
        for name, word in spoken.words.items():
            yield from _problems(f"texts.{language}.words.{name}", word, values, language, document)
    values = sample_values(document, default or "en")
    for message, spec in document.messages.items():
        yield from _problems(f"messages.{message}.url", spec.url, values, default, document)
        for number, part in enumerate(spec.template.parameters if spec.template else ()):
            yield from _problems(
                f"messages.{message}.template.parameters.{number}", part.value, values, default, document
            )
    for name, step in document.steps.items():
        if step.kind == "note":
            yield from _problems(f"steps.{name}.text", step.text, values, default, document)


def _problems(
    path: str, text: str, values: Mapping[str, Any], language: str, document: FlowDocument
) -> Iterable[Problem]:
    """A text that cannot be filled in, or that names what there is not."""
    if "{" not in text:
        return
    wrong = texts.problems(text, values, language=language or "en")
    for message in wrong or known_values.unknown(text, values, document):
        yield Problem(path, message)


def sample_values(document: FlowDocument, language: str) -> dict[str, Any]:
    facts = sample_facts(language)
    names = {name for spoken in document.texts.values() for name in spoken.words}
    words = {name: document.word(name, language) for name in names}
    return variables(facts, sample_answers(facts, document), 1, words)


PRODUCT = {
    "product_id": 2,
    "variant_id": 20,
    "title": "Oak coaster",
    "because": "Stoneware mug",
    "url": "https://fern-and-field.example.com/products/oak-coaster",
    "cart_url": "https://fern-and-field.example.com/cart/20:1",
    "price": "12.50",
    "currency": "EUR",
    "image_url": "https://fern-and-field.example.com/cdn/coaster.png",
}


def sample_answers(facts: Mapping[str, Any], document: FlowDocument | None = None) -> dict[str, Any]:
    """What the flow's own steps would know by then, and nothing that it has no step for. Of no flow: everything."""
    answers: dict[str, Any] = {}
    kinds = known_values.kinds_of(document) if document else {"collect_review", "recommend", "reward"}
    for step in document.steps.values() if document else ():
        if step.kind == "ask" and step.save_as:
            answers[step.save_as] = next(iter(step.choices), "5" if step.rating else "...")
    if "collect_review" in kinds or (document and "review_given" in document.trigger.news):
        answers["rating"] = 5
    if "recommend" in kinds:
        answers["products"] = [PRODUCT]
    if "reward" in kinds:
        answers["reward"] = {
            "code": "THANKS-7F3K9", "percentage": facts["reward"]["percentage"], "ends_at": "2026-05-02",
        }  # fmt: skip
    return answers


def sample_facts(language: str) -> dict[str, Any]:
    """An order that nobody placed: everything that a text can name is there."""
    parcel = {
        "id": 1,
        "name": "#1001-F1",
        "state": "in_transit",
        "rank": 2,
        "carrier": "DHL",
        "items": ["Stoneware mug"],
        "partial": False,
        "day_expected": "2026-03-05T12:00:00+00:00",
        "shipped_at": NOW,
        "out_for_delivery_at": None,
        "delivered_at": None,
    }
    return {
        "run": {"id": 0},
        "language": language,
        "default_language": "en",
        "timezone": "Europe/Berlin",
        "shop": {"name": "Fern & Field", "installed": True, "url": "https://fern-and-field.example.com"},
        "contact": {"known": True, "redacted": False},
        "conversation": {"started": True, "handed_off": False},
        "reward": {"offered": True, "percentage": "10", "valid_days": 60},
        "order": {
            "id": 1,
            "name": "#1001",
            "placed_at": NOW,
            "paid": True,
            "currency": "EUR",
            "subtotal": "78.00",
            "total": "82.90",
            "refunded": "0.00",
            "fully_refunded": False,
            "cancelled": False,
            "delivered": False,
            "delivered_at": None,
            "day_expected": "2026-03-05T12:00:00+00:00",
            "point_of_sale": False,
            "test": False,
            "gift": False,
            "cash_on_delivery": False,
            "tags": ["gift wrap"],
            "country": "DE",
            "products": [1],
            "titles": ["Stoneware mug"],
            "skus": ["MUG-MOSS"],
            "return_open": False,
            "requires_shipping": True,
            "items": [{"title": "Stoneware mug", "variant": "Moss", "quantity": 2, "total": "78.00"}],
            "parcel_count": 1,
        },
        "parcels": {"1": parcel},
        "review": {"product_id": 1, "product": "Stoneware mug"},
        "guide": {
            "title": "Care for stoneware",
            "text": "Wash it by hand the first time. After that the dishwasher is fine.",
            "picture_url": "https://fern-and-field.example.com/cdn/care.png",
            "video_url": "https://fern-and-field.example.com/pages/care",
            "language": "en",
            "product": "Stoneware mug",
        },
        "bought": {
            "lines": [{"title": "Stoneware mug", "product_id": 1, "tags": ["kitchen"], "type": "Tableware"}],
            "tags": ["kitchen"],
            "types": ["Tableware"],
            "metafields": {},
        },
        "personal": {
            "first_name": "Maria",
            "tracking": {"1": {"url": "https://tracking.example.com/1", "number": "00340434161094042557"}},
        },
    }


_OFTEN_MISSING = {
    "order": ("day_expected", "delivered_at"),
    "contact": ("fields",),
    "personal": ("first_name", "last_name", "tracking"),
    "review": ("product",),
}


def without_much(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The same order with everything gone that an order may lack: names, carrier, tracking, days."""
    found = {**facts, "guide": None}
    for root, names in _OFTEN_MISSING.items():
        if isinstance(found.get(root), dict):
            found[root] = {**found[root], **{name: {} if name in ("fields", "tracking") else None for name in names}}
    gone = {"carrier": "", "day_expected": None, "shipped_at": None, "delivered_at": None}
    found["parcels"] = {key: {**parcel, **gone} for key, parcel in facts.get("parcels", {}).items()}
    return found
