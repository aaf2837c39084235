"""One conversation: what was said, how it fared, and the answer. What stands beside it: thread_beside."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET

from post_purchase.channels.pictures import is_address
from post_purchase.channels.registry import driver_for
from post_purchase.models import (
    Attachment,
    AttachmentStatus,
    ContactPoint,
    Conversation,
    ConversationState,
    FlowStatus,
    Message,
    ShopSettings,
)
from post_purchase.services import presence
from post_purchase.services.composing import drafts_of, others_writing
from post_purchase.services.control_links import without_keys
from post_purchase.services.conversations import mark_opened
from post_purchase.services.file_safety import TYPES, kind_of
from post_purchase.services.media import signed_media_url
from post_purchase.services.messages import WAITING
from post_purchase.services.product_cards import limits_from
from post_purchase.services.receiving import WITHOUT_WORDS
from post_purchase.services.shops import settings_of
from post_purchase.web.forms.inbox import send_times
from post_purchase.words import Author, ChannelKind, MessageStatus
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from shopapp.web.embedded import ShopRequest

from . import run_stories
from .answers import draw, live, mark_of, page, zone_of
from .conversation_rows import conversation_of
from .inbox_actions import SNOOZES
from .inbox_door import InboxRequest, member_required
from .offered_templates import offers_for
from .reply_ways import ReplyWay, chosen_way, last_used, reply_ways
from .requests import requests_of

NOTES = 20
SHOWN = 60  # messages per look; older ones by ?before=
TICKS: dict[str, str] = {MessageStatus.SENT: "✓", MessageStatus.DELIVERED: "✓✓", MessageStatus.READ: "✓✓"}
STOPPED = (MessageStatus.SUPPRESSED, MessageStatus.FAILED)


@member_required
@require_GET
def thread(request: InboxRequest, pk: int) -> HttpResponse:
    conversation = conversation_of(request, pk)
    if conversation.unread and request.member.may_write:
        presence.show(conversation=conversation)
    mark_opened(conversation=conversation, member=request.member)
    names = {member.user_id: member.display_name for member in request.members}
    now = clock.now()
    points = last_used(conversation)
    ways = reply_ways(request, conversation, now, points=points)
    shown, older = messages_of(request, conversation)
    drafts = drafts_of(conversation)
    told, writing = with_stories(request, conversation, shown, older), others_writing(drafts, member=request.member)
    html = bubbles_html(request, told, names=names, writing=writing, points=points)
    draft = next((draft for draft in drafts if draft.member_id == request.member.pk), None)
    return page(
        request,
        "pages/thread.html",
        conversation=conversation,
        contact=conversation.contact,
        older=older,
        live=html,
        mark=mark_of(html),
        draft=draft,
        stream=settings.CHAT_STREAM_URL,
        late=is_late(conversation, now),
        overdue=is_overdue(conversation, now),
        asks_after=may_ask(conversation, [each["message"] for each in shown]),
        ways=ways,
        way=chosen_way(ways, draft),
        offers=offers_for(request, conversation, ways) if ways and ways[0].needs_template else None,
        with_template=next((each for each in ways if each.needs_template), None),
        reply_key=new_code(),
        me=request.member,
        now=now,
        members=request.members,
        assigned=names.get(conversation.assignee, ""),
        notes=[(note, names.get(note.author_id, "")) for note in conversation.notes.order_by("-written_at")[:NOTES]],
        snoozes=SNOOZES,
        times=times_for(request, chosen_way(ways, draft), now),
        requests=requests_of(conversation),
        card_limits=limits_from(targets_of(conversation)),
    )


@member_required
@require_GET
def thread_live(request: InboxRequest, pk: int) -> HttpResponse:
    """The newest messages as HTML, or 304 when nothing has changed."""
    conversation = conversation_of(request, pk)
    shown = with_stories(request, conversation, *messages_of(request, conversation))
    names = {member.user_id: member.display_name for member in request.members}
    writing = others_writing(drafts_of(conversation), member=request.member)
    points = conversation.contact.points.all()
    html = bubbles_html(request, shown, names=names, writing=writing, points=points)
    return live(request, html)


def times_for(request: InboxRequest, way: ReplyWay | None, now: datetime) -> list[tuple[str, str, datetime]]:
    """When an answer can be sent later by this way."""
    until = way.capability.until if way else None
    return send_times(now=now, zone=zone_of(request.shop), until=until)


def bubbles_html(
    request: InboxRequest,
    shown: list[dict[str, Any]],
    *,
    names: dict[str, str],
    writing: list[str],
    points: Iterable[ContactPoint],
) -> str:
    types = presence.does_shopper_type(points)
    values = {"bubbles": shown, "names": names, "writing": writing, "shopper_types": types, "me": request.member}
    return draw(request, "parts/messages.html", **values)


def messages_of(request: ShopRequest, conversation: Conversation) -> tuple[list[dict[str, Any]], int | None]:
    """(oldest first, pk to ask for older ones with, or None)"""
    rows: QuerySet[Message] = conversation.messages.select_related("channel", "run__flow")
    before = request.GET.get("before", "")
    if before:
        if not before.isdigit() or len(before) > 18:
            raise Http404
        rows = rows.filter(pk__lt=int(before))
    newest = list(rows.prefetch_related("attachments").order_by("-pk")[: SHOWN + 1])
    older = newest[SHOWN - 1].pk if len(newest) > SHOWN else None
    return [bubble(message) for message in reversed(newest[:SHOWN])], older


def with_stories(
    request: ShopRequest, conversation: Conversation, shown: list[dict[str, Any]], older: int | None
) -> list[dict[str, Any]]:
    before = request.GET.get("before")
    until = conversation.messages.filter(pk=before).values_list("happened_at", flat=True).first() if before else None
    return run_stories.between(conversation.contact, shown, oldest=older is None, until=until)


def bubble(message: Message) -> dict[str, Any]:
    """What the template draws for one message."""
    content = message.content or {}
    if (content.get("template") or {}).get("sent"):
        content = content | {"buttons": [], "url_button": None, "cards": []}
    stored = [file for file in message.attachments.all() if is_stored(file)]
    url_button = content.get("url_button") or {}
    return {
        "message": message,
        "text": without_keys(message.text) or _without_words(message),
        "stopped": message.status in STOPPED,
        "unproved": bool(content.get("unproved")),
        "choices": [button.get("title", "") for button in content.get("buttons") or []],
        "cards": cards_of(message, content),
        "link_title": url_button.get("title", ""),
        "picture": content["image_path"] if is_address(str(content.get("image_path") or "")) else "",
        "channel": ChannelKind(message.channel.kind).label if message.channel else "",
        "flow": message.run.flow.name if message.run else "",
        "waits": message.author == Author.PERSON and message.status in WAITING,
        "tick": TICKS.get(message.status, ""),
        "photos": [photo_urls(photo) for photo in stored if photo.thumbnail],
        "files": [file_of(file, content) for file in stored if not file.thumbnail],
        "photo_notes": [note_of(photo) for photo in message.attachments.all() if not is_stored(photo)],
    }


def cards_of(message: Message, content: dict[str, Any]) -> list[str]:
    """Where they went as cards; else the text has them in its lines."""
    if message.channel is None or not driver_for(message.channel.kind).shows_cards:
        return []
    return [": ".join(filter(None, (card.get("title"), card.get("text")))) for card in content.get("cards") or []]


def _without_words(message: Message) -> str:
    content = message.content or {}
    if content.get("taken_back"):
        return "Taken back by the shopper"
    return "" if message.attachments.all() else WITHOUT_WORDS.get(str(content.get("kind", "")), "")


def photo_urls(photo: Attachment) -> tuple[str, str]:
    """(whole, thumbnail): addresses that work for an hour or two."""
    return signed_media_url(photo), signed_media_url(photo, thumbnail=True)


def file_of(file: Attachment, content: dict[str, Any]) -> dict[str, Any]:
    """A voice message, a video or a document, at an address that works for an hour or two."""
    suffix = Path(file.file).suffix
    kind = TYPES.get(suffix, "").partition("/")[0]
    name = content.get("document_name") or suffix[1:].upper()
    return {"url": signed_media_url(file), "kind": kind, "name": name, "bytes": file.bytes}


def is_stored(photo: Attachment) -> bool:
    return photo.status == AttachmentStatus.STORED


def note_of(photo: Attachment) -> str:
    if photo.status == AttachmentStatus.WAITING:
        return f"A {kind_of(photo.claimed_type).lower()} is being fetched."
    return f"A file was not kept: {photo.reason or 'it is not a photo that we can open'}."


def is_late(conversation: Conversation, now: datetime) -> bool:
    """The shopper has waited longer than the team wants anybody to."""
    if conversation.waits_since is None:
        return False
    return conversation.waits_since < now - timedelta(minutes=targets_of(conversation).first_response_minutes)


def is_overdue(conversation: Conversation, now: datetime) -> bool:
    """Not solved within the time that the merchant set, and it is our turn."""
    if conversation.open_since is None or conversation.state != ConversationState.TEAM:
        return False
    return conversation.open_since < now - timedelta(hours=targets_of(conversation).resolution_hours)


def targets_of(conversation: Conversation) -> ShopSettings:
    return getattr(conversation.shop, "settings", None) or settings_of(conversation.shop)


def may_ask(conversation: Conversation, messages: list[Message]) -> bool:
    """A person has helped, and the flow that asks how it was is on."""
    if not any(message.author == Author.PERSON for message in messages):
        return False
    return conversation.shop.flows.filter(key="csat", status=FlowStatus.ON).exists()
