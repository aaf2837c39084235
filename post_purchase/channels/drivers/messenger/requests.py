"""What we ask the Messenger Platform to send: OutMessage in, the `message` part of the request out. No network."""

from typing import Any

from post_purchase.channels.base import ChannelError, Outcome, OutMessage
from post_purchase.channels.meta_driver import text_message, with_link
from post_purchase.channels.provider_data import limits
from post_purchase.channels.reading import shortened

LIMITS = limits("messenger")
TEMPLATE_BUTTONS = 3


def template_message(message: OutMessage) -> dict[str, Any]:
    """A utility template. Raises ChannelError where the message has none."""
    if message.template is None:
        raise ChannelError("This message has no approved template for Messenger", outcome=Outcome.OTHER_CHANNEL)
    template: dict[str, Any] = {"name": message.template.name, "language": {"code": message.template.language}}
    if message.template.parameters:
        values = [{"type": "text", "text": " ".join(each.split()) or "–"} for each in message.template.parameters]
        template["components"] = [{"type": "body", "parameters": values}]
    return {"template": template}


def free_message(message: OutMessage) -> dict[str, Any]:
    """Choices become quick replies; beside a link they become buttons under it. Raises ChannelError where too long."""
    if message.url_button and _fits_button_template(message):
        link = {"type": "web_url", "url": message.url_button.url, "title": _title(message.url_button.title)}
        taps = [{"type": "postback", "title": _title(each.title), "payload": each.id} for each in message.buttons]
        payload = {"template_type": "button", "text": message.text, "buttons": [link, *taps]}
        return {"attachment": {"type": "template", "payload": payload}}
    words = with_link(message)
    if len(words) > LIMITS["text"]:
        raise ChannelError(
            f"Messenger takes at most {LIMITS['text']} characters in one message: shorten the text", outcome=Outcome.BUG
        )
    return text_message(words, message, network="Messenger", most=LIMITS)


def _fits_button_template(message: OutMessage) -> bool:
    return len(message.text) <= LIMITS["button_template_text"] and len(message.buttons) < TEMPLATE_BUTTONS


def _title(words: str) -> str:
    return shortened(words, LIMITS["button_title"])
