"""What the arbiter has to know about one message, gathered from the rows."""

from babel.core import get_global
from django.db.models import Q

from post_purchase.channels.base import OutMessage
from post_purchase.channels.registry import driver_for
from post_purchase.models import (
    Channel,
    ChannelStatus,
    ContactPoint,
    DeliveryAttempt,
    Message,
    MessageTemplate,
    Order,
    TemplateStatus,
)
from post_purchase.touchpoints.choose import channel_order
from post_purchase.words import ChannelKind, Mode
from shopapp.lib import clock

from .arbiter import CAP_SPAN, PROMOTIONS, Candidate, Proposal, Situation
from .consent import STOP_CONFIRMATION, newest_states

Ways = dict[int, tuple[Channel, ContactPoint]]  # by ContactPoint.pk


def proposal_of(message: Message) -> Proposal:
    return Proposal(
        purpose=message.purpose,
        fixed_point_id=message.point_id if message.fixed_point else None,
        use_by_at=message.use_by_at,
        from_person=message.author == "person",
        confirms_stop=message.step_id == STOP_CONFIRMATION,
    )


def situation_of(message: Message) -> tuple[Situation, Ways]:
    """The Situation, and the rows behind its candidates."""
    shop, contact, now = message.shop, message.contact, clock.now()
    order = message.order or Order.objects.filter(contact=contact).order_by("-placed_at").first()
    settings = shop.settings
    candidates, ways = _candidates(message, order)
    zone = (order.timezone if order else "") or contact.timezone
    country = (order.shipping_country if order else "") or contact.country or shop.country
    situation = Situation(
        candidates=candidates,
        timezone=zone,
        country=country,
        place=(order.shipping_city if order else "") or zone.split("/")[-1].replace("_", " "),
        quiet_from=settings.quiet_from,
        quiet_until=settings.quiet_until,
        promotions_sent_at=tuple(
            Message.objects.filter(contact=contact, purpose__in=PROMOTIONS, sent_at__gt=now - CAP_SPAN).values_list(
                "sent_at", flat=True
            )
        )
        if message.purpose in PROMOTIONS
        else (),
        max_promotions_per_week=settings.max_promotions_per_week,
        delivered=bool(order and order.delivered_at),
        handed_off=message.conversation.handed_off_at is not None,
        shop_installed=shop.is_installed,
        fallback_zones=() if zone else zones_of(country) or (shop.timezone,),
    )
    return situation, ways


def zones_of(country: str) -> tuple[str, ...]:
    """Every time zone of a country (CLDR)."""
    zones: dict[str, str] = get_global("zone_territories")
    return tuple(sorted(name for name, territory in zones.items() if territory == country))


def _candidates(message: Message, order: Order | None) -> tuple[tuple[Candidate, ...], Ways]:
    points = _points(message)
    channels = list(Channel.objects.filter(shop_id=message.shop_id).exclude(status=ChannelStatus.DISCONNECTED))
    consents = newest_states(points)
    refused = _refusals(message)
    content = OutMessage.model_validate(message.content)
    found: list[tuple[int, int, Candidate]] = []
    ways: Ways = {}
    ranks = channel_order(shop=message.shop, country=message.contact.country)
    for point in points:
        channel = _channel_for(point, channels)
        if channel is None or (channel.pk, "other_channel") in refused:
            continue
        candidate = _candidate(message, content, point, channel, consents[point.pk], refused)
        rank = ranks.index(point.kind) if point.kind in ranks else len(ranks)
        found.append((rank, -int((point.last_inbound_at or point.created_at).timestamp()), candidate))
        ways[point.pk] = (channel, point)
    found.sort(key=lambda entry: entry[:2])
    return tuple(candidate for _, _, candidate in found), ways


def _points(message: Message) -> list[ContactPoint]:
    """A reply has one point. Else all of the contact, but news of an order only goes to points that may see it."""
    if message.fixed_point:
        return list(ContactPoint.objects.filter(pk=message.point_id))
    points = ContactPoint.objects.filter(contact_id=message.contact_id)
    if message.order_id:
        points = points.filter(bindings__order_id=message.order_id)
    return list(points)


def _channel_for(point: ContactPoint, channels: list[Channel]) -> Channel | None:
    """The account that this person talked to; ids of Messenger, Instagram and Telegram belong to one account."""
    fitting = [
        channel
        for channel in channels
        if channel.kind == point.kind and (not point.account_id or channel.account_id == point.account_id)
    ]
    return min(fitting, key=lambda channel: (channel.status != ChannelStatus.ACTIVE, channel.pk), default=None)


def _refusals(message: Message) -> set[tuple[int, str]]:
    """(channel pk, outcome) of earlier attempts that were refused: services/delivery writes `outcome:code`."""
    attempts = DeliveryAttempt.objects.filter(message=message, outcome=DeliveryAttempt.Outcome.REFUSED)
    return {(channel or 0, code.split(":")[0]) for channel, code in attempts.values_list("channel_id", "error_code")}


def _candidate(
    message: Message,
    content: OutMessage,
    point: ContactPoint,
    channel: Channel,
    states: dict[object, str],
    refused: set[tuple[int, str]],
) -> Candidate:
    now = clock.now()
    capability = driver_for(channel.kind).capability(point=point, channel=channel, purpose=message.purpose, now=now)
    mode, mode_reason = capability.mode, capability.reason
    if (channel.pk, "use_template") in refused and mode == Mode.FREE:
        mode, mode_reason = Mode.TEMPLATE, "The network says that the messaging window has closed"
    return Candidate(
        point_id=point.pk,
        channel_id=channel.pk,
        kind=ChannelKind(channel.kind),
        mode=mode,
        mode_reason=mode_reason,
        blocked_reason=(point.blocked_reason or "the network refuses this person") if point.blocked_at else "",
        halted_reason=(channel.status_reason or "a person must look at it")
        if channel.status == ChannelStatus.HALTED
        else "",
        not_before=channel.not_before if channel.not_before and channel.not_before > now else None,
        granted=frozenset(purpose for purpose, state in states.items() if state == "granted"),  # type: ignore[misc]
        withdrawn=frozenset(purpose for purpose, state in states.items() if state == "withdrawn"),  # type: ignore[misc]
        has_template=mode == Mode.TEMPLATE and _has_template(content, channel),
    )


def _has_template(content: OutMessage, channel: Channel) -> bool:
    if content.template is None:
        return False
    return MessageTemplate.objects.filter(
        Q(language=content.template.language) | Q(language__startswith=content.template.language.split("_")[0]),
        channel=channel,
        name=content.template.name,
        status=TemplateStatus.APPROVED,
    ).exists()
