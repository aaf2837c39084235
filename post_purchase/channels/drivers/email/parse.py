"""What a mail provider tells us: a shopper's mail, or how one of ours fared. Total."""

import re
from collections.abc import Iterator, Mapping
from email.utils import getaddresses
from typing import Any

from anymail.inbound import AnymailInboundMessage

from post_purchase.channels.addresses import ReplyAddress, read_address
from post_purchase.channels.base import (
    ChannelError,
    Inbound,
    MediaPart,
    Odd,
    Outcome,
    PointUpdate,
    StatusUpdate,
    Update,
)
from post_purchase.channels.provider_data import load
from post_purchase.channels.reading import made_id, text
from post_purchase.words import MessageStatus, Purpose
from shopapp.lib import clock

from .esps import ODD, read_events
from .reply_text import reply_text
from .sender import Proof, proof_of

STATUSES = {
    "delivered": MessageStatus.DELIVERED,
    "opened": MessageStatus.READ,
    "clicked": MessageStatus.READ,
    "bounced": MessageStatus.FAILED,
    "rejected": MessageStatus.FAILED,
    "failed": MessageStatus.FAILED,
}
DEAD = {"bounced", "invalid"}  # anymail's reject reasons after which an address never works again
MOST_FILES = 20
WANTED_TYPES = ("image/", "audio/", "video/", "application/pdf")
WANTED_NAMES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".pdf", ".mp4", ".mov", ".m4a", ".mp3", ".ogg")
PROVED = {Proof.GOOD: True, Proof.BAD: False, Proof.UNSAID: None}


def parse_callback(*, body: bytes, headers: Mapping[str, str]) -> list[Update]:
    updates: list[Update] = []
    for event in read_events(headers.get("esp", ""), body=body, headers=_original(headers)):
        try:
            if isinstance(getattr(event, "message", None), AnymailInboundMessage):
                updates.append(_mail(event, headers.get("webhook", ""), headers.get("esp", "")))
            else:
                updates += list(_tracking(event)) or [Odd(f"a mail event that is nothing for us: {event.event_type}")]
        except ODD as error:
            updates.append(Odd(f"a mail that cannot be read ({type(error).__name__})"))
    return updates or [Odd("not a callback of this mail provider")]


def files_of(*, body: bytes, headers: Mapping[str, str]) -> list[Any]:
    """The attached and inline files of the mail in this callback, as anymail's message parts."""
    for event in read_events(headers.get("esp", ""), body=body, headers=_original(headers)):
        message = getattr(event, "message", None)
        if isinstance(message, AnymailInboundMessage):
            return _files(message)
    return []


def _original(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in ("esp", "webhook")}


def _files(message: AnymailInboundMessage) -> list[Any]:
    found = [*message.attachments, *message.content_id_map.values()]
    return [each for each in found if _is_wanted(each)][:MOST_FILES]


def _is_wanted(part: Any) -> bool:
    """Pictures, sound, videos and PDFs; not calendars, cards and keys, which mails carry without anybody's knowing."""
    name = str(part.get_filename() or "").lower()
    return part.get_content_type().startswith(WANTED_TYPES) or name.endswith(WANTED_NAMES)


def _mail(event: Any, webhook: str, esp: str) -> Update:
    message = event.message
    why = _automatic(message)
    if why:
        return Odd(why)
    sender = message.from_email
    address = text(sender.addr_spec if sender else "", 190).strip().lower()
    if "@" not in address:
        return Odd("a mail without a sender")
    ours = _our_address(message)
    if ours is None:
        return Odd("a mail that is not addressed to one of our reply addresses")
    words = reply_text(plain=str(message.text or ""), html_body=str(message.html or ""))
    files = _files(message)
    return Inbound(
        account_id="",
        channel_id=ours.channel_id,
        point_id=ours.point_id,
        provider_id=text(str(message.get("Message-ID") or "").strip(), 255) or made_id(address, words, event.event_id),
        address=address,
        happened_at=clock.now(),  # a mail's own Date is the sender's to choose
        text=text(words),
        entry_code=ours.code,
        media=tuple(
            MediaPart(source={"webhook": webhook, "part": number}, claimed_type=text(each.get_content_type(), 100))
            for number, each in enumerate(files)
        ),
        profile_name=text(sender.display_name or "", 120),
        reply_to=text(str(message.get("In-Reply-To") or "").strip(), 255),
        proved=PROVED[proof_of(event, esp)],
        subject=text(" ".join(str(message.subject or "").split()), 250),
    )


def _automatic(message: AnymailInboundMessage) -> str:
    """Why nobody may answer this mail; "" where a person wrote it. Machines answer machines for ever (RFC 3834)."""
    for name, pattern in load("email_replies.yaml")["automatic_headers"].items():
        if any(re.match(pattern, str(value).strip(), re.I) for value in message.get_all(name, [])):
            return f"an automatic mail ({name})"
    sender = str(message.from_email.addr_spec if message.from_email else "")
    if re.match(load("email_replies.yaml")["automatic_senders"], sender, re.I):
        return "an automatic mail (sender)"
    if str(message.get("Return-Path") or "").strip() == "<>":
        return "an automatic mail (no return path)"
    return "spam, says the mail provider" if message.spam_detected else ""


def _our_address(message: AnymailInboundMessage) -> ReplyAddress | None:
    names = ("Delivered-To", "X-Original-To", "X-Forwarded-To", "To", "Cc", "Bcc")
    written = [str(value) for name in names for value in message.get_all(name, [])]
    candidates = [str(message.envelope_recipient or ""), *(address for _, address in getaddresses(written))]
    return next((found for found in map(read_address, candidates) if found), None)


def _tracking(event: Any) -> Iterator[Update]:
    """Only mails that carry our metadata: without it nobody knows whose they are."""
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    ref, channel = text(metadata.get("ref"), 32), text(metadata.get("channel"), 20)
    if not ref or not (channel.isdigit() and channel.isascii()):
        return
    at = event.timestamp or clock.now()
    address = text(event.recipient or "", 190).lower()
    kind = str(event.event_type)
    state = STATUSES.get(kind)
    reason = str(event.reject_reason or "bounced")
    for_now = str(event.mta_response or "").lstrip().startswith("4")  # a full mailbox, not a dead one
    dead = kind in ("bounced", "rejected") and reason in DEAD and not for_now
    error = None
    if state == MessageStatus.FAILED:
        outcome = Outcome.SUPPRESS_ADDRESS if dead else Outcome.OTHER_CHANNEL
        words = "This e-mail address does not exist" if dead else "The mail could not be delivered"
        error = ChannelError(words, outcome=outcome, code=text(str(event.reject_reason or kind), 32))
    if state:
        yield StatusUpdate(
            account_id="",
            channel_id=int(channel),
            provider_id=text(str(event.message_id or ""), 255),
            status=state,
            happened_at=at,
            ref=ref,
            address=address,
            error=error,
        )
    if dead and address:
        yield PointUpdate(account_id="", channel_id=int(channel), address=address, happened_at=at, blocked=True)
    if kind in ("complained", "unsubscribed") and address:
        for purpose in (Purpose.MARKETING, Purpose.REVIEW_REQUEST):
            yield PointUpdate(
                account_id="", channel_id=int(channel), address=address, happened_at=at, stopped_purpose=purpose
            )
