"""Where an answer can go, and what each network allows now: said before anything is typed."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from post_purchase.channels.base import Capability
from post_purchase.channels.registry import driver_for
from post_purchase.models import Channel, ChannelStatus, ContactPoint, Conversation, Draft
from post_purchase.services.arbiter import why_no_answer
from post_purchase.services.consent import consents_in, newest_states, who_wrote
from post_purchase.words import ChannelKind, Mode, Purpose
from shopapp.web.embedded import ShopRequest


@dataclass(frozen=True)
class ReplyWay:
    """One point that an answer can go to, and the window's rules for it, said before anything is typed."""

    point: ContactPoint
    channel: Channel
    capability: Capability

    @property
    def label(self) -> str:
        return ChannelKind(self.point.kind).label

    @property
    def pictures(self) -> bool:
        return self.free and driver_for(self.point.kind).takes_pictures(channel=self.channel)

    @property
    def documents(self) -> bool:
        return self.free and driver_for(self.point.kind).takes_documents(channel=self.channel)

    @property
    def caption(self) -> int | None:
        return driver_for(self.point.kind).caption

    @property
    def free(self) -> bool:
        return self.capability.mode == Mode.FREE

    @property
    def needs_template(self) -> bool:
        return self.capability.mode == Mode.TEMPLATE


def chosen_way(ways: list[ReplyWay], draft: Draft | None) -> ReplyWay | None:
    """Where the draft was meant to go, else where free text goes."""
    free = [way for way in ways if way.free]
    meant = [way for way in free if draft is not None and way.point.pk == draft.point_id]
    return next(iter(meant or free or ways), None)


def last_used(conversation: Conversation) -> list[ContactPoint]:
    return list(conversation.contact.points.order_by(F("last_inbound_at").desc(nulls_last=True), "pk"))


def reply_ways(
    request: ShopRequest, conversation: Conversation, now: datetime, *, points: list[ContactPoint] | None = None
) -> list[ReplyWay]:
    """Every point whose network is connected, last used first, with what it allows now. `points`: `last_used`."""
    points = last_used(conversation) if points is None else points
    channels = list(request.shop.channels.filter(status=ChannelStatus.ACTIVE).order_by("pk"))
    found: list[tuple[ContactPoint, Channel, Capability]] = []
    states, wrote = newest_states(points), who_wrote(points)
    for point in points:
        fitting = [channel for channel in channels if channel.kind == point.kind]
        own = [channel for channel in fitting if point.account_id in ("", channel.account_id)]
        if not own:
            continue
        capability = driver_for(point.kind).capability(
            point=point, channel=own[0], purpose=Purpose.SERVICE, now=now, typed=True
        )
        label, consents = ChannelKind(point.kind).label, consents_in(states[point.pk])
        why_not = why_no_answer(label, *consents, has_written=point.pk in wrote)
        if point.blocked_at is not None:
            why_not = f"{label} cannot be used: {point.blocked_reason or 'it does not reach the shopper'}"
        if why_not and capability.mode != Mode.NONE:
            capability = Capability(Mode.NONE, why_not)
        found.append((point, own[0], capability))
    return [ReplyWay(point=point, channel=channel, capability=capability) for point, channel, capability in found]
