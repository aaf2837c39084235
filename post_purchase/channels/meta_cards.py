"""A product on Messenger and Instagram: one element of Meta's generic template, and apart what it has no room for."""

from dataclasses import dataclass
from typing import Any

from post_purchase.channels.base import OutMessage
from post_purchase.channels.pictures import is_address
from post_purchase.channels.reading import shortened


@dataclass(frozen=True)
class Card:
    part: dict[str, Any]  # the `message` part of the request
    rest: str  # words for a message of their own; "" where all of them stand on the card


def card_of(message: OutMessage, *, widest: int, widest_button: int) -> Card | None:
    """None where the message shows no product. `widest`: characters of title and subtitle."""
    if not message.card_title or message.url_button is None or message.buttons:
        return None
    around = [part.strip() for part in message.text.rsplit(message.card_title, 1)]
    rest = "\n\n".join(part for part in around if part)
    fits = len(rest) <= widest and "\n" not in rest
    link = {
        "type": "web_url",
        "url": message.url_button.url,
        "title": shortened(message.url_button.title, widest_button),
    }
    element: dict[str, Any] = {"title": shortened(message.card_title, widest), "buttons": [link]}
    if rest and fits:
        element["subtitle"] = rest
    if is_address(message.image_path):
        element["image_url"] = message.image_path
    payload = {"template_type": "generic", "elements": [element]}
    return Card(part={"attachment": {"type": "template", "payload": payload}}, rest="" if fits else rest)
