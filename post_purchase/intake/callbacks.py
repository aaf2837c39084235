"""What the networks tell: messages, statuses, blocked, templates. A bad update stops no other."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from django.db import DatabaseError

from post_purchase.channels.base import (
    HumanTookOver,
    Inbound,
    LimitUpdate,
    Odd,
    PointUpdate,
    StatusUpdate,
    TakenBack,
    TemplateUpdate,
    Update,
)
from post_purchase.channels.registry import DRIVERS
from post_purchase.models import Channel, ChannelStatus, ConsentState
from post_purchase.services import consent, conversations, media, portfolios, statuses, templates
from post_purchase.services.contact_points import apply_point_update, find_point
from post_purchase.words import ChannelKind, Purpose
from shopapp.models import IncomingWebhook

log = logging.getLogger("post_purchase.callbacks")
AT_ONCE = 200  # statuses saved in one transaction
TROUBLE = (DatabaseError, LookupError, TypeError, ValueError, AttributeError)


def handle(webhook: IncomingWebhook, *, still_here: Callable[[], None]) -> None:
    """Repeating it changes nothing. The first trouble is raised last, so that the row comes again.

    A callback may hold a thousand updates: `still_here` is called after each few.
    `webhook.shop_id` is set where all of it is news of one shop: the caller saves it.
    """
    if webhook.source not in DRIVERS:
        return  # stored, and nobody here speaks it yet
    kind = ChannelKind(webhook.source)
    headers = {**webhook.headers, "webhook": str(webhook.pk)}
    channels = _Channels(kind)
    trouble: Exception | None = None
    for group in _groups(DRIVERS[kind].parse(body=bytes(webhook.body), headers=headers)):
        if len(group) > 1 and _applied_at_once(group, channels):
            still_here()
            continue
        for update in group:
            try:
                _apply(update, channels, webhook)
            except TROUBLE as error:
                log.warning("callback.update_failed", extra={"webhook": webhook.pk, "update": type(update).__name__})
                trouble = trouble or error
            still_here()
    shops = {channel.shop_id for channel in channels.known.values() if channel is not None}
    webhook.shop_id = shops.pop() if len(shops) == 1 else None
    if trouble is not None:
        raise trouble


def _groups(updates: Iterable[Update]) -> Iterator[list[Update]]:
    """In their order; statuses of one account that follow each other stand together, all others alone."""
    for _, run in groupby(updates, key=_kin):
        each = list(run)
        yield from (each[start : start + AT_ONCE] for start in range(0, len(each), AT_ONCE))


def _kin(update: Update) -> tuple[object, ...]:
    if isinstance(update, StatusUpdate) and update.before is None:
        return (update.account_id, update.channel_id)
    return (object(),)  # like nothing else


def _applied_at_once(group: Sequence[Update], channels: "_Channels") -> bool:
    """False: something is wrong with one of them, or nobody knows the account. They are then applied one by one."""
    updates = [update for update in group if isinstance(update, StatusUpdate)]
    try:
        channel = channels.find(updates[0].account_id, updates[0].channel_id)
        if channel is None:
            return False
        statuses.record_statuses(channel=channel, updates=updates)
    except TROUBLE:
        return False
    return True


class _Channels:
    """The channels that one callback speaks of, looked up once each."""

    def __init__(self, kind: ChannelKind):
        self.kind = kind
        self.known: dict[tuple[str, int | None], Channel | None] = {}

    def find(self, account_id: str, channel_id: int | None = None) -> Channel | None:
        key = (account_id, channel_id)
        if key not in self.known:
            connected = Channel.objects.select_related("shop__settings").exclude(status=ChannelStatus.DISCONNECTED)
            mine = connected.filter(kind=self.kind)
            found = mine.filter(pk=channel_id) if channel_id is not None else mine.filter(account_id=account_id)
            channel = found.order_by("pk").first()
            self.known[key] = channel if channel is not None and channel.shop.is_installed else None
        return self.known[key]


def _apply(update: Update, channels: _Channels, webhook: IncomingWebhook) -> None:
    if isinstance(update, Odd):
        log.info("callback.odd", extra={"webhook": webhook.pk, "source": webhook.source})
        return
    if isinstance(update, TemplateUpdate):
        templates.apply_update(update)
        return
    if isinstance(update, LimitUpdate):
        portfolios.apply_limit(update)
        return
    channel = channels.find(update.account_id, getattr(update, "channel_id", None))
    if channel is None:
        log.info("callback.no_channel", extra={"webhook": webhook.pk, "source": webhook.source})
        return
    if isinstance(update, Inbound):
        conversations.receive(channel=channel, inbound=update)
    elif isinstance(update, StatusUpdate):
        statuses.record_status(channel=channel, update=update)
    elif isinstance(update, TakenBack):
        media.take_back(channel=channel, provider_id=update.provider_id)
    elif isinstance(update, PointUpdate):
        _person(channel, update, webhook)
    elif isinstance(update, HumanTookOver):
        point = find_point(channel=channel, addresses=(update.address,))
        if point is not None:
            conversation = conversations.conversation_for(point.contact)
            conversations.hand_off(conversation=conversation, reason="A person answered in another app", by_team=True)


def _person(channel: Channel, update: PointUpdate, webhook: IncomingWebhook) -> None:
    point = apply_point_update(channel=channel, update=update)
    if point is None:
        return
    for purpose, state in (
        (update.stopped_purpose, ConsentState.WITHDRAWN),
        (update.resumed_purpose, ConsentState.GRANTED),
    ):
        if purpose is not None:
            consent.record_consent(
                point=point,
                purpose=Purpose(purpose),
                state=state,
                method="network",
                proof={"webhook": webhook.pk},
                dedupe_key=f"network:{webhook.pk}:{point.pk}:{purpose}:{state}",
            )
