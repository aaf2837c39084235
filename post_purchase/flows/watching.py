"""What time alone brings: silence, a birthday, a parcel that nobody scans. Each flow that wants it watches for itself.

A flow's `watched_at` is how far it has looked. What crossed its line between then and now is recorded as FlowEvents in
the transaction that moves the mark, so a crash repeats harmlessly, and switching a flow on does not wake the past.
"""

import logging
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.db.models import Max, Q

from post_purchase.models import Contact, Flow, FlowEvent, FlowStatus, Order, Parcel
from post_purchase.services.events import record_event
from post_purchase.words import EventKind, ParcelState
from shopapp.lib import clock

from .claiming import trouble
from .definition import DocumentError, TriggerSpec
from .versions import document_of

log = logging.getLogger("post_purchase.flows")
ON_THE_WAY = (ParcelState.CONFIRMED, ParcelState.IN_TRANSIT, ParcelState.DELAYED, ParcelState.OUT_FOR_DELIVERY)
ASSUMED_AFTER = timedelta(days=2)  # after the estimate; carriers are late by a day more often than lost
LONGEST_SPAN = timedelta(days=7)  # clock away for longer: what was missed before that is past its use


def watch() -> int:
    """Look once for every flow that is on. Returns how many events were recorded."""
    found = 0
    for flow in Flow.objects.filter(status=FlowStatus.ON, live_version__isnull=False).order_by("pk"):
        try:
            trigger = document_of(flow.live_version_id).trigger
            if _LOOK.keys() & set(trigger.news):
                found += _watch(flow.pk, trigger)
        except DocumentError:
            log.exception("flows.version_broken", extra={"flow": flow.pk})
        except trouble():
            log.exception("flows.watch_failed", extra={"flow": flow.pk})  # the other flows go on
    return found


@transaction.atomic
def _watch(flow_pk: int, trigger: TriggerSpec) -> int:
    flow = Flow.objects.select_for_update(of=("self",)).select_related("shop").get(pk=flow_pk)
    now = clock.now()
    since, flow.watched_at = flow.watched_at, now
    flow.save(update_fields=["watched_at"])
    if since is None or not flow.shop.is_installed:
        return 0  # from now on
    since = max(since, now - LONGEST_SPAN)
    return sum(1 for news in trigger.news if news in _LOOK for _ in _LOOK[news](flow, trigger, since, now))


def _silent(flow: Flow, trigger: TriggerSpec, since: datetime, now: datetime) -> Iterable[FlowEvent]:
    """Contacts whose last order, or last word, is just `after` ago."""
    after = trigger.after or timedelta(0)
    start, end = since - after, now - after
    contacts = (
        Contact.objects.filter(shop=flow.shop, redacted_at=None, merged_into=None)
        .annotate(bought=Max("orders__placed_at", filter=Q(orders__test=False, orders__cancelled_at=None)))
        .filter(bought__lte=end)
        .filter(
            Q(bought__gt=start) | Q(conversation__last_inbound_at__gt=start, conversation__last_inbound_at__lte=end)
        )
        .select_related("conversation")
    )
    for contact in contacts.order_by("pk"):
        conversation = getattr(contact, "conversation", None)
        wrote = conversation.last_inbound_at if conversation else None
        last = max(contact.bought, wrote) if wrote else contact.bought
        if start < last <= end:
            yield record_event(
                shop=flow.shop,
                kind=EventKind.CONTACT_SILENT,
                key=f"{EventKind.CONTACT_SILENT}:{flow.pk}:{contact.pk}:{last.isoformat()}",
                contact=contact,
                data={"flow": flow.key, "days": after.days},
                happened_at=now,
            )


def _aged(flow: Flow, trigger: TriggerSpec, since: datetime, now: datetime) -> Iterable[FlowEvent]:
    """Orders that arrived `after` ago (were placed, where nothing is shipped)."""
    after = trigger.after or timedelta(0)
    start, end = since - after, now - after
    orders = Order.objects.filter(shop=flow.shop, cancelled_at=None, test=False).filter(
        Q(delivered_at__gt=start, delivered_at__lte=end)
        | Q(requires_shipping=False, delivered_at=None, placed_at__gt=start, placed_at__lte=end)
    )
    for order in orders.select_related("contact").order_by("pk"):
        yield record_event(
            shop=flow.shop,
            kind=EventKind.PURCHASE_AGED,
            key=f"{EventKind.PURCHASE_AGED}:{flow.pk}:{order.pk}",
            order=order,
            contact=order.contact,
            data={"flow": flow.key},
            happened_at=now,
        )


