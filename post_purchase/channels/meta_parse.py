"""What Messenger and Instagram tell us, in one shape. Bytes in, updates out; total; reads every entry and event."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from post_purchase.channels.base import (
    HumanTookOver,
    Inbound,
    MediaPart,
    Odd,
    StatusUpdate,
    TakenBack,
    TemplateUpdate,
    Update,
)
from post_purchase.channels.reading import made_id, mapping, mappings, moment, parse_json, text
from post_purchase.words import MessageStatus

GET_STARTED = "GET_STARTED"
ICE_BREAKER = "ICE_BREAKER"  # the payload of our first questions: what was tapped is read as if it had been written
# Kinds of attachments that bring no file of the shopper's own, or one that may not be stored (Instagram's stories).
SHARED = ("fallback", "location", "share", "story_mention", "ephemeral", "ig_reel", "reel", "ig_post")
CLAIMED_TYPES = {"image": "image/*", "video": "video/*", "audio": "audio/*", "file": "application/octet-stream"}


def parse_callback(body: bytes) -> list[Update]:
    payload = parse_json(body)
    updates: list[Update] = []
    for entry in mappings(payload.get("entry")):
        page = text(entry.get("id"), 64)
        for event in mappings(entry.get("messaging")):
            updates += list(_event(event, page)) or [Odd("an event that is nothing for us")]
        updates += [Odd("another app of the page has this thread") for _ in mappings(entry.get("standby"))]
        for change in mappings(entry.get("changes")):
            updates.append(_change(change, page))
    return updates or [Odd("not a callback of Messenger or Instagram")]


def _event(event: dict[str, Any], page: str) -> Iterator[Update]:
    sender = text(mapping(event.get("sender")).get("id"), 150)
    page = page or text(mapping(event.get("recipient")).get("id"), 64)
    if not sender or not page:
        return
    if event.get("message"):
        yield from _message(event, mapping(event.get("message")), page, sender)
    elif event.get("postback"):
        yield _postback(event, mapping(event.get("postback")), page, sender)
    elif event.get("referral"):
        yield _entry(event, mapping(event.get("referral")), page, sender)
    elif event.get("optin"):
        optin = mapping(event.get("optin"))
        yield _entry(event, optin, page, sender) if optin.get("ref") else Odd("an opt-in that we do not use")
    elif event.get("reaction"):
        reaction = mapping(event.get("reaction"))
        if reaction.get("action") == "react":
            yield _inbound(
                event,
                page,
                sender,
                kind="reaction",
                text=text(reaction.get("emoji"), 20),
                reply_to=text(reaction.get("mid"), 255),
            )
    elif event.get("delivery"):
        yield from _delivery(event, mapping(event.get("delivery")), page, sender)
    elif event.get("read"):
        read = mapping(event.get("read"))
        mid = text(read.get("mid"), 255)  # Instagram names the message, Messenger a moment
        yield StatusUpdate(
            account_id=page,
            provider_id=mid,
            status=MessageStatus.READ,
            happened_at=moment(event.get("timestamp")),
            address=sender,
            before=None if mid else moment(read.get("watermark")),
        )


def _message(event: dict[str, Any], message: dict[str, Any], page: str, sender: str) -> Iterator[Update]:
    if message.get("is_echo"):
        person = text(mapping(event.get("recipient")).get("id"), 150)
        app = text(
            message.get("app_id")
        )  # Instagram does not always tell it: then nobody can say whose words these are
        if app in ("", settings.META_APP_ID, settings.INSTAGRAM_APP_ID) or not person:
            yield Odd("the echo of our own message")
        else:
            yield HumanTookOver(account_id=page, address=person, happened_at=moment(event.get("timestamp")))
        return
    if message.get("is_deleted"):
        mid = text(message.get("mid"), 255)
        yield TakenBack(account_id=page, provider_id=mid) if mid else Odd("the shopper took a message back")
        return
    media, words = [], text(message.get("text"))
    for each in mappings(message.get("attachments")):
        found = mapping(each.get("payload"))
        kind, url = text(each.get("type"), 40), text(found.get("url"), 4000)
        if found.get("sticker_id") or message.get("sticker_id"):
            words = words or "👍"
        elif kind in CLAIMED_TYPES and url:
            media.append(MediaPart(source={"url": url}, claimed_type=CLAIMED_TYPES[kind]))
        elif kind in SHARED:
            name = kind.removeprefix("ig_").replace("_", " ").capitalize()
            seen = "" if kind in ("story_mention", "ephemeral") else text(each.get("title"), 200) or url
            words = words or f"[{name}] {seen}".strip()
    quick = mapping(message.get("quick_reply"))
    referral = mapping(message.get("referral"))
    yield _inbound(
        event,
        page,
        sender,
        provider_id=text(message.get("mid"), 255),
        text=words,
        button_id=text(quick.get("payload"), 1000),
        entry_code=text(referral.get("ref"), 200),
        media=tuple(media),
        reply_to=text(mapping(message.get("reply_to")).get("mid"), 255),
        kind="message" if words or media or quick or referral else "unsupported",
    )


def _postback(event: dict[str, Any], postback: dict[str, Any], page: str, sender: str) -> Update:
    payload, code = text(postback.get("payload"), 1000), text(mapping(postback.get("referral")).get("ref"), 200)
    question = payload == ICE_BREAKER
    entry = payload == GET_STARTED or (bool(code) and not question)
    return _inbound(
        event,
        page,
        sender,
        provider_id=text(postback.get("mid"), 255),
        text="" if entry else text(postback.get("title")),
        button_id="" if entry or question else payload,
        entry_code=code,
        kind="entry" if entry else "message",
    )


def _entry(event: dict[str, Any], referral: dict[str, Any], page: str, sender: str) -> Update:
    return _inbound(event, page, sender, kind="entry", entry_code=text(referral.get("ref"), 200))


def _inbound(event: dict[str, Any], page: str, sender: str, provider_id: str = "", **fields: Any) -> Inbound:
    return Inbound(
        account_id=page,
        provider_id=provider_id or made_id(page, event),
        address=sender,
        happened_at=moment(event.get("timestamp")),
        **fields,
    )


def _delivery(event: dict[str, Any], delivery: dict[str, Any], page: str, sender: str) -> Iterator[Update]:
    """Each message by its id; only where Meta gives no ids, everything up to the watermark."""
    at = moment(event.get("timestamp") or delivery.get("watermark"))
    mids = delivery.get("mids")
    ids = [text(each, 255) for each in mids] if isinstance(mids, list) else []
    for provider_id in filter(None, ids):
        yield StatusUpdate(
            account_id=page,
            provider_id=provider_id,
            status=MessageStatus.DELIVERED,
            happened_at=at,
            address=sender,
        )
    if not any(ids):
        yield StatusUpdate(
            account_id=page,
            provider_id="",
            status=MessageStatus.DELIVERED,
            happened_at=at,
            address=sender,
            before=moment(delivery.get("watermark")),
        )


def _change(change: dict[str, Any], page: str) -> Update:
    value = mapping(change.get("value"))
    name = text(value.get("message_template_name"), 190)
    if change.get("field") != "message_template_status_update" or not name:
        return Odd(f"nothing for us in the field {text(change.get('field'), 60) or '(none)'}")
    reason = text(value.get("reason"), 200)
    return TemplateUpdate(
        account_id=page,
        name=name,
        language=text(value.get("message_template_language"), 16),
        status=text(value.get("event"), 30),
        reason="" if reason == "NONE" else reason,
        provider_id=text(value.get("message_template_id"), 64),
    )
