"""A product on Messenger and Instagram: one element of Meta's generic template, and apart what it has no room for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from post_purchase.channels.base import OutMessage
from post_purchase.channels.cards import Card as ProductCard
from post_purchase.channels.pictures import is_address
from post_purchase.channels.reading import shortened


@dataclass(frozen=True)
class Card:
    part: dict[str, Any]  # the `message` part of the request
    rest: str  # words for a message of their own; "" where all of them stand on the card


def card_of(message: OutMessage, *, most: dict[str, int]) -> Card | None:
    """None where the message shows no product."""
    if not message.card_title or message.url_button is None or message.buttons:
        return None
    around = [part.strip() for part in message.text.rsplit(message.card_title, 1)]
    rest = "\n\n".join(part for part in around if part)
    fits = len(rest) <= most["card_words"] and "\n" not in rest
    one = ProductCard(
        title=message.card_title,
        text=rest if fits else "",
        image_url=message.image_path if is_address(message.image_path) else "",
        url=message.url_button.url,
        button=message.url_button.title,
    )
    payload = generic_template([one], most=most)
    return Card(part={"attachment": {"type": "template", "payload": payload}}, rest="" if fits else rest)


def generic_template(cards: Sequence[ProductCard], *, most: dict[str, int]) -> dict[str, Any]:
    """Messenger's and Instagram's carousel: it has no words of its own beside the cards."""
    elements = []
    for card in cards:
        title = shortened(card.button, most["button_title"])
        link = {"type": "web_url", "url": card.url, "title": title}
        tap = {"type": "postback", "title": title, "payload": card.reply_id}
        element = {"title": shortened(card.title, most["card_words"])}
        picture = {"image_url": card.image_url} if card.image_url else {}
        subtitle = {"subtitle": shortened(card.text, most["card_words"])} if card.text else {}
        elements.append(element | picture | subtitle | {"buttons": [link if card.url else tap]})
    return {"template_type": "generic", "elements": elements}
