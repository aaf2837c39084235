"""What the shopper would read, message by message, from the same code that sends it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from post_purchase.models import Flow, Order
from post_purchase.services.texts import TextError, is_rtl

from .definition import FlowDocument, load
from .effects import Say
from .facts import gather, load_order, settings_of
from .wording import NoWording, compose

NOW = "2026-03-03T10:00:00+00:00"  # of the sample: a plain Tuesday


@dataclass(frozen=True)
class PreviewMessage:
    step_id: str
    message: str
    purpose: str
    text: str
    language: str = ""
    subject: str = ""
    buttons: list[str] = field(default_factory=list)
    url_button: str = ""
    template: str = ""  # what goes out when the messaging window is closed
    rtl: bool = False
    missing: list[str] = field(default_factory=list)  # values that this order does not have
    error: str = ""  # plain words, where the text cannot be shown


def preview(
    flow: Flow | Mapping[str, Any] | FlowDocument, language: str, order: Order | None = None
) -> list[PreviewMessage]:
    """Every message of the flow's draft in the order of its steps, for a real order or a sample. It sends nothing.

    Raises DocumentError where the document itself is broken; a broken text is shown as such.
    """
    document, facts = _document(flow), sample_facts(language)
    if order is not None:
        facts = gather(shop=order.shop, order=load_order(order.pk), contact=order.contact) | {"language": language}
    elif isinstance(flow, Flow):
        facts["shop"]["name"] = settings_of(flow.shop).display_name
    parcel = next((int(key) for key in facts["parcels"]), None)
    answers = {
        "rating": 5,
        "reward": {"code": "THANKS-7F3K9", "percentage": facts["reward"]["percentage"], "ends_at": "2026-05-02"},
    }
    return [
        _message(document, step_id, message, facts, answers, parcel)
        for step_id, step in document.steps.items()
        for _, message in step.messages()
    ]


def _document(flow: Flow | Mapping[str, Any] | FlowDocument) -> FlowDocument:
    if isinstance(flow, FlowDocument):
        return flow
    raw = flow.draft if isinstance(flow, Flow) else flow
    return FlowDocument.model_validate(raw) if _is_loadable(raw) else load(raw)


def _is_loadable(raw: Mapping[str, Any]) -> bool:
    """A document with a broken text still can be previewed: the text says what is wrong."""
    try:
        FlowDocument.model_validate(raw)
    except ValueError:
        return False
    return True


def _message(
    document: FlowDocument,
    step_id: str,
    message: str,
    facts: Mapping[str, Any],
    answers: Mapping[str, Any],
    parcel: int | None,
) -> PreviewMessage:
    found = document.wording(message, facts["language"], facts["default_language"])
    titles = list(found[1].choices) if found else []
    say = Say(key="preview", step=step_id, message=message, choices=tuple(titles), parcel=parcel)
    purpose = document.messages[message].purpose if message in document.messages else ""
    try:
        composed = compose(document, say, facts, answers)
    except (TextError, NoWording) as error:
        return PreviewMessage(step_id, message, purpose, found[1].text if found else "", error=str(error))
    content = composed.content
    template = ""
    if content.template is not None:
        body = document.texts[content.template.language].messages[message].template
        for number, value in enumerate(content.template.parameters, start=1):
            body = body.replace(f"{{{{{number}}}}}", value)
        template = body
    return PreviewMessage(
        step_id=step_id,
        message=message,
        purpose=purpose,
        text=content.text,
        language=content.language,
        subject=content.subject,
        buttons=[button.title for button in content.buttons],
        url_button=content.url_button.title if content.url_button else "",
        template=template,
        rtl=is_rtl(content.language),
        missing=composed.missing,
    )


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
            "requires_shipping": True,
            "items": [{"title": "Stoneware mug", "variant": "Moss", "quantity": 2, "total": "78.00"}],
            "parcel_count": 1,
        },
        "parcels": {"1": parcel},
        "review": {"product_id": 1, "product": "Stoneware mug"},
        "personal": {
            "first_name": "Maria",
            "tracking": {"1": {"url": "https://tracking.example.com/1", "number": "00340434161094042557"}},
        },
    }
