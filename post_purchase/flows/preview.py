"""What the shopper would read, message by message, from the same code that sends it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from post_purchase.channels.base import OutMessage
from post_purchase.models import Flow, Order
from post_purchase.services.texts import TextError, is_rtl

from .definition import FlowDocument, load
from .effects import Say
from .facts import gather, load_order, settings_of
from .sample import sample_answers, sample_facts, without_much
from .wording import NoWording, closed_text, compose


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
    content: OutMessage | None = None  # as a driver is given it
    error: str = ""  # plain words, where the text cannot be shown


def preview(
    flow: Flow | Mapping[str, Any] | FlowDocument,
    language: str,
    order: Order | None = None,
    *,
    step: str = "",
    sparse: bool = False,
    channel: str = "",
) -> list[PreviewMessage]:
    """Every message of the flow's draft in the order of its steps, for a real order or a sample. It sends nothing.

    With `step` only what that step says; `sparse`: as for an order of which little is known;
    `channel`: in the form of that network.
    Raises DocumentError where the document itself is broken; a broken text is shown as such.
    """
    document, facts = _document(flow), sample_facts(language)
    if order is not None:
        known = gather(shop=order.shop, order=load_order(order.pk), contact=order.contact, more=document.asks_for)
        facts = known | {"language": language}
    elif isinstance(flow, Flow):
        facts["shop"]["name"] = settings_of(flow.shop).display_name
    if sparse:
        facts = without_much(facts)
    parcel = next((int(key) for key in facts["parcels"]), None)
    answers = sample_answers(facts, document)
    return [
        _message(document, step_id, message, facts, answers, parcel, channel)
        for step_id, one in document.steps.items()
        if not step or step_id == step
        for _, message in one.messages()
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
    channel: str,
) -> PreviewMessage:
    found = document.wording(message, facts["language"], facts["default_language"])
    titles = list(found[1].choices) if found else []
    say = Say(key="preview", step=step_id, message=message, choices=tuple(titles), parcel=parcel)
    purpose = document.messages[message].purpose if message in document.messages else ""
    try:
        composed = compose(document, say, facts, answers, channel=channel)
    except (TextError, NoWording) as error:
        return PreviewMessage(step_id, message, purpose, found[1].text if found else "", error=str(error))
    content = composed.content
    return PreviewMessage(
        step_id=step_id,
        message=message,
        purpose=purpose,
        text=content.text,
        language=content.language,
        subject=content.subject,
        buttons=[button.title for button in content.buttons],
        url_button=content.url_button.title if content.url_button else "",
        template=closed_text(document, message, content),
        rtl=is_rtl(content.language),
        content=content,
        missing=[*composed.missing, *composed.unlinked],
    )
