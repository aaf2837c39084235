"""What we ask Telegram to send: OutMessage in, the fields of sendMessage, sendPhoto or sendDocument out. No network.

Texts go without parse_mode: nothing a shopper or merchant writes can break or dress up a message.
"""

import hashlib
import re
from typing import Any
from urllib.parse import urlsplit

from post_purchase.channels.base import Button, ChannelError, Outcome, OutMessage
from post_purchase.channels.provider_data import limits
from post_purchase.channels.reading import shortened

LIMITS = limits("telegram")
LONG = "~"  # before the short form of a tap's id that is longer than callback_data may be
ROWS = ((6, 5), (16, 2))  # (longest title, buttons in a row); else each has its own
_PUBLIC = re.compile(r"(?:[a-z0-9-]+\.)+(?!(?:local|localhost|internal|invalid|test)$)[a-z][a-z0-9-]+")


def with_cards(message: OutMessage) -> OutMessage:
    """Telegram's form of them: the first picture, and a row of buttons for each. In words where that does not fit."""
    taps = [Button(id=card.reply_id, title=card.title) for card in message.cards if card.reply_id]
    links = [card for card in message.cards if card.url]
    picture = next((card.image_url for card in message.cards if card.image_url), "")
    if len(message.text) > LIMITS["caption"] or message.buttons or not all(_can_be_button(card.url) for card in links):
        return message.in_words()
    changed = {"cards": links, "buttons": taps, "image_path": message.image_path or picture, "url_button": None}
    return message.model_copy(update=changed)


def message_fields(message: OutMessage) -> dict[str, Any]:
    """Raises ChannelError where it is too long."""
    words = _words(message)
    beside = message.image_path or message.document_path
    most = LIMITS["caption"] if beside else LIMITS["text"]
    if len(words) > most:
        where = "under a picture or document" if beside else "in one message"
        raise ChannelError(f"Telegram takes at most {most} characters {where}: shorten the text", outcome=Outcome.BUG)
    rows = _rows(message)
    keyboard = {"reply_markup": {"inline_keyboard": rows}} if rows else {}
    if beside:
        return ({"caption": words} if words else {}) | keyboard
    return {"text": words, "link_preview_options": {"is_disabled": True}} | keyboard


def _words(message: OutMessage) -> str:
    if message.url_button and not _can_be_button(message.url_button.url):
        return f"{message.text}\n\n{message.url_button.title}: {message.url_button.url}"
    return message.text


def _can_be_button(url: str) -> bool:
    """Telegram refuses the whole message where a button's address is not a public one."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(_PUBLIC.fullmatch(host))


def _rows(message: OutMessage) -> list[list[dict[str, str]]]:
    if len(message.buttons) > LIMITS["buttons"]:
        raise ChannelError(f"Telegram shows at most {LIMITS['buttons']} choices", outcome=Outcome.BUG)
    most = LIMITS["button_title"]
    taps = [{"text": shortened(each.title, most), "callback_data": tap_data(each.id)} for each in message.buttons]
    longest = max((len(each["text"]) for each in taps), default=0)
    wide = next((number for length, number in ROWS if longest <= length), 1)
    rows = [taps[start : start + wide] for start in range(0, len(taps), wide)]
    rows[:0] = [[{"text": shortened(card.title, most), "url": card.url}] for card in message.cards]
    if message.url_button and _can_be_button(message.url_button.url):
        rows.insert(0, [{"text": shortened(message.url_button.title, most), "url": message.url_button.url}])
    return rows


def tap_data(button_id: str) -> str:
    """callback_data: at most 64 bytes. A longer id becomes its hash, which `parse` finds again at the message."""
    if len(button_id.encode()) <= LIMITS["callback_bytes"]:
        return button_id
    return LONG + hashlib.sha256(button_id.encode()).hexdigest()[:40]
