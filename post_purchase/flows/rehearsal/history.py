"""An order's news in the order in which they came, and what was known of it at each. Pure: works on rows in memory.

The rows say how it ended. The facts are wound back to the beginning and forward again, as services/parcels and
services/orders would have done it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from post_purchase.models import Order, Parcel
from post_purchase.services.orders import is_fully_refunded
from post_purchase.services.parcels import EVENT_OF_STATE, ON_THE_WAY, handed_over
from post_purchase.words import PARCEL_RANK, EventKind, ParcelState

Scans = list[tuple[str, datetime]]  # (state, when), of one parcel


@dataclass(slots=True)
class News:
    """One moment: first the facts change, then the events are told."""

    at: datetime
    order: dict[str, Any] = field(default_factory=dict)  # changes of facts["order"]
    parcel: int | None = None
    parcel_facts: dict[str, Any] | None = None  # changes of facts["parcels"][parcel]
    tells: list[tuple[str, int | None, dict[str, Any]]] = field(default_factory=list)  # (kind, parcel, data)
    rank: int = 0  # among news of one moment


def beginning(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a finished order as they were when it was placed. `facts` itself stays as it is."""
    order = dict(facts["order"])
    order |= {
        "paid": False,
        "refunded": "0.00",
        "fully_refunded": False,
        "cancelled": False,
        "delivered": False,
        "delivered_at": None,
        "parcel_count": 0,
    }
    return {**facts, "order": order, "parcels": {}}


def news_of(
    order: Order,
    final: dict[str, Any],
    scans: dict[int, Scans],
    told: Iterable[tuple[str, datetime, dict[str, Any]]] = (),
) -> list[News]:
    """`final`: the order's facts now. `told`: (kind, when, data) of what only an event of its time knows (an edit)."""
    news = [News(order.placed_at, tells=[(EventKind.ORDER_PLACED, None, {})])]
    if order.paid_at:
        news.append(News(order.paid_at, {"paid": True}, tells=[(EventKind.ORDER_PAID, None, {})], rank=1))
    events = list(told)
    if order.cancelled_at:
        news.append(
            News(order.cancelled_at, {"cancelled": True}, tells=[(EventKind.ORDER_CANCELLED, None, {})], rank=9)
        )
    news += _refunds(order, [event for event in events if event[0] == EventKind.ORDER_REFUNDED])
    for kind, at, data in events:
        if kind != EventKind.ORDER_REFUNDED:
            news.append(News(at, tells=[(kind, None, data)], rank=5))
    news += _parcels(order, final, scans)
    news.sort(key=lambda one: (one.at, one.rank, one.parcel or 0))
    return news


def _refunds(order: Order, events: list[tuple[str, datetime, dict[str, Any]]]) -> Iterable[News]:
    """When money went back is known where we heard it then; else the order's last change is taken."""
    if not order.refunded:
        return
    full = is_fully_refunded(order)
    if not events:
        data = {"full": full, "amount": str(order.refunded), "currency": order.currency}
        events = [(EventKind.ORDER_REFUNDED, max(order.shopify_updated_at, order.placed_at), data)]
    sum_until = Decimal(0)
    for place, (kind, at, data) in enumerate(sorted(events, key=lambda event: event[1]), 1):
        last = place == len(events)
        sum_until += Decimal(str(data.get("amount", "0")))
        changes = {
            "refunded": str(order.refunded if last else sum_until),
            "fully_refunded": full and (last or sum_until >= order.total),
        }
        yield News(at, changes, tells=[(kind, None, data)], rank=8)


def _parcels(order: Order, final: dict[str, Any], scans: dict[int, Scans]) -> Iterable[News]:
    arrived = order.delivered_at
    parcels = [parcel for parcel in order.parcels.all() if parcel.state != ParcelState.CANCELLED]
    told_arrived = False
    steps = sorted(
        (
            (at, PARCEL_RANK[state], parcel.pk, parcel, state)
            for parcel in parcels
            for state, at in _states(parcel, scans)
        ),
        key=lambda step: step[:3],
    )
    known: set[int] = set()
    heard: set[tuple[int, str]] = set()
    for at, rank, pk, parcel, state in steps:
        facts: dict[str, Any] = {"state": state, "rank": rank}
        if pk not in known:
            known.add(pk)
            done = final["parcels"].get(str(pk), {})
            facts = {**done, "shipped_at": None, "out_for_delivery_at": None, "delivered_at": None} | facts
        if rank >= ON_THE_WAY and parcel.shipped_at:
            facts["shipped_at"] = parcel.shipped_at.isoformat()
        if state == ParcelState.OUT_FOR_DELIVERY and parcel.out_for_delivery_at:
            facts["out_for_delivery_at"] = parcel.out_for_delivery_at.isoformat()
        if state == ParcelState.DELIVERED and parcel.delivered_at:
            facts["delivered_at"] = parcel.delivered_at.isoformat()
        one = News(at, {"parcel_count": len(known)}, pk, facts, rank=2)
        complete = arrived is not None and state == ParcelState.DELIVERED and at >= arrived and not told_arrived
        if complete and arrived is not None:
            told_arrived = True
            one.order |= {"delivered": True, "delivered_at": arrived.isoformat()}
        over = order.cancelled_at is not None and order.cancelled_at <= at
        kind = EVENT_OF_STATE.get(state)
        if kind and not over and (pk, kind) not in heard and not handed_over(order, parcel.tracking_number):
            heard.add((pk, kind))
            one.tells.append((kind, pk, {"parcel": parcel.name, "order_delivered": bool(told_arrived)}))
        if complete and arrived is not None and not over:
            one.tells.append((EventKind.ORDER_DELIVERED, None, {"delivered_at": arrived.isoformat()}))
        yield one
    if arrived is not None and not told_arrived:  # its parcel's own time is later than the order's, or there is none
        news = News(arrived, {"delivered": True, "delivered_at": arrived.isoformat()}, rank=3)
        if order.cancelled_at is None:
            news.tells.append((EventKind.ORDER_DELIVERED, None, {"delivered_at": arrived.isoformat()}))
        yield news


def _states(parcel: Parcel, scans: dict[int, Scans]) -> Iterable[tuple[str, datetime]]:
    """The states that the parcel went through, each with its time: only forward, as services/parcels settles them."""
    told = list(scans.get(parcel.pk, ()))
    scanned = {state for state, _ in told}
    stated = (
        (parcel.state, parcel.state_at),
        (ParcelState.OUT_FOR_DELIVERY.value, parcel.out_for_delivery_at),
        (ParcelState.DELIVERED.value, parcel.delivered_at),
    )
    for state, at in stated:
        if at is not None and state not in scanned:
            scanned.add(state)
            told.append((state, at))
    moving = [at for state, at in told if PARCEL_RANK[state] >= ON_THE_WAY]
    if parcel.shipped_at and parcel.shipped_at < min(
        moving, default=datetime.max.replace(tzinfo=parcel.shipped_at.tzinfo)
    ):
        told.append((ParcelState.IN_TRANSIT.value, parcel.shipped_at))  # Shopify said so before the carrier did
    newest: tuple[int, datetime, str] | None = None
    for state, at in sorted(told, key=lambda one: (one[1], PARCEL_RANK[one[0]])):
        key = (PARCEL_RANK[state], at, state)
        if newest is None or key > newest:
            newest = key
            yield state, at
