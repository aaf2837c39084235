"""Gathers what the arbiter must know about messages: the ways to reach each person, the hours, the history.

`Facts` reads for a whole batch in a constant number of queries; `reach_of` then puts one message's facts together.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db.models import Max

from post_purchase.channels.base import Outcome, OutMessage, TemplateUse
from post_purchase.channels.registry import DRIVERS, driver_for
from post_purchase.models import (
    Channel,
    ChannelStatus,
    Contact,
    ContactPoint,
    DeliveryAttempt,
    Message,
    MessageTemplate,
    OrderBinding,
    ShopSettings,
)
from post_purchase.touchpoints.choose import choose
from post_purchase.words import Author, ChannelKind, Direction, Mode, Purpose
from shopapp.models import Shop

from . import consent, history, portfolios
from .arbiter import Candidate, Caps, Proposal, Situation
from .template_choice import NONE, Choice, choose_template, templates_for
from .timezones import zones_in


@dataclass(frozen=True)
class Way:
    """The rows behind one candidate."""

    point: ContactPoint
    channel: Channel
    choice: Choice = NONE

    @property
    def template(self) -> MessageTemplate | None:
        return self.choice.template


@dataclass(frozen=True)
class Reach:
    content: OutMessage
    proposal: Proposal
    situation: Situation
    ways: dict[tuple[int, int], Way]  # by (point, channel)
    tries: int  # calls to a network so far


class Facts:
    """The rows behind a batch of messages, read in about ten queries however many messages there are."""

    def __init__(self, messages: Collection[Message], *, now: datetime):
        self.now = now
        self.shops = _shops({message.shop_id for message in messages})
        self.channels = _channels(self.shops)
        self.points, self.bound = _points(messages)
        self.last_channel = self._last_channels(messages)
        self.templates = templates_for(
            channels=[channel.pk for channel in self._all_channels() if driver_for(channel.kind).has_templates],
            uses=[use for use in map(_template_use, messages) if use is not None],
        )
        points = {point.pk: point for message in messages for point in self.points_for(message)}
        self.states = consent.newest_states(points.values())
        typed = [m for m in messages if m.author == Author.PERSON]
        self.wrote = consent.who_wrote([point for message in typed for point in self.points_for(message)])
        self.attempts: dict[int, list[DeliveryAttempt]] = defaultdict(list)
        for attempt in DeliveryAttempt.objects.filter(message__in=messages).order_by("number"):
            self.attempts[attempt.message_id].append(attempt)
        self.first_words = portfolios.first_words(channels=self._all_channels(), points=points, now=now)
        self.history = history.History(messages, now=now)

    def reach_of(self, message: Message) -> Reach:
        """What `arbiter.judge` wants to know about this one. Raises ValueError where its content cannot be read."""
        content = OutMessage.model_validate(message.content)
        proposal = Proposal(
            purpose=Purpose(message.purpose),
            fixed_point_id=message.point_id if message.fixed_point else None,
            use_by_at=message.use_by_at,
            from_person=message.author == Author.PERSON,
            confirms_stop=message.step_id == consent.STOP_CONFIRMATION,
            run_id=message.run_id,
            keeps_channel=message.purpose in self.shops[message.shop_id].settings.kept_purposes,
        )
        ways = self._ways(message, content)
        candidates = tuple(self._candidates(message, proposal, ways))
        situation = self._situation(message, candidates)
        return Reach(content, proposal, situation, ways, tries=len(self.attempts[message.pk]))

    def points_for(self, message: Message) -> list[ContactPoint]:
        """The point that is answered, or the person's points that have proved the order, newest talk first."""
        if message.fixed_point:
            return [message.point] if message.point is not None else []
        points = self.points[message.contact_id]
        if message.order_id is not None:
            points = [point for point in points if (point.pk, message.order_id) in self.bound]
        spoken = [point for point in points if point.last_inbound_at]
        silent = [point for point in points if not point.last_inbound_at]
        spoken.sort(key=lambda point: (point.last_inbound_at, point.pk), reverse=True)
        return spoken + silent

    def channel_of(self, point: ContactPoint) -> Channel | None:
        """The account that this point knows: its own page or bot, else the one last talked with, else the first."""
        mine = self.channels[point.shop_id, point.kind]
        if point.account_id:
            return next((channel for channel in mine if channel.account_id == point.account_id), None)
        last = self.last_channel.get(point.pk)
        return next((channel for channel in mine if channel.pk == last), mine[0] if mine else None)

    def _all_channels(self) -> Iterable[Channel]:
        return (channel for each in self.channels.values() for channel in each)

    def _last_channels(self, messages: Iterable[Message]) -> dict[int, int]:
        """For points that could be reached through several accounts: which one they wrote to last."""
        unsure = {
            point.pk
            for message in messages
            for point in self.points_for(message)
            if not point.account_id and len(self.channels[point.shop_id, point.kind]) > 1
        }
        if not unsure:
            return {}
        accounts = [channel.pk for channel in self._all_channels()]
        heard = Message.objects.filter(point_id__in=unsure, direction=Direction.IN, channel_id__in=accounts)
        newest = heard.values_list("point_id", "channel_id").annotate(newest=Max("pk")).order_by("newest")
        return {point: channel for point, channel, _ in newest}

    def _ways(self, message: Message, content: OutMessage) -> dict[tuple[int, int], Way]:
        points = self.points_for(message)
        settings = self.shops[message.shop_id].settings
        if not message.fixed_point and len(points) > 1:
            order = message.order
            country = (order.shipping_country if order else "") or message.contact.country
            kinds = {point.kind for point in points}
            ranked = choose(connected=kinds, merchant_order=settings.channel_order, country=country).ranked
            points.sort(
                key=lambda point: (
                    point.kind != message.contact.preferred_kind,
                    point.last_inbound_at is None,
                    0 if point.last_inbound_at else ranked.index(point.kind),
                )
            )
        ways: dict[tuple[int, int], Way] = {}
        for point in points:
            channel = self.channel_of(point)
            if channel is not None:
                ways[point.pk, channel.pk] = Way(point, channel, self._template(channel, content, settings))
        return ways

    def _template(self, channel: Channel, content: OutMessage, settings: ShopSettings) -> Choice:
        if content.template is None or not driver_for(channel.kind).has_templates:
            return NONE
        rows = self.templates.get(channel.pk, ())
        return choose_template(rows, content.template, channel=channel, own=settings.default_language, now=self.now)

    def _candidates(
        self, message: Message, proposal: Proposal, ways: dict[tuple[int, int], Way]
    ) -> Iterable[Candidate]:
        refused = {
            (attempt.point_id, attempt.channel_id): attempt for attempt in self.attempts[message.pk] if attempt.decided
        }
        for key, way in ways.items():
            point, channel = way.point, way.channel
            capability = driver_for(channel.kind).capability(
                point=point, channel=channel, purpose=proposal.purpose, now=self.now, typed=proposal.from_person
            )
            mode, why = capability.mode, capability.reason
            blocked = point.blocked_reason or "it cannot be reached" if point.blocked_at else ""
            earlier = refused.get(key)
            if earlier is not None and earlier.decided == Outcome.USE_TEMPLATE and mode == Mode.FREE:
                mode, why = Mode.TEMPLATE, earlier.error
            if earlier is not None and earlier.decided == Outcome.OTHER_CHANNEL:
                blocked = blocked or earlier.error
            halted = channel.status == ChannelStatus.HALTED
            not_before, wait_reason = self._when(way, Mode(mode))
            granted, withdrawn = consent.consents_in(self.states[point.pk])
            yield Candidate(
                point_id=point.pk,
                channel_id=channel.pk,
                kind=ChannelKind(point.kind),
                mode=Mode(mode),
                mode_reason=why,
                blocked_reason=blocked,
                halted_reason=channel.status_reason or "it needs mending" if halted else "",
                not_before=not_before,
                wait_reason=wait_reason,
                granted=granted,
                withdrawn=withdrawn,
                has_written=point.pk in self.wrote,
                has_template=way.template is not None,
                template_waits=way.choice.waits,
            )

    def _when(self, way: Way, mode: Mode) -> tuple[datetime | None, str]:
        """The later of what the account was asked and what its portfolio allows to a first word."""
        asked = way.channel.not_before
        if mode != Mode.TEMPLATE:
            return asked, ""
        portfolio = portfolios.portfolio_of(way.channel)
        free, why = self.first_words.why_not(portfolio=portfolio, point_id=way.point.pk, now=self.now)
        return (free, why) if free and (asked is None or asked < free) else (asked, "")

    def _situation(self, message: Message, candidates: tuple[Candidate, ...]) -> Situation:
        order, contact, conversation = message.order, message.contact, message.conversation
        shop = self.shops[message.shop_id]
        zone = (order.timezone if order else "") or contact.timezone
        country = (order.shipping_country if order else "") or contact.country
        own_province = order.shipping_province if order and order.shipping_country else contact.province
        return Situation(
            candidates=candidates,
            timezone=zone,
            country=country,
            province=own_province,
            place=(order.shipping_city if order and order.timezone else "")
            or zone.rpartition("/")[2].replace("_", " "),
            quiet_from=shop.settings.quiet_from,
            quiet_until=shop.settings.quiet_until,
            own_quiet=own_quiet_of(contact),
            others=self.history.others(message),
            told=self.history.told(message),
            caps=caps_of(shop.settings),
            delivered=self.history.has_arrived(message),
            handed_off=conversation.handed_off_at is not None,
            awaits_team=conversation.answer_promised_at is not None and conversation.closed_at is None,
            unhappy_until=self.history.unhappy_until(message, days=shop.settings.unhappy_days),
            wrote_at=conversation.last_inbound_at,
            shop_installed=shop.is_installed,
            fallback_zones=() if zone else zones_in(country) or (shop.timezone,),
        )


