"""What the Cloud API tells us: bytes in, updates out. Total; reads every entry and change (up to 1,000)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from post_purchase.channels import graph
from post_purchase.channels.base import (
    UNLIMITED,
    Inbound,
    LimitUpdate,
    MediaPart,
    Odd,
    PointUpdate,
    StatusUpdate,
    TemplateUpdate,
    Update,
)
from post_purchase.channels.provider_data import ErrorTable, limits
from post_purchase.channels.reading import made_id, mapping, mappings, moment, parse_json, text
from post_purchase.words import MessageStatus, Purpose

ERRORS = ErrorTable("whatsapp_errors.yaml", "WhatsApp")
LIMITS = limits("whatsapp")
STATUSES = {
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "played": MessageStatus.READ,
    "failed": MessageStatus.FAILED,
}
MEDIA = ("image", "video", "audio", "document", "sticker")


def parse_callback(body: bytes) -> list[Update]:
    payload = parse_json(body)
    updates: list[Update] = []
    for entry in mappings(payload.get("entry")):
        for change in mappings(entry.get("changes")):
            value = mapping(change.get("value"))
            field = text(change.get("field"), 60)
            reader = FIELDS.get(field)
            found = list(reader(value, text(entry.get("id"), 64))) if reader else []
            updates += found or [Odd(f"nothing for us in the field {field or '(none)'}")]
    return updates or [Odd("not a WhatsApp callback")]


def _messages(value: dict[str, Any], waba: str) -> Iterator[Update]:
    account = text(mapping(value.get("metadata")).get("phone_number_id"), 64)
    contacts = list(mappings(value.get("contacts")))
    for message in mappings(value.get("messages")):
        yield _message(message, account, _sender(message, contacts))
    for status in mappings(value.get("statuses")):
        yield _status(status, account)
    for error in mappings(value.get("errors")):
        yield Odd(f"WhatsApp reports error {text(error.get('code'), 12)}")


def _sender(message: dict[str, Any], contacts: list[dict[str, Any]]) -> dict[str, Any]:
    """The contact card of this message's sender: by id, or the only one there is."""
    ids = {text(message.get("from_user_id")), text(message.get("from"))} - {""}
    for contact in contacts:
        if ids & {text(contact.get("user_id")), text(contact.get("wa_id"))}:
            return contact
    return contacts[0] if len(contacts) == 1 else {}


def _message(message: dict[str, Any], account: str, contact: dict[str, Any]) -> Update:
    kind = text(message.get("type"), 40)
    user = text(message.get("from_user_id"), 150) or text(contact.get("user_id"), 150)
    sender = text(message.get("from"), 150) or text(contact.get("wa_id"), 150)
    if not user and "." in sender:
        user, sender = sender, ""  # seen: the business-scoped id in `from`
    phone = sender if sender.isdigit() and sender.isascii() else ""
    address = user or phone
    if kind == "system":
        return _number_change(message, account, address)
    if not address or not account:
        return Odd("a message without a sender")
    shared = _shared_phone(message)
    phone = shared or phone
    words, button, media = _content(message, kind)
    quoted = mapping(message.get("reaction")) if kind == "reaction" else mapping(message.get("context"))
    known = kind in CONTENT or kind in MEDIA
    return Inbound(
        account_id=account,
        provider_id=text(message.get("id"), 255) or made_id(message),
        address=address,
        happened_at=moment(message.get("timestamp")),
        text=words,
        button_id=button,
        media=media,
        aliases=tuple(each for each in (phone, user) if each and each != address),
        phone=f"+{phone}" if phone else "",
        shares_phone=bool(shared),
        profile_name=text(mapping(contact.get("profile")).get("name"), 120),
        reply_to=text(quoted.get("message_id") or quoted.get("id"), 255),
        kind="reaction" if kind == "reaction" else "message" if known else "unsupported",
    )


def _content(message: dict[str, Any], kind: str) -> tuple[str, str, tuple[MediaPart, ...]]:
    """(text, button id, media)."""
    part = mapping(message.get(kind))
    if kind in MEDIA:
        source = {name: text(part.get(name), 2000) for name in ("id", "sha256") if part.get(name)}
        media = (MediaPart(source=source, claimed_type=text(part.get("mime_type"), 100)),) if source.get("id") else ()
        return text(part.get("caption")), "", media
    reader = CONTENT.get(kind)
    words, button = reader(message, part) if reader else ("", "")
    return words, button, ()


def _interactive(message: dict[str, Any], part: dict[str, Any]) -> tuple[str, str]:
    reply = mapping(part.get("button_reply")) or mapping(part.get("list_reply"))
    if reply:
        return text(reply.get("title")), text(reply.get("id"), 256)
    return text(mapping(part.get("nfm_reply")).get("body")), ""


def _location(message: dict[str, Any], part: dict[str, Any]) -> tuple[str, str]:
    place = ", ".join(each for each in (text(part.get("name"), 200), text(part.get("address"), 300)) if each)
    return f"[Location] {place}".strip(), ""


def _contacts(message: dict[str, Any], part: dict[str, Any]) -> tuple[str, str]:
    names = [text(mapping(each.get("name")).get("formatted_name"), 120) for each in mappings(message.get("contacts"))]
    return f"[Contact] {', '.join(filter(None, names))}".strip(), ""


def _order(message: dict[str, Any], part: dict[str, Any]) -> tuple[str, str]:
    return text(part.get("text")) or "[Order from the catalogue]", ""


CONTENT: dict[str, Any] = {
    "text": lambda message, part: (text(part.get("body")), ""),
    "button": lambda message, part: (text(part.get("text")), text(part.get("payload"), 256)),
    "interactive": _interactive,
    "reaction": lambda message, part: (text(part.get("emoji"), 20), ""),
    "location": _location,
    "contacts": _contacts,
    "order": _order,
}


