"""What we ask the Cloud API to send: OutMessage in, the body of POST /<number>/messages out. No network in here."""

import re
from typing import Any

from post_purchase.channels.base import ChannelError, Outcome, OutMessage, SendContext
from post_purchase.channels.cards import Card, fit_together
from post_purchase.channels.provider_data import limits
from post_purchase.channels.reading import shortened
from post_purchase.words import Mode

LIMITS = limits("whatsapp")
BSUID = re.compile(r"^[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}$")  # Meta, "Business-scoped user IDs"


def is_bsuid(address: str) -> bool:
    return bool(BSUID.match(address))


def message_request(
    *,
    message: OutMessage,
    mode: Mode,
    address: str,
    ref: str,
    context: SendContext,
    image: dict[str, str] | None,
    document: dict[str, str] | None = None,
) -> dict[str, Any]:
    """`image` is {"id": ...} of an uploaded picture or {"link": ...}. Raises ChannelError where it cannot be said."""
    request: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    request["recipient" if is_bsuid(address) else "to"] = address
    if context.quote:
        request["context"] = {"message_id": context.quote}
    request["biz_opaque_callback_data"] = ref
    if mode == Mode.TEMPLATE:
        return request | _template(message)
    return request | (_document(message, document) if document else _free(message, image))


def _template(message: OutMessage) -> dict[str, Any]:
    if message.template is None:
        raise ChannelError("This message has no approved template for WhatsApp", outcome=Outcome.OTHER_CHANNEL)
    template: dict[str, Any] = {
        "name": message.template.name,
        "language": {"code": message.template.language, "policy": "deterministic"},
    }
    if message.template.parameters:
        values = [{"type": "text", "text": template_value(each)} for each in message.template.parameters]
        template["components"] = [{"type": "body", "parameters": values}]
    return {"type": "template", "template": template}


def template_value(value: str) -> str:
    """Meta refuses (132018) values that are empty or hold new lines, tabs or more than four spaces in a row."""
    return " ".join(value.split()) or "–"


def _free(message: OutMessage, image: dict[str, str] | None) -> dict[str, Any]:
    if message.cards and not message.buttons and fit_together(message.cards, least=LIMITS["least_cards"]):
        carousel = _carousel(message)
        if len(carousel["body"]["text"]) <= LIMITS["interactive_body"]:
            return {"type": "interactive", "interactive": carousel}
    message = message.in_words()
    body = message.text
    if len(message.buttons) > LIMITS["list_rows"]:
        raise ChannelError("WhatsApp shows at most ten choices", outcome=Outcome.BUG)
    if message.buttons:
        if message.url_button:
            body = f"{body}\n\n{message.url_button.title}: {message.url_button.url}"
        few = len(message.buttons) <= LIMITS["buttons"] and len(body) <= LIMITS["interactive_body"]
        interactive = _buttons(message, body, image) if few else _list(message, body)
        return {"type": "interactive", "interactive": interactive}
    if message.asks_phone and len(body) <= LIMITS["interactive_body"]:
        return {"type": "interactive", "interactive": _phone_request(body)}
    if message.url_button and len(body) <= LIMITS["interactive_body"]:
        return {"type": "interactive", "interactive": _link(message, body, image)}
    if message.url_button:
        body = f"{body}\n\n{message.url_button.title}: {message.url_button.url}"
    if image:
        _check_length(body, LIMITS["caption"], "under a picture")
        return {"type": "image", "image": image | ({"caption": body} if body else {})}
    _check_length(body, LIMITS["text"], "in one message")
    return {"type": "text", "text": {"body": body, "preview_url": False}}


def _document(message: OutMessage, document: dict[str, str]) -> dict[str, Any]:
    _check_length(message.text, LIMITS["caption"], "under a document")
    return {"type": "document", "document": document | ({"caption": message.text} if message.text else {})}


def _buttons(message: OutMessage, body: str, image: dict[str, str] | None) -> dict[str, Any]:
    replies = [
        {"type": "reply", "reply": {"id": each.id, "title": shortened(each.title, LIMITS["button_title"])}}
        for each in message.buttons
    ]
    return {"type": "button", **_header(image), "body": {"text": body}, "action": {"buttons": replies}}


def _list(message: OutMessage, body: str) -> dict[str, Any]:
    """A list has no picture above it: the choices matter more."""
    _check_length(body, LIMITS["list_body"], "above a list")
    rows = []
    for each in message.buttons:
        row = {"id": each.id, "title": shortened(each.title, LIMITS["row_title"])}
        if len(each.title) > LIMITS["row_title"]:
            row["description"] = shortened(each.title, 72)
        rows.append(row)
    opener = shortened(message.list_title or "…", LIMITS["button_title"])
    section = {"title": opener, "rows": rows}
    return {"type": "list", "body": {"text": body}, "action": {"button": opener, "sections": [section]}}


def _carousel(message: OutMessage) -> dict[str, Any]:
    """Beside the cards it has words and nothing else: a link that no card has is put into the words."""
    body, link = message.text, message.url_button
    if link and link.url not in {card.url for card in message.cards}:
        body = f"{body}\n\n{link.title}: {link.url}"
    cards = [_card(place, card) for place, card in enumerate(message.cards)]
    return {"type": "carousel", "body": {"text": body}, "action": {"cards": cards}}


def _card(place: int, card: Card) -> dict[str, Any]:
    title, most = shortened(card.button, LIMITS["button_title"]), LIMITS["card_body"]
    header = {"type": "image", "image": {"link": card.image_url}}
    words = shortened(card.title, most)
    if card.text and len(words) < most - 1:
        words = f"{words}\n{shortened(card.text, most - len(words) - 1)}"
    found: dict[str, Any] = {"card_index": place, "header": header, "body": {"text": words}}
    if card.url:
        action = {"name": "cta_url", "parameters": {"display_text": title, "url": card.url}}
        return found | {"type": "cta_url", "action": action}
    reply = {"type": "quick_reply", "quick_reply": {"id": card.reply_id, "title": title}}
    return found | {"action": {"buttons": [reply]}}


def _link(message: OutMessage, body: str, image: dict[str, str] | None) -> dict[str, Any]:
    assert message.url_button is not None
    parameters = {
        "display_text": shortened(message.url_button.title, LIMITS["button_title"]),
        "url": message.url_button.url,
    }
    action = {"name": "cta_url", "parameters": parameters}
    return {"type": "cta_url", **_header(image), "body": {"text": body}, "action": action}


def _phone_request(body: str) -> dict[str, Any]:
    """Its button is Meta's; the answer is a card whose origin is "contact_request"."""
    return {"type": "request_contact_info", "body": {"text": body}, "action": {"name": "request_contact_info"}}


def _header(image: dict[str, str] | None) -> dict[str, Any]:
    return {"header": {"type": "image", "image": image}} if image else {}


def _check_length(text: str, most: int, where: str) -> None:
    if len(text) > most:
        raise ChannelError(f"WhatsApp takes at most {most} characters {where}: shorten the text", outcome=Outcome.BUG)
