"""Where a parcel is: from Shopify's fulfillments and the carrier's scans, in whatever order they come.

The state is computed from everything known, so that every order of the same news ends in the same row:
the highest rank (words.PARCEL_RANK) wins, within a rank the latest time. Where there are scans of a state, their clock
counts; what a fulfillment merely states counts until then.
"""

from datetime import datetime, timedelta

from post_purchase.models import Order, Parcel, ParcelEvent
from post_purchase.words import PARCEL_RANK, EventKind, ParcelState
from shopapp.lib import clock

from .events import record_event
from .parcel_data import SCAN_STATES, ParcelData, ScanData

NEWS_AGE = timedelta(days=3)  # older facts are history: they are kept, and start nothing
ON_THE_WAY = PARCEL_RANK[ParcelState.IN_TRANSIT]

EVENT_OF_STATE: dict[str, EventKind] = {
    ParcelState.LABEL: EventKind.PARCEL_LABEL,
    ParcelState.IN_TRANSIT: EventKind.PARCEL_SHIPPED,
    ParcelState.DELAYED: EventKind.PARCEL_DELAYED,
    ParcelState.OUT_FOR_DELIVERY: EventKind.PARCEL_OUT_FOR_DELIVERY,
    ParcelState.ATTEMPTED: EventKind.PARCEL_ATTEMPTED,
    ParcelState.READY_FOR_PICKUP: EventKind.PARCEL_READY_FOR_PICKUP,
    ParcelState.DELIVERED: EventKind.PARCEL_DELIVERED,
    ParcelState.FAILED: EventKind.PARCEL_FAILED,
}


def apply_parcel(*, order: Order, data: ParcelData, news: bool) -> Parcel:
    """Merge one fulfillment into its row. Call with the order's row locked; `settle_order` and `tell` come after."""
    parcel, created = Parcel.objects.get_or_create(
        order=order,
        shopify_id=data.shopify_id,
        defaults={"state_at": data.created_at, "shopify_updated_at": data.updated_at},
    )
    if created or data.updated_at >= parcel.shopify_updated_at:
        parcel.name = data.name
        parcel.carrier = data.carrier
        parcel.tracking_number = "" if order.redacted_at else data.tracking_number
        parcel.tracking_url = "" if order.redacted_at else data.tracking_url
        parcel.lines = data.lines or parcel.lines
        parcel.estimated_delivery_at = data.estimated_delivery_at or parcel.estimated_delivery_at
        parcel.shopify_updated_at = data.updated_at
    for scan in data.scans:
        save_event(parcel=parcel, scan=scan)
    settle_parcel(parcel=parcel, stated=_stated(order, data))
    return parcel


def apply_scan(*, parcel: Parcel, data: ScanData) -> None:
    save_event(parcel=parcel, scan=data)
    parcel.estimated_delivery_at = data.estimated_delivery_at or parcel.estimated_delivery_at
    settle_parcel(parcel=parcel, stated=None)


def save_event(*, parcel: Parcel, scan: ScanData) -> None:
    if scan.state is None:
        return
    erased = parcel.order.redacted_at is not None
    ParcelEvent.objects.get_or_create(
        parcel=parcel,
        state=scan.state,
        happened_at=scan.happened_at,
        defaults={
            "shopify_id": scan.shopify_id,
            "message": "" if erased else scan.message,
            "city": "" if erased else scan.city,
            "country": scan.country,
        },
    )


def _stated(order: Order, data: ParcelData) -> tuple[str, datetime]:
    """What the fulfillment itself says. Fulfilled without a word from the carrier counts as given to the carrier."""
    if data.cancelled:
        return ParcelState.CANCELLED, data.updated_at
    if data.shipment_status in SCAN_STATES:
        return SCAN_STATES[data.shipment_status], data.updated_at
    if data.status != "success":
        return ParcelState.LABEL, data.created_at
    if handed_over(order, data.tracking_number):
        return ParcelState.DELIVERED, data.created_at
    return ParcelState.IN_TRANSIT, data.created_at


def handed_over(order: Order, tracking_number: str) -> bool:
    """Nothing travels: bought at the counter, or nothing to ship."""
    return not tracking_number and (order.is_point_of_sale or not order.requires_shipping)


