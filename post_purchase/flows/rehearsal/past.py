"""Reads the past: orders, parcels, scans and chats of a shop, some hundred people at a time. It changes nothing."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from post_purchase.channels.registry import DRIVERS
from post_purchase.flows.facts import assemble, settings_of
from post_purchase.flows.product_facts import of_products
from post_purchase.models import (
    Channel,
    ChannelStatus,
    ConsentEntry,
    ContactPoint,
    FlowEvent,
    MessageTemplate,
    Order,
    OrderBinding,
    OrderLine,
    Parcel,
    ParcelEvent,
    Product,
    ProductGuide,
    TemplateStatus,
)
from post_purchase.services.reach import own_quiet_of
from post_purchase.services.template_words import digest_of
from post_purchase.words import ChannelKind, EventKind, Purpose
from shopapp.models import Shop

from .history import Scans, news_of
from .world import Address, Chat, OrderPast, Person, Theatre

DAYS = 90
STILL_OPEN = timedelta(days=60)  # an order of before may still have parcels under way when the weeks begin
TOLD_ONLY_THEN = (EventKind.ORDER_REFUNDED, EventKind.ORDER_EDITED, EventKind.RETURN_REQUESTED)
CLOSED_TALKS = "closed talks"
IF_NONE = (ChannelKind.WHATSAPP, ChannelKind.EMAIL)  # what is assumed where no channel is connected yet


@dataclass(frozen=True)
class Catalogue:
    more: frozenset[str] = frozenset()
    products: dict[int, Product] = field(default_factory=dict)
    guides: list[ProductGuide] = field(default_factory=list)


Key = tuple[int | None, int | None]  # (contact, None), or (None, order) where the order names nobody


def theatre_of(shop: Shop, since: datetime, until: datetime) -> Theatre:
    channels: dict[str, Channel] = {}
    connected = shop.channels.exclude(status=ChannelStatus.DISCONNECTED).filter(kind__in=DRIVERS)
    for channel in connected.defer("credentials_json").order_by("pk"):
        channels.setdefault(channel.kind, channel)
    made_up = not channels
    if made_up:
        channels = {kind.value: Channel(shop=shop, kind=kind.value, name=kind.label) for kind in IF_NONE}
    refused = MessageTemplate.objects.filter(
        channel__shop=shop,
        status__in=(TemplateStatus.REJECTED, TemplateStatus.PAUSED, TemplateStatus.DISABLED),
    )
    words = frozenset(digest_of(body) for body in refused.values_list("body", flat=True))
    settings = getattr(shop, "settings", None) or settings_of(shop)
    return Theatre(shop, settings, since, until, channels, made_up, words)


def keys_of(theatre: Theatre) -> list[Key]:
    """Everybody with an order in these weeks, in a fixed order: contacts, then the orders that name nobody."""
    orders = _orders(theatre)
    people = orders.filter(contact__isnull=False).order_by("contact_id").values_list("contact_id", flat=True).distinct()
    nameless = orders.filter(contact=None).order_by("pk").values_list("pk", flat=True)
    return [(pk, None) for pk in people] + [(None, pk) for pk in nameless]


def order_count(theatre: Theatre) -> int:
    return _orders(theatre).count()


def _orders(theatre: Theatre) -> QuerySet[Order]:
    since, until = theatre.since, theatre.until
    moved = Q(parcels__state_at__gte=since, placed_at__gte=since - STILL_OPEN)
    wanted = Order.objects.filter(shop=theatre.shop, redacted_at=None, placed_at__lte=until)
    open_before = wanted.filter(moved, placed_at__lt=since).values("pk")
    return wanted.filter(Q(placed_at__gte=since) | Q(pk__in=open_before))


def people(theatre: Theatre, keys: Collection[Key], *, more: frozenset[str]) -> Iterator[Person]:
    """These people, in the order asked for, in about ten queries.

    `more`: definition.COSTLY_FACTS that are named, and CLOSED_TALKS where a flow hears of them.
    """
    contacts = [contact for contact, _ in keys if contact is not None]
    nameless = [order for _, order in keys if order is not None]
    by_key = _orders_of(theatre, contacts, nameless)
    rows = [row for found in by_key.values() for row in found]
    scans, told = _scans(rows), _told(rows)
    addresses, chats = _addresses(theatre, contacts, rows)
    before = _bought_before(theatre, contacts) if "history" in more else {}
    closed = _closed_talks(theatre, contacts) if CLOSED_TALKS in more else {}
    catalogue = _catalogue(theatre, rows, more)
    for key in keys:
        found = by_key.get(key, [])
        if not found:
            continue
        contact = found[0].contact
        pk = contact.pk if contact else None
        mine = addresses.get(pk, []) if pk is not None else []
        yield Person(
            key=f"contact:{pk}" if pk is not None else f"order:{found[0].pk}",
            contact_id=pk,
            orders=[_past(theatre, row, scans, told, chats, catalogue) for row in found],
            addresses=mine,
            has_stopped=any(Purpose.UTILITY in each.withdrawn for each in mine),
            bought_before=tuple(before.get(pk, ())) if pk is not None else (),
            fields=contact.fields if contact else {},
            timezone=contact.timezone if contact else "",
            own_quiet=own_quiet_of(contact) if contact else None,
            closed=tuple(closed.get(pk, ())) if pk is not None else (),
            country=contact.country if contact else "",
            province=contact.province if contact else "",
        )


def _orders_of(theatre: Theatre, contacts: list[int], nameless: list[int]) -> dict[Key, list[Order]]:
    lines, parcels = OrderLine.objects.order_by("pk"), Parcel.objects.order_by("pk")
    rows = (
        _orders(theatre)
        .filter(Q(contact_id__in=contacts) | Q(pk__in=nameless))
        .select_related("contact")
        .defer("status_url")  # decrypting it costs more than the rest of the row
        .prefetch_related(Prefetch("lines", lines), Prefetch("parcels", parcels))
        .order_by("placed_at", "pk")
    )
    found: dict[Key, list[Order]] = defaultdict(list)
    for row in rows:
        found[(row.contact_id, None) if row.contact_id is not None else (None, row.pk)].append(row)
    return found


def _past(
    theatre: Theatre,
    row: Order,
    scans: dict[int, Scans],
    told: dict[int, list[tuple[str, datetime, dict[str, object]]]],
    chats: dict[int, Chat],
    catalogue: Catalogue,
) -> OrderPast:
    facts = assemble(
        shop=theatre.shop,
        settings=theatre.settings,
        order=_as_ordered(row),
        speaks_with=row.contact,
        started=False,
        handed_off=False,
    )
    if catalogue.more:
        facts |= of_products(
            row,
            facts["language"],
            facts["default_language"],
            catalogue.more,
            products=catalogue.products,
            guides=catalogue.guides,
        )
    return OrderPast(row, facts, news_of(row, facts, scans, told.get(row.pk, ())), chats.get(row.pk))


def _as_ordered(row: Order) -> Order:
    """Before it was cancelled or refunded the order had all that was ordered."""
    if row.cancelled_at is not None or row.refunded:
        for line in row.lines.all():
            line.current_quantity = line.quantity
    return row


def _scans(rows: list[Order]) -> dict[int, Scans]:
    parcels = [parcel.pk for row in rows for parcel in row.parcels.all()]
    found: dict[int, Scans] = defaultdict(list)
    events = ParcelEvent.objects.filter(parcel_id__in=parcels).order_by("happened_at", "pk")
    for parcel, state, at in events.values_list("parcel_id", "state", "happened_at"):
        found[parcel].append((state, at))
    return found


def _told(rows: list[Order]) -> dict[int, list[tuple[str, datetime, dict[str, object]]]]:
    """What no row remembers with its time, but the events of then do, as long as they are kept."""
    found: dict[int, list[tuple[str, datetime, dict[str, object]]]] = defaultdict(list)
    events = FlowEvent.objects.filter(order__in=[row.pk for row in rows], kind__in=TOLD_ONLY_THEN)
    for order, kind, at, data in events.order_by("happened_at", "pk").values_list(
        "order_id", "kind", "happened_at", "data"
    ):
        found[order].append((kind, at, data))
    return found


def _bought_before(theatre: Theatre, contacts: list[int]) -> dict[int, list[datetime]]:
    """When, before these weeks, oldest first."""
    older = Order.objects.filter(
        contact_id__in=contacts, placed_at__lt=theatre.since, test=False, cancelled_at=None
    ).exclude(pk__in=_orders(theatre).filter(contact_id__in=contacts).values("pk"))
    found: dict[int, list[datetime]] = defaultdict(list)
    for contact, at in older.order_by("placed_at", "pk").values_list("contact_id", "placed_at"):
        found[contact].append(at)
    return found


def _closed_talks(theatre: Theatre, contacts: list[int]) -> dict[int, list[tuple[datetime, dict[str, Any]]]]:
    """As long as the events of then are kept."""
    events = FlowEvent.objects.filter(
        contact_id__in=contacts,
        kind=EventKind.CONVERSATION_CLOSED,
        happened_at__gte=theatre.since,
        happened_at__lte=theatre.until,
    )
    found: dict[int, list[tuple[datetime, dict[str, Any]]]] = defaultdict(list)
    for contact, at, data in events.order_by("happened_at", "pk").values_list("contact_id", "happened_at", "data"):
        if contact is not None:
            found[contact].append((at, data))
    return found


def _catalogue(theatre: Theatre, rows: list[Order], more: frozenset[str]) -> Catalogue:
    """What Shopify says of these orders' products, and all guides: read where a flow names them."""
    wanted = more & {"bought", "guide"}
    if not wanted:
        return Catalogue()
    ids = {line.product_id for row in rows for line in row.lines.all() if line.product_id}
    products = {row.shopify_id: row for row in Product.objects.filter(shop=theatre.shop, shopify_id__in=ids)}
    guides = list(ProductGuide.objects.filter(shop=theatre.shop)) if "guide" in wanted else []
    return Catalogue(wanted, products, guides)