def _stalled(flow: Flow, trigger: TriggerSpec, since: datetime, now: datetime) -> Iterable[FlowEvent]:
    """Parcels under way whose last scan is just N working days old."""
    at_home = trigger.working_days or 3
    abroad = trigger.working_days_abroad or at_home
    longest = timedelta(days=max(at_home, abroad) * 2 + 4)
    parcels = Parcel.objects.filter(
        order__shop=flow.shop,
        order__cancelled_at=None,
        state__in=ON_THE_WAY,
        state_at__gt=since - longest,
        state_at__lte=now - timedelta(days=min(at_home, abroad)),
    ).select_related("order__contact")
    for parcel in parcels.order_by("pk"):
        home = not parcel.order.shipping_country or parcel.order.shipping_country == flow.shop.country
        crossed = add_working_days(parcel.state_at, at_home if home else abroad)
        if since < crossed <= now:
            yield _of_parcel(flow, parcel, EventKind.PARCEL_STALLED, parcel.state_at.isoformat(), now)


def _assumed(flow: Flow, trigger: TriggerSpec, since: datetime, now: datetime) -> Iterable[FlowEvent]:
    """Parcels that should have arrived two days ago, and of which the carrier says nothing."""
    parcels = Parcel.objects.filter(
        order__shop=flow.shop,
        order__cancelled_at=None,
        state__in=ON_THE_WAY,
        estimated_delivery_at__gt=since - ASSUMED_AFTER,
        estimated_delivery_at__lte=now - ASSUMED_AFTER,
        state_at__lte=now - ASSUMED_AFTER,
    ).select_related("order__contact")
    for parcel in parcels.order_by("pk"):
        yield _of_parcel(flow, parcel, EventKind.DELIVERY_ASSUMED, "", now)


def _of_parcel(flow: Flow, parcel: Parcel, kind: EventKind, mark: str, now: datetime) -> FlowEvent:
    return record_event(
        shop=flow.shop,
        kind=kind,
        key=f"{kind}:{flow.pk}:{parcel.pk}:{mark}",
        order=parcel.order,
        parcel=parcel,
        contact=parcel.order.contact,
        data={"flow": flow.key},
        happened_at=now,
    )


def _date(flow: Flow, trigger: TriggerSpec, since: datetime, now: datetime) -> Iterable[FlowEvent]:
    """A day of the year ("12-01"), or of a contact's own ("contact.birthday"), as the shop's calendar has it."""
    zone = zone_of(flow.shop.timezone)
    day = (since - trigger.offset).astimezone(zone).date() + timedelta(days=1)  # since's own was told when it began
    while day <= (now - trigger.offset).astimezone(zone).date():
        yield from _on_day(flow, trigger, day, now)
        day += timedelta(days=1)


def _on_day(flow: Flow, trigger: TriggerSpec, day: date, now: datetime) -> Iterable[FlowEvent]:
    contacts = Contact.objects.filter(
        shop=flow.shop, redacted_at=None, merged_into=None, conversation__last_inbound_at__isnull=False
    )
    mark = f"{day:%m-%d}"
    if trigger.date.startswith("contact."):
        contacts = contacts.filter(**{f"fields__{trigger.date.removeprefix('contact.')}__endswith": mark})
    elif trigger.date != mark:
        return
    for contact in contacts.order_by("pk"):
        yield record_event(
            shop=flow.shop,
            kind=EventKind.DATE_REACHED,
            key=f"{EventKind.DATE_REACHED}:{flow.pk}:{contact.pk}:{day.isoformat()}",
            contact=contact,
            data={"flow": flow.key, "date": day.isoformat()},
            happened_at=now,
        )


def zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def add_working_days(moment: datetime, days: int) -> datetime:
    """The same hour so many days later, Saturdays and Sundays not counted."""
    while days > 0:
        moment += timedelta(days=1)
        if moment.weekday() < 5:
            days -= 1
    return moment


_LOOK = {
    EventKind.CONTACT_SILENT: _silent,
    EventKind.PURCHASE_AGED: _aged,
    EventKind.PARCEL_STALLED: _stalled,
    EventKind.DELIVERY_ASSUMED: _assumed,
    EventKind.DATE_REACHED: _date,
}
