"""Gathers what the arbiter must know about one message: the ways to reach the person, the hours, the history."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from post_purchase.channels.base import Outcome, OutMessage
from post_purchase.channels.registry import DRIVERS, driver_for
from post_purchase.models import (
    Channel,
    ChannelStatus,
    ConsentState,
    ContactPoint,
    DeliveryAttempt,
    Message,
    MessageTemplate,
    ShopSettings,
)
from post_purchase.touchpoints.choose import choose
from post_purchase.words import Author, ChannelKind, Direction, MessageStatus, Mode, Purpose

from . import consent
from .arbiter import CAP_SPAN, PROMOTIONS, Candidate, Proposal, Situation
from .templates import template_for


@dataclass(frozen=True)
class Way:
    """The rows behind one candidate."""

    point: ContactPoint
    channel: Channel
    template: MessageTemplate | None


@dataclass(frozen=True)
class Reach:
    proposal: Proposal
    situation: Situation
    ways: dict[tuple[int, int], Way]  # by (point, channel)


def gather(message: Message, *, now: datetime) -> Reach:
    """Everything `arbiter.judge` wants, in about a dozen queries."""
    settings = getattr(message.shop, "settings", None) or ShopSettings.objects.get_or_create(shop_id=message.shop_id)[0]
    content = OutMessage.model_validate(message.content)
    proposal = Proposal(
        purpose=Purpose(message.purpose),
        fixed_point_id=message.point_id if message.fixed_point else None,
        use_by_at=message.use_by_at,
        from_person=message.author == Author.PERSON,
        confirms_stop=message.step_id == consent.STOP_CONFIRMATION,
    )
    ways = _ways(message, settings, content)
    candidates = tuple(_candidates(message, proposal, ways, content, now))
    return Reach(proposal, _situation(message, settings, candidates, now), ways)


def points_for(message: Message) -> list[ContactPoint]:
    """The point that is answered, or the person's points that have proved the order, newest talk first."""
    if message.fixed_point:
        return [message.point] if message.point is not None else []
    points = ContactPoint.objects.filter(contact_id=message.contact_id)
    if message.order_id is not None:
        points = points.filter(bindings__order_id=message.order_id)
    spoken = [point for point in points if point.last_inbound_at]
    silent = [point for point in points if not point.last_inbound_at]
    spoken.sort(key=lambda point: (point.last_inbound_at, point.pk), reverse=True)
    return spoken + silent


def channels_by_kind(shop_id: int) -> dict[str, list[Channel]]:
    found: dict[str, list[Channel]] = {}
    connected = Channel.objects.exclude(status=ChannelStatus.DISCONNECTED).filter(kind__in=DRIVERS, shop_id=shop_id)
    for channel in connected.select_related("shop__settings").order_by("pk"):
        found.setdefault(channel.kind, []).append(channel)
    return found


def channel_of(point: ContactPoint, channels: dict[str, list[Channel]]) -> Channel | None:
    """The account that this point knows: its own page or bot, else the one that it last talked with, else the first."""
    mine = channels.get(point.kind, [])
    if point.account_id:
        return next((channel for channel in mine if channel.account_id == point.account_id), None)
    if len(mine) > 1:
        last = (
            Message.objects.filter(point=point, direction=Direction.IN, channel__in=mine)
            .order_by("-pk")
            .values_list("channel_id", flat=True)
            .first()
        )
        mine = [channel for channel in mine if channel.pk == last] or mine
    return mine[0] if mine else None


def _ways(message: Message, settings: ShopSettings, content: OutMessage) -> dict[tuple[int, int], Way]:
    channels = channels_by_kind(message.shop_id)
    points = points_for(message)
    if not message.fixed_point:
        order = message.order
        country = (order.shipping_country if order else "") or message.contact.country
        kinds = {point.kind for point in points}
        ranked = choose(connected=kinds, merchant_order=settings.channel_order, country=country).ranked
        points.sort(
            key=lambda point: (point.last_inbound_at is None, 0 if point.last_inbound_at else ranked.index(point.kind))
        )
    ways: dict[tuple[int, int], Way] = {}
    for point in points:
        channel = channel_of(point, channels)
        if channel is not None:
            ways[point.pk, channel.pk] = Way(point, channel, _template(channel, content))
    return ways