def _shared_phone(message: dict[str, Any]) -> str:
    """A number that the sender shared because we asked for it is theirs; a card that they forwarded is not."""
    for card in mappings(message.get("contacts")):
        if card.get("origin") == "contact_request" or message.get("origin") == "contact_request":
            for phone in mappings(card.get("phones")):
                digits = text(phone.get("wa_id"), 20)
                if digits.isdigit() and digits.isascii():
                    return digits
    return ""


def _number_change(message: dict[str, Any], account: str, address: str) -> Update:
    system = mapping(message.get("system"))
    new = text(system.get("user_id"), 150) or text(system.get("new_wa_id"), 150) or text(system.get("wa_id"), 150)
    if not address or not new or not account:
        return Odd("a system message that changes nothing for us")
    return PointUpdate(
        account_id=account, address=address, new_address=new, happened_at=moment(message.get("timestamp"))
    )


def _status(status: dict[str, Any], account: str) -> Update:
    state = STATUSES.get(text(status.get("status"), 20))
    provider_id = text(status.get("id"), 255)
    if state is None or not provider_id or not account:
        return Odd(f"a status that we do not know: {text(status.get('status'), 20)}")
    errors = list(mappings(status.get("errors")))
    failed = state == MessageStatus.FAILED
    return StatusUpdate(
        account_id=account,
        provider_id=provider_id,
        status=state,
        happened_at=moment(status.get("timestamp")),
        ref=text(status.get("biz_opaque_callback_data"), 32),
        address=text(status.get("recipient_user_id"), 150) or text(status.get("recipient_id"), 150),
        error=graph.error_from(errors[0] if errors else {}, table=ERRORS) if failed else None,
    )


def _preferences(value: dict[str, Any], waba: str) -> Iterator[Update]:
    account = text(mapping(value.get("metadata")).get("phone_number_id"), 64)
    for each in mappings(value.get("user_preferences")):
        wish = text(each.get("value"), 20)
        address = text(each.get("user_id"), 150) or text(each.get("wa_id"), 150)
        if not address or wish not in ("stop", "resume"):
            yield Odd("a preference that we do not know")
            continue
        yield PointUpdate(
            account_id=account,
            address=address,
            happened_at=moment(each.get("timestamp")),
            stopped_purpose=Purpose.MARKETING if wish == "stop" else None,
            resumed_purpose=Purpose.MARKETING if wish == "resume" else None,
        )


def _user_id_update(value: dict[str, Any], waba: str) -> Iterator[Update]:
    account = text(mapping(value.get("metadata")).get("phone_number_id"), 64)
    for each in mappings(value.get("user_id_update")):
        ids = mapping(each.get("user_id"))
        old = text(ids.get("previous"), 150) or text(each.get("previous_user_id"), 150)
        new = text(ids.get("current"), 150) or text(each.get("current_user_id"), 150)
        if old and new:
            at = moment(each.get("timestamp"))
            yield PointUpdate(account_id=account, address=old, new_address=new, happened_at=at)


def _limit(value: dict[str, Any], waba: str) -> Iterator[Update]:
    """Two fields in one: a tier in newer versions, a number in older ones. The phone number's quality is not read."""
    told = value.get("max_daily_conversations_per_business") or value.get("max_daily_conversation_per_phone")
    limit = tier(told or value.get("current_limit"))
    if limit and waba:
        yield LimitUpdate(account_id=waba, limit=limit)


def tier(told: Any) -> int:
    """People in 24 hours, -1 for as many as there are, 0 where it is not understood: TIER_2K, 2000, -1."""
    if isinstance(told, int) and not isinstance(told, bool):
        return told if told >= UNLIMITED else 0
    word = text(told, 20).upper()
    return LIMITS.get(word, 0) if word.startswith("TIER_") else 0


def _template(value: dict[str, Any], waba: str) -> Iterator[Update]:
    """Three fields in one: a status, a quality, or a category that has changed or is going to."""
    name = text(value.get("message_template_name"), 190)
    if not name:
        return
    reason = text(value.get("reason"), 200)
    coming = text(value.get("correct_category"), 20)
    yield TemplateUpdate(
        account_id=waba,
        name=name,
        language=text(value.get("message_template_language"), 16),
        status=text(value.get("event"), 30),
        category=text(value.get("new_category"), 20),
        reason=_pause(value) or ("" if reason == "NONE" else reason),
        provider_id=text(value.get("message_template_id"), 64),
        quality=text(value.get("new_quality_score"), 12).upper(),
        coming_category=coming,
        coming_at=moment(value.get("category_update_timestamp"), ahead=ANNOUNCED) if coming else None,
    )


def _pause(value: dict[str, Any]) -> str:
    """Meta pauses for three hours, then six, then for good ("Template pausing")."""
    return PAUSES.get(text(mapping(value.get("other_info")).get("title"), 60).upper(), "")


ANNOUNCED = timedelta(days=60)  # Meta announces a category a day or a month before
PAUSES = {
    "FIRST_PAUSE": "Paused for 3 hours: too many shoppers blocked it or found it unwanted",
    "SECOND_PAUSE": "Paused for 6 hours: too many shoppers blocked it or found it unwanted again",
    "RATE_LIMITING_PAUSE": "Paused: too much was sent with it before its quality was known",
    "UNPAUSE": "It may be sent again",
    "DISABLED": "Switched off for good after the second pause: write a new one",
}
FIELDS = {
    "messages": _messages,
    "user_preferences": _preferences,
    "user_id_update": _user_id_update,
    "business_capability_update": _limit,
    "phone_number_quality_update": _limit,
    "message_template_status_update": _template,
    "message_template_quality_update": _template,
    "template_category_update": _template,
}