def own_quiet_of(contact: Contact) -> tuple[time, time] | None:
    return (contact.quiet_from, contact.quiet_until) if contact.quiet_from and contact.quiet_until else None


def caps_of(settings: ShopSettings) -> Caps:
    return Caps(
        per_day=settings.max_promotions_per_day,
        per_week=settings.max_promotions_per_week,
        offers_per_week=settings.max_offers_per_week,
        pause=timedelta(hours=settings.promotion_pause_hours),
    )


def _shops(ids: set[int]) -> dict[int, Shop]:
    """With settings, without Shopify's tokens: decrypting those costs more than the rest of the row."""
    shops = Shop.objects.select_related("settings").defer("access_token", "refresh_token").in_bulk(ids)
    for shop in shops.values():
        if getattr(shop, "settings", None) is None:
            shop.settings = ShopSettings.objects.get_or_create(shop_id=shop.pk)[0]
    return shops


def _channels(shops: dict[int, Shop]) -> dict[tuple[int, str], list[Channel]]:
    """By (shop, kind), oldest first."""
    found: dict[tuple[int, str], list[Channel]] = defaultdict(list)
    connected = Channel.objects.exclude(status=ChannelStatus.DISCONNECTED).filter(kind__in=DRIVERS, shop_id__in=shops)
    for channel in connected.order_by("pk"):
        channel.shop = shops[channel.shop_id]
        found[channel.shop_id, channel.kind].append(channel)
    return found


def _points(messages: Iterable[Message]) -> tuple[dict[int, list[ContactPoint]], set[tuple[int, int]]]:
    """The points of each contact that a message may choose among, and which of them are bound to which order."""
    points: dict[int, list[ContactPoint]] = defaultdict(list)
    free = [message for message in messages if not message.fixed_point]
    if not free:
        return points, set()
    for point in ContactPoint.objects.filter(contact_id__in={each.contact_id for each in free}).order_by("pk"):
        points[point.contact_id].append(point)
    orders = {each.order_id for each in free if each.order_id is not None}
    bindings = OrderBinding.objects.filter(order_id__in=orders) if orders else OrderBinding.objects.none()
    return points, set(bindings.values_list("point_id", "order_id"))


def _template_use(message: Message) -> TemplateUse | None:
    """None also where it cannot be read: `reach_of` says so."""
    template = message.content.get("template") if isinstance(message.content, dict) else None
    try:
        return TemplateUse.model_validate(template) if template else None
    except ValueError:
        return None