def _template(channel: Channel, content: OutMessage) -> MessageTemplate | None:
    if content.template is None or not driver_for(channel.kind).has_templates:
        return None
    return template_for(channel, content.template.name, content.template.language)


def _candidates(
    message: Message, proposal: Proposal, ways: dict[tuple[int, int], Way], content: OutMessage, now: datetime
) -> list[Candidate]:
    states = consent.newest_states([way.point for way in ways.values()])
    refused = {
        (attempt.point_id, attempt.channel_id): attempt
        for attempt in DeliveryAttempt.objects.filter(
            message=message, outcome=DeliveryAttempt.Outcome.REFUSED
        ).order_by("number")
    }
    found = []
    for key, way in ways.items():
        point, channel = way.point, way.channel
        capability = driver_for(channel.kind).capability(
            point=point, channel=channel, purpose=proposal.purpose, now=now, typed=proposal.from_person
        )
        mode, why = capability.mode, capability.reason
        blocked = point.blocked_reason or "it cannot be reached" if point.blocked_at else ""
        earlier = refused.get(key)
        if earlier is not None and earlier.decided == Outcome.USE_TEMPLATE and mode == Mode.FREE:
            mode, why = Mode.TEMPLATE, earlier.error
        if earlier is not None and earlier.decided == Outcome.OTHER_CHANNEL:
            blocked = blocked or earlier.error
        found.append(
            Candidate(
                point_id=point.pk,
                channel_id=channel.pk,
                kind=ChannelKind(point.kind),
                mode=Mode(mode),
                mode_reason=why,
                blocked_reason=blocked,
                halted_reason=channel.status_reason or "it needs mending"
                if channel.status == ChannelStatus.HALTED
                else "",
                not_before=channel.not_before,
                granted=frozenset(p for p, state in states[point.pk].items() if state == ConsentState.GRANTED),
                withdrawn=frozenset(p for p, state in states[point.pk].items() if state == ConsentState.WITHDRAWN),
                has_template=way.template is not None,
            )
        )
    return found


def _situation(message: Message, settings: ShopSettings, candidates: tuple[Candidate, ...], now: datetime) -> Situation:
    order, contact, shop = message.order, message.contact, message.shop
    zone = (order.timezone if order else "") or contact.timezone
    return Situation(
        candidates=candidates,
        timezone=zone,
        country=(order.shipping_country if order else "") or contact.country,
        place=(order.shipping_city if order and order.timezone else "") or zone.rpartition("/")[2].replace("_", " "),
        quiet_from=settings.quiet_from,
        quiet_until=settings.quiet_until,
        promotions_sent_at=_promotions(message, now),
        max_promotions_per_week=settings.max_promotions_per_week,
        delivered=order is not None and order.delivered_at is not None,
        handed_off=message.conversation.handed_off_at is not None,
        shop_installed=shop.is_installed,
        fallback_zones=(shop.timezone,),
    )


def _promotions(message: Message, now: datetime) -> tuple[datetime, ...]:
    """Also those on their way: two workers must not both see room for one more."""
    if message.purpose not in PROMOTIONS:
        return ()
    sent = Message.objects.filter(contact_id=message.contact_id, direction=Direction.OUT, purpose__in=PROMOTIONS)
    sent = sent.exclude(pk=message.pk).filter(
        Q(sent_at__gt=now - CAP_SPAN)
        | Q(status=MessageStatus.SENDING, happened_at__gt=now - CAP_SPAN - timedelta(days=30))
    )
    return tuple(moment or now for moment in sent.values_list("sent_at", flat=True))
