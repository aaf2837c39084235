"""What Telegram tells us: one update a call. Total; only private chats are read."""

import re
from typing import Any

from post_purchase.channels.base import Inbound, MediaPart, Odd, PointUpdate, Update
from post_purchase.channels.reading import mapping, mappings, moment, parse_json, text
from post_purchase.models import Message
from post_purchase.words import ChannelKind

from .requests import LONG, tap_data

START = re.compile(r"/start(?:@\w+)?(?:\s+(?P<code>[A-Za-z0-9_-]{1,64}))?\s*", re.ASCII)
LEFT, BACK = ("kicked", "left"), ("member",)
FILES = {"document": "", "video": "video/mp4", "animation": "video/mp4", "video_note": "video/mp4"}
FILES |= {"voice": "audio/ogg", "audio": "audio/mpeg"}


def parse_callback(body: bytes, bot: str) -> list[Update]:
    payload = parse_json(body)
    for name, reader in (("message", _message), ("callback_query", _tap), ("my_chat_member", _member)):
        part = mapping(payload.get(name))
        if part and bot:
            return [reader(part, bot)]
    return [Odd("nothing for us in this update")]


def answer_at_once(body: bytes) -> dict[str, Any] | None:
    """The answer to a tap's callback is a call itself (Bot API, "Making requests when getting updates")."""
    tap = text(mapping(parse_json(body).get("callback_query")).get("id"), 100)
    return {"method": "answerCallbackQuery", "callback_query_id": tap} if tap else None


def _private(chat: dict[str, Any]) -> str:
    """The id of a chat with one person; "" for groups and channels."""
    return text(chat.get("id"), 30) if chat.get("type") == "private" else ""


def _message(message: dict[str, Any], bot: str) -> Update:
    chat, sender = _private(mapping(message.get("chat"))), mapping(message.get("from"))
    number = text(message.get("message_id"), 30)
    if not chat or not number or sender.get("is_bot"):
        return Odd("not from a person in a chat of their own")
    words = text(message.get("text")) or text(message.get("caption"))
    start = START.fullmatch(words)
    fields: dict[str, Any] = {"text": words, "media": _media(message)}
    if start:
        fields = {"kind": "entry", "entry_code": start["code"] or ""}
    elif not words and not fields["media"]:
        fields |= _other(message, sender)
    quoted = text(mapping(message.get("reply_to_message")).get("message_id"), 30)
    return Inbound(
        account_id=bot,
        provider_id=f"{chat}:{number}",
        address=chat,
        happened_at=moment(message.get("date")),
        profile_name=_name(sender),
        language=text(sender.get("language_code"), 16),
        reply_to=f"{chat}:{quoted}" if quoted else "",
        **fields,
    )


def _name(person: dict[str, Any]) -> str:
    return " ".join(filter(None, (text(person.get(part), 64) for part in ("first_name", "last_name"))))[:120]


def _media(message: dict[str, Any]) -> tuple[MediaPart, ...]:
    sizes = [each for each in mappings(message.get("photo")) if text(each.get("file_id"), 300)]
    if sizes:
        return (MediaPart(_source(max(sizes, key=_pixels)), "image/jpeg"),)
    for name, claimed in FILES.items():
        part = mapping(message.get(name))
        if text(part.get("file_id"), 300):
            return (MediaPart(_source(part), text(part.get("mime_type"), 100) or claimed),)
    return ()


def _pixels(size: dict[str, Any]) -> int:
    width, height = size.get("width"), size.get("height")
    return width * height if isinstance(width, int) and isinstance(height, int) else 0


def _source(part: dict[str, Any]) -> dict[str, Any]:
    size = part.get("file_size")
    known = isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**60
    return {"file_id": text(part.get("file_id"), 300)} | ({"size": size} if known else {})


def _other(message: dict[str, Any], sender: dict[str, Any]) -> dict[str, Any]:
    contact = mapping(message.get("contact"))
    if contact:
        digits = "".join(each for each in text(contact.get("phone_number"), 20) if each in "0123456789")
        own = contact.get("user_id") is not None and contact.get("user_id") == sender.get("id")
        return {"text": f"[Contact] {_name(contact)}".strip(), "phone": f"+{digits}" if own and digits else ""}
    if message.get("location"):
        return {"text": f"[Location] {text(mapping(message.get('venue')).get('title'), 200)}".strip()}
    emoji = text(mapping(message.get("sticker")).get("emoji"), 20)
    return {"text": emoji} if emoji else {"kind": "unsupported"}


def _tap(tap: dict[str, Any], bot: str) -> Update:
    shown, sender = mapping(tap.get("message")), mapping(tap.get("from"))
    chat, data, number = _private(mapping(shown.get("chat"))), text(tap.get("data"), 200), text(tap.get("id"), 100)
    if not chat or not data or not number:
        return Odd("a tap that is not on a message of ours")
    quoted = f"{chat}:{text(shown.get('message_id'), 30)}"
    return Inbound(
        account_id=bot,
        provider_id=f"tap:{number}",
        address=chat,
        happened_at=moment(None),  # Telegram tells the message's time, not the tap's
        text=_title(shown, data),
        button_id=_whole(data, bot, quoted) if data.startswith(LONG) else data,
        profile_name=_name(sender),
        language=text(sender.get("language_code"), 16),
        reply_to=quoted,
    )


def _title(shown: dict[str, Any], data: str) -> str:
    rows = mapping(shown.get("reply_markup")).get("inline_keyboard")
    for row in rows if isinstance(rows, list) else []:
        for button in mappings(row):
            if button.get("callback_data") == data:
                return text(button.get("text"), 200)
    return ""


def _whole(data: str, bot: str, provider_id: str) -> str:
    """The id that was too long for callback_data, from the message that offered it."""
    asked = Message.objects.filter(channel__kind=ChannelKind.TELEGRAM, channel__account_id=bot, provider_id=provider_id)
    for content in asked.values_list("content", flat=True)[:2]:
        for button in mappings(mapping(content).get("buttons")):
            if tap_data(text(button.get("id"), 400)) == data:
                return text(button.get("id"), 400)
    return data


def _member(change: dict[str, Any], bot: str) -> Update:
    chat = _private(mapping(change.get("chat")))
    status = text(mapping(change.get("new_chat_member")).get("status"), 30)
    if not chat or status not in LEFT + BACK:
        return Odd("a change of rights that is nothing for us")
    return PointUpdate(account_id=bot, address=chat, happened_at=moment(change.get("date")), blocked=status in LEFT)