def _addresses(
    theatre: Theatre, contacts: list[int], rows: list[Order]
) -> tuple[dict[int, list[Address]], dict[int, Chat]]:
    """The addresses that these people really have, and the chats that they really opened."""
    wanted = Q(contact_id__in=contacts) | Q(bindings__order__in=[row.pk for row in rows])
    points = ContactPoint.objects.filter(wanted, shop=theatre.shop, kind__in=theatre.channels).distinct()
    known = {point.pk: point for point in points.order_by("pk")}
    states, since = _consents(known)
    made: dict[int, Address] = {}
    by_contact: dict[int, list[Address]] = defaultdict(list)
    for pk, point in known.items():
        state = states.get(pk, {})
        made[pk] = Address(
            point,
            theatre.channels[point.kind],
            frozenset(purpose for purpose, one in state.items() if one == "granted"),
            frozenset(purpose for purpose, one in state.items() if one == "withdrawn"),
            (point.blocked_reason or "it cannot be reached") if point.blocked_at else "",
        )
        by_contact[point.contact_id].append(made[pk])
    chats: dict[int, Chat] = {}
    bindings = OrderBinding.objects.filter(order__in=[row.pk for row in rows], point_id__in=known)
    owner = {row.pk: row.contact_id for row in rows}
    for order, point_id, at, kind in bindings.order_by("bound_at", "pk").values_list(
        "order_id", "point_id", "bound_at", "link__touchpoint__kind"
    ):
        address = made[point_id]
        if known[point_id].contact_id != owner[order]:
            continue  # somebody else has proved it: a gift; they are told by their own chat
        if Purpose.UTILITY in address.granted:
            chats.setdefault(order, Chat(max(at, since.get(point_id, at)), address, kind or ""))
        else:
            address.bound.add(order)
    return by_contact, chats


def _consents(points: Iterable[int]) -> tuple[dict[int, dict[Purpose, str]], dict[int, datetime]]:
    """The newest lines of the ledger, and since when news of orders are wanted."""
    states: dict[int, dict[Purpose, str]] = defaultdict(dict)
    since: dict[int, datetime] = {}
    lines = ConsentEntry.objects.filter(point_id__in=list(points)).order_by("recorded_at", "pk")
    for point, purpose, state, at in lines.values_list("point_id", "purpose", "state", "recorded_at"):
        states[point][Purpose(purpose)] = state
        if purpose == Purpose.UTILITY and state == "granted":
            since.setdefault(point, at)
    return states, since
