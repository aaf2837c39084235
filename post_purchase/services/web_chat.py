"""The web chat's side of a conversation: who writes, what they write, what they see.

A person is a random token that their browser made and keeps. We hold its hash, as the address of a ContactPoint: so an
erasure forgets the token with the point. Every call may be repeated: the page's own keys make it once.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from post_purchase.channels.base import Inbound, MediaPart, StatusUpdate
from post_purchase.channels.registry import driver_for
from post_purchase.models import (
    AttachmentStatus,
    Channel,
    ChannelStatus,
    Contact,
    ContactPoint,
    DeliveryAttempt,
    Link,
    Message,
    WebPhoto,
)
from post_purchase.touchpoints.choose import choose
from post_purchase.words import Author, ChannelKind, Direction, MessageStatus, TouchpointKind
from shopapp.lib import clock, queue
from shopapp.lib.crypto import hash_code, hash_secret

from . import presence, statuses
from .bindings import bound_orders
from .contact_points import find_or_create_point
from .conversations import receive
from .guide_pictures import PATH as OWN_PICTURES
from .links import link_to_continue, link_url, touchpoint_of
from .media import signed_media_url

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 random bytes
KEY = re.compile(r"[A-Za-z0-9-]{8,48}")
LONGEST_TEXT = 4000
MAX_PHOTO = 8_000_000  # bytes; the page makes them smaller before
UNUSED_FOR = timedelta(days=180)
SHOWN = 80  # messages
MINUTE, HOUR = 60, 3600
VISIBLE = (MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ)


class TooMany(Exception):
    """Too much at once from one browser, or from all of them. Trying again later helps."""


class Unreadable(Exception):
    """The page asked for something that cannot be: a button that was not shown, an empty message."""


@dataclass(frozen=True)
class Feed:
    version: str
    messages: list[dict[str, Any]]


def room(pk: int) -> Channel | None:
    """The web chat behind this number, where its shop has one."""
    channel = Channel.objects.select_related("shop__settings").filter(pk=pk, kind=ChannelKind.WEBCHAT).first()
    if channel is None or channel.status == ChannelStatus.DISCONNECTED or not channel.shop.is_installed:
        return None
    return channel


def address_of(token: str) -> str:
    return f"web-{hash_secret(token)[:40]}"


def person(*, channel: Channel, token: str) -> ContactPoint | None:
    """Whose token it is. None: nobody's here, erased, or not used for half a year."""
    if not TOKEN.fullmatch(token):
        return None
    points = ContactPoint.objects.select_related("contact", "shop__settings")
    point = points.filter(
        shop_id=channel.shop_id, kind=ChannelKind.WEBCHAT, account_id="", address=address_of(token)
    ).first()
    used = (point.last_inbound_at or point.created_at) if point else None
    return point if used and used > clock.now() - UNUSED_FOR else None


@transaction.atomic
def start(*, channel: Channel, token: str, code: str, language: str) -> ContactPoint:
    """The shopper begins to chat, by this code. The same token and code again change nothing."""
    address = address_of(token)
    inbound = Inbound(
        account_id=channel.account_id,
        provider_id=f"{address}:{hash_code(code)[:32]}",
        address=address,
        happened_at=clock.now(),
        entry_code=code,
        kind="entry",
    )
    point = find_or_create_point(channel=channel, inbound=inbound)
    Contact.objects.filter(pk=point.contact_id, language="").update(language=language)
    receive(channel=channel, inbound=inbound)
    return ContactPoint.objects.select_related("contact", "shop__settings").get(pk=point.pk)


def write(*, channel: Channel, point: ContactPoint, key: str, text: str, button: str = "") -> None:
    """One message or one tap on a button that was shown. Raises Unreadable, TooMany."""
    text = text.replace("\0", "").strip()[:LONGEST_TEXT]
    if button:
        text = _title_of(point, button)
    if not text or not KEY.fullmatch(key):
        raise Unreadable
    _slow_down(point, "message", most=30, seconds=MINUTE)
    presence.shopper_has_written(point)
    receive(channel=channel, inbound=_inbound(channel, point, key, text=text, button_id=button))


def types(*, point: ContactPoint) -> None:
    """They are writing. Raises TooMany."""
    _slow_down(point, "typing", most=20, seconds=MINUTE)
    presence.shopper_types(point)


@transaction.atomic
def send_photo(*, channel: Channel, point: ContactPoint, key: str, content: bytes, claimed_type: str) -> None:
    """Kept as it came; services/media looks at it like at any network's. Raises Unreadable, TooMany."""
    if not content or len(content) > MAX_PHOTO or not KEY.fullmatch(key):
        raise Unreadable
    _slow_down(point, "photo", most=20, seconds=10 * MINUTE)
    photo, _ = WebPhoto.objects.get_or_create(
        point=point, key=key, defaults={"content": content, "received_at": clock.now()}
    )
    part = MediaPart(source={"photo": photo.pk}, claimed_type=claimed_type)
    receive(channel=channel, inbound=_inbound(channel, point, key, media=(part,)))


def feed(*, channel: Channel, point: ContactPoint, version: str = "", read: bool = False) -> Feed | None:
    """What this person may see here: what went to and came from their own browser, never their other apps.

    None: nothing has changed since `version`. What is fetched is delivered, and read where the page is looked at.
    """
    shown = list(_visible(point)[:SHOWN])[::-1]
    _report(channel, shown, read=read)
    messages = [_shown(message) for message in shown]
    now = hashlib.sha256(repr([_parts(each) for each in messages]).encode()).hexdigest()[:16]
    return None if now == version else Feed(version=now, messages=messages)


