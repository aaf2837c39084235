"""Several things offered in one message, each with a picture: a carousel where the network has one, else words."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

MOST = 10  # Meta: two to ten in a carousel, ten in a generic template


class Card(BaseModel):
    """With a link, or with a reply whose id comes back as `Inbound.button_id`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    text: str = ""
    image_url: str = ""  # public; nothing of ours is uploaded for it
    url: str = ""
    reply_id: str = ""
    button: str  # what stands on it


def fit_together(cards: Sequence[Card], *, least: int = 1) -> bool:
    """Each with a picture, and all with a link or all with a reply: what Meta asks of the cards of one message."""
    links = {bool(card.url) for card in cards}
    taps = {bool(card.reply_id) for card in cards}
    pictured = all(card.image_url.startswith("https://") for card in cards)
    return least <= len(cards) <= MOST and pictured and len(links) == len(taps) == 1 and links != taps


def in_words(text: str, cards: Sequence[Card]) -> str:
    """A line for each; not for those whose link the text has already."""
    lines = [f"{card.title}: {card.url}" for card in cards if card.url and card.url not in text]
    return "\n".join([text, "", *lines]) if lines else text
