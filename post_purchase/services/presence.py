"""Showing the shopper that we have read, or are writing, where their network can. What fails is forgotten."""

import logging
import time
from collections.abc import Iterable
from datetime import timedelta

from post_purchase.channels.base import ChannelError
from post_purchase.channels.registry import driver_for
from post_purchase.models import ChannelStatus, ContactPoint, Conversation, PresenceSign
from post_purchase.words import ChannelKind, Direction
from shopapp.lib import clock, queue
from shopapp.lib.queue import Job, wake

from .inbox_states import tell_team

log = logging.getLogger("post_purchase.presence")
AGAIN = timedelta(seconds=20)  # networks show "is writing" for about 25 seconds
STALE = {True: timedelta(seconds=20), False: timedelta(hours=1)}  # typing, read: later it is no longer true, or odd
BATCH = 50
SECONDS = 20.0
SECONDS_SHOWN = 12  # the page says it again every six


def show(*, conversation: Conversation, point: ContactPoint | None = None, typing: bool = False) -> None:
    """A member has opened the conversation, or writes an answer to `point`. Told once, or every AGAIN while typing."""
    inbound = conversation.messages.filter(direction=Direction.IN, point__isnull=False, channel__isnull=False)
    if point is not None:
        inbound = inbound.filter(point=point)
    newest = inbound.exclude(provider_id="").select_related("channel").order_by("-pk").first()
    if newest is None or newest.channel is None or not driver_for(newest.channel.kind).shows_reading:
        return
    now = clock.now()
    told = PresenceSign.objects.filter(point=newest.point_id).first()
    if told and told.message_id == newest.pk and not (typing and (not told.typing or told.asked_at <= now - AGAIN)):
        return
    PresenceSign.objects.update_or_create(
        point_id=newest.point_id,
        defaults={"message": newest, "typing": typing, "asked_at": now, "next_attempt_at": now},
    )
    wake(Job.SHOW_PRESENCE)


def shopper_types(point: ContactPoint) -> None:
    """Their web chat says that they are writing: open inboxes see it for SECONDS_SHOWN."""
    queue.note(f"types:{point.pk}", seconds=SECONDS_SHOWN)
    tell_team(shop_id=point.shop_id)


def shopper_has_written(point: ContactPoint) -> None:
    queue.forget(f"types:{point.pk}")


def does_shopper_type(points: Iterable[ContactPoint]) -> bool:
    """In the web chat only: the other networks do not tell."""
    return any(point.kind == ChannelKind.WEBCHAT and queue.is_noted(f"types:{point.pk}") for point in points)


def show_due() -> int:
    """Each is tried once. Returns how many were."""
    end, tried = time.monotonic() + SECONDS, 0
    due = PresenceSign.objects.filter(next_attempt_at__lte=clock.now()).order_by("next_attempt_at", "pk")
    for sign in due.select_related("message__channel", "message__shop", "point")[:BATCH]:
        if time.monotonic() > end:
            break
        mine = PresenceSign.objects.filter(pk=sign.pk, next_attempt_at=sign.next_attempt_at)
        if mine.update(next_attempt_at=None):
            tried += _show(sign)
    return tried


def _show(sign: PresenceSign) -> bool:
    channel = sign.message.channel
    is_old = sign.asked_at < clock.now() - STALE[sign.typing]
    if is_old or channel is None or channel.status != ChannelStatus.ACTIVE or not sign.message.shop.is_installed:
        return False
    try:
        driver_for(channel.kind).mark_read(
            channel=channel, point=sign.point, provider_id=sign.message.provider_id, typing=sign.typing
        )
    except ChannelError as error:
        log.info("presence.not_shown", extra={"channel": channel.pk, "code": error.code})
    return True