def settle_parcel(*, parcel: Parcel, stated: tuple[str, datetime] | None) -> None:
    """Compute the state from all scans and what was stated, and save the row."""
    scans = list(parcel.events.values_list("state", "happened_at"))
    scanned: dict[str, datetime] = {}
    for state, at in scans:
        scanned[state] = max(at, scanned.get(state, at))
    candidates = dict(scanned)
    for state, at in ((parcel.state, parcel.state_at), *((stated,) if stated else ())):
        if state not in scanned:
            candidates[state] = min(at, candidates.get(state, at))
    state = max(candidates, key=lambda each: (PARCEL_RANK[each], candidates[each], each))
    parcel.state, parcel.state_at = state, candidates[state]

    told = [*scans, *((stated,) if stated else ())]
    moving = [at for each, at in told if ON_THE_WAY <= PARCEL_RANK[each] < PARCEL_RANK[ParcelState.CANCELLED]]
    parcel.shipped_at = _earliest(parcel.shipped_at, moving)
    parcel.out_for_delivery_at = _earliest(
        parcel.out_for_delivery_at, [at for each, at in told if each == ParcelState.OUT_FOR_DELIVERY]
    )
    parcel.delivered_at = _earliest(parcel.delivered_at, [at for each, at in told if each == ParcelState.DELIVERED])
    parcel.save()


def settle_order(*, order: Order) -> None:
    """`delivered_at` once all that has to travel has arrived; None again when another parcel leaves. Saves the row."""
    parcels = [parcel for parcel in order.parcels.all() if parcel.state != ParcelState.CANCELLED]
    arrived = [parcel.delivered_at for parcel in parcels if parcel.state == ParcelState.DELIVERED]
    expected = [parcel.estimated_delivery_at for parcel in parcels if parcel.estimated_delivery_at]
    complete = bool(parcels) and len(arrived) == len(parcels) and _all_sent(order, parcels)
    order.delivered_at = max(at for at in arrived if at) if complete else None
    order.estimated_delivery_at = max(expected) if expected else None
    order.save(update_fields=["delivered_at", "estimated_delivery_at"])


def _all_sent(order: Order, parcels: list[Parcel]) -> bool:
    if order.fulfillment_status == "fulfilled":
        return True
    sent: dict[int, int] = {}
    for parcel in parcels:
        for line in parcel.lines:
            sent[line["line"]] = sent.get(line["line"], 0) + line["quantity"]
    wanted = order.lines.filter(requires_shipping=True).values_list("shopify_id", "current_quantity")
    return all(sent.get(line, 0) >= quantity for line, quantity in wanted)


def tell(*, order: Order, parcel: Parcel, news: bool) -> None:
    """Record the newest state for the flows, once per parcel and kind. States left behind are never told afterwards."""
    kind = EVENT_OF_STATE.get(parcel.state)
    if kind is None or order.cancelled_at or not is_news(order, parcel.state_at, news=news):
        return
    if handed_over(order, parcel.tracking_number):
        return
    _record(order, parcel, kind)
    if kind == EventKind.PARCEL_SHIPPED and parcel.events.filter(state=ParcelState.IN_TRANSIT).exists():
        _record(order, parcel, EventKind.PARCEL_IN_TRANSIT)


def _record(order: Order, parcel: Parcel, kind: EventKind) -> None:
    record_event(
        shop=order.shop,
        kind=kind,
        key=f"{kind}:{parcel.pk}",
        order=order,
        parcel=parcel,
        contact=order.contact,
        data={"parcel": parcel.name, "order_delivered": order.delivered_at is not None},
        happened_at=parcel.state_at,
    )


def tell_delivered(*, order: Order, was_delivered: bool, happened_at: datetime | None, news: bool) -> None:
    """Record that the whole order is there, once for each number of parcels: one that leaves later makes it open again.

    `happened_at`: when it became so without a parcel moving (the rest was refunded); None: when the last one arrived.
    """
    if was_delivered or order.delivered_at is None or order.cancelled_at:
        return
    moment = max(happened_at or order.delivered_at, order.delivered_at)
    if not is_news(order, moment, news=news):
        return
    kept = order.parcels.exclude(state=ParcelState.CANCELLED).count()
    record_event(
        shop=order.shop,
        kind=EventKind.ORDER_DELIVERED,
        key=f"{EventKind.ORDER_DELIVERED}:{order.pk}:{kept}",
        order=order,
        contact=order.contact,
        data={"delivered_at": order.delivered_at.isoformat()},
        happened_at=moment,
    )


def is_news(order: Order, happened_at: datetime, *, news: bool) -> bool:
    """Not history: after this installation and not older than three days."""
    return news and happened_at >= max(order.shop.installed_at, clock.now() - NEWS_AGE)


def _earliest(known: datetime | None, moments: list[datetime]) -> datetime | None:
    return min([*moments, *([known] if known else [])], default=None)