def ways_on(*, channel: Channel, point: ContactPoint, device: str = "") -> list[dict[str, str]]:
    """The shop's other channels, each with a link that takes this talk along."""
    _slow_down(point, "continue", most=20, seconds=HOUR)
    connected = [
        each.kind
        for each in channel.shop.channels.filter(status=ChannelStatus.ACTIVE).exclude(link_address="")
        if each.kind != ChannelKind.WEBCHAT
    ]
    order = bound_orders(point).first()
    country = (order.shipping_country if order else "") or point.contact.country or channel.shop.country
    settings = channel.shop.settings
    ranked = choose(connected=connected, merchant_order=settings.channel_order, country=country, device=device).ranked
    if not ranked:
        return []
    used = Link.objects.filter(used_by=point).select_related("touchpoint").order_by("-used_at").first()
    touchpoint = used.touchpoint if used else touchpoint_of(shop=channel.shop, kind=TouchpointKind.THANK_YOU_PAGE)
    url = link_url(link_to_continue(touchpoint=touchpoint, point=point, order=order))
    return [{"kind": kind, "label": str(driver_for(kind).kind.label), "url": f"{url}?via={kind}"} for kind in ranked]


def may_start(*, channel: Channel, visitor: str) -> bool:
    """`visitor`: who this is today (services.visits), or empty where that cannot be told."""
    one = queue.within_limit(f"chat-start:{channel.pk}:{visitor}", most=30, seconds=HOUR) if visitor else True
    return one and queue.within_limit(f"chat-start:{channel.pk}", most=600, seconds=MINUTE)


def _slow_down(point: ContactPoint, what: str, *, most: int, seconds: int) -> None:
    if not queue.within_limit(f"chat-{what}:{point.pk}", most=most, seconds=seconds):
        raise TooMany


def _inbound(channel: Channel, point: ContactPoint, key: str, **more: Any) -> Inbound:
    return Inbound(
        account_id=channel.account_id,
        provider_id=f"{point.address}:{key}",
        address=point.address,
        happened_at=clock.now(),
        **more,
    )


def _visible(point: ContactPoint) -> QuerySet[Message]:
    gone = DeliveryAttempt.objects.filter(point=point).values("message_id")  # handed to this page, and not only queued
    received = Q(direction=Direction.IN) & ~Q(content__kind="entry")
    reached = Q(direction=Direction.OUT, status__in=VISIBLE, pk__in=gone)
    mine = Message.objects.filter(received | reached, point=point).prefetch_related("attachments")
    return mine.order_by("-happened_at", "-pk")


def _title_of(point: ContactPoint, button: str) -> str:
    for message in _visible(point)[:SHOWN]:
        for each in _list(message.content, "buttons"):
            if each.get("id") == button:
                return str(each.get("title", ""))
    return ""


def _report(channel: Channel, shown: list[Message], *, read: bool) -> None:
    """The page has them (and shows them): as a network would tell it."""
    steps = (MessageStatus.DELIVERED, MessageStatus.READ) if read else (MessageStatus.DELIVERED,)
    news = [
        StatusUpdate(
            account_id=channel.account_id,
            provider_id=message.ref,
            ref=message.ref,
            status=step,
            happened_at=clock.now(),
            channel_id=channel.pk,
        )
        for message in shown
        if message.direction == Direction.OUT
        for step in steps
        if _is_ahead(step, message)
    ]
    if news:
        statuses.record_statuses(channel=channel, updates=news)


def _is_ahead(step: MessageStatus, message: Message) -> bool:
    return statuses.RANK[step] > statuses.RANK.get(MessageStatus(message.status), 0)


def _shown(message: Message) -> dict[str, Any]:
    out = message.direction == Direction.OUT
    content = message.content if isinstance(message.content, dict) else {}
    link = content.get("url_button") if out else None
    picture = str(content.get("image_path") or "") if out else ""
    return {
        "id": message.pk,
        "key": "" if out else message.provider_id.rpartition(":")[2],
        "from": {Author.PERSON: "team", Author.SHOPPER: "me"}.get(Author(message.author), "auto"),
        "text": message.text,
        "at": message.happened_at.isoformat(timespec="seconds"),
        "buttons": [
            {"id": str(each.get("id", "")), "title": str(each.get("title", ""))}
            for each in (_list(content, "buttons") if out else [])
        ],
        "link": {"title": str(link.get("title", "")), "url": str(link.get("url", ""))}
        if isinstance(link, dict) and str(link.get("url", "")).startswith(("https://", "http://"))
        else None,
        "picture": picture
        if picture.startswith((f"{settings.SHOPIFY_CDN_ORIGIN}/", f"{settings.APP_URL}{OWN_PICTURES}"))
        else "",
        "files": [
            {"name": str(content.get("document_name") or "document.pdf"), "url": signed_media_url(each)}
            for each in message.attachments.all()
            if out and each.status == AttachmentStatus.STORED and not each.thumbnail
        ],
        "photos": [
            {
                "state": str(each.status),
                "url": signed_media_url(each) if each.status == AttachmentStatus.STORED else "",
                "small": signed_media_url(each, thumbnail=True) if each.status == AttachmentStatus.STORED else "",
            }
            for each in message.attachments.all()
            if each.thumbnail or not out
        ],
    }


def _parts(shown: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes a difference to the page. Photos' addresses change by the hour and are left out."""
    return (shown["id"], [photo["state"] for photo in shown["photos"]])


def _list(content: Any, name: str) -> list[dict[str, Any]]:
    found = content.get(name) if isinstance(content, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
