"""Answers at once, made only from facts: the order, its parcels, their scans with place and time. No fact, no claim."""

from datetime import timedelta
from typing import Any

from post_purchase.models import Message, Order, Parcel
from post_purchase.words import ParcelState
from shopapp.lib import clock

from . import bindings
from .messages import queue_answer
from .phrases import load, mentions, phrase
from .talk_language import language_of
from .texts import render
from .threads import hand_off

MOST_PARCELS = 5
MOST_ORDERS = 3
STILL_OPEN = timedelta(days=60)  # older ones without a delivery scan have arrived, or are the team's


def wants_person(text: str) -> bool:
    return mentions("person", text)


def answer_at_once(*, message: Message) -> Message | None:
    """Answer what is clearly asked. None: nothing was clear, or it is for the person who looks after this shopper.

    Where the order is, is told at any time: it is a fact, whoever else is at work.
    """
    point, conversation = message.point, message.conversation
    if point is None:
        return None
    if conversation.handed_off_at is not None:
        return _where(message) if mentions("where", message.text) and bindings.bound_orders(point).exists() else None
    if wants_person(message.text):
        hand_off(conversation=conversation, reason="The shopper asks for a person")
        return _answer(message, phrase("person_coming", _language(message)), name="person")
    if mentions("where", message.text):
        return _where(message)
    if mentions("thanks", message.text) and len(message.text) <= 40:
        return _answer(message, phrase("welcome", _language(message)), name="thanks")
    return None


def _where(message: Message) -> Message | None:
    """Of every order that is still on its way; else of the newest."""
    assert message.point is not None
    known = bindings.bound_orders(message.point)
    open_orders = known.filter(delivered_at=None, cancelled_at=None, placed_at__gt=clock.now() - STILL_OPEN)
    orders = list(open_orders[:MOST_ORDERS]) or list(known[:1])
    if not orders:
        return _answer(message, phrase("which_order", _language(message)), name="where")
    told = []
    for order in orders:
        line = where_is(order, language=_language(message, order))
        told.append(line if len(orders) == 1 or order.name in line else f"{order.name}: {line}")
    return _answer(message, "\n\n".join(told), name="where", order=orders[0])


def _language(message: Message, order: Order | None = None) -> str:
    return language_of(message.contact, order or message.conversation.order)


def where_is(order: Order, *, language: str) -> str:
    """The truth about an order, one line a parcel: state, carrier, place and time of the last scan, day expected."""
    if order.cancelled_at is not None:
        return _line("cancelled", order, {}, language)
    parcels = [parcel for parcel in order.parcels.all() if parcel.state != ParcelState.CANCELLED]
    if not parcels:
        name = "not_shipped" if order.requires_shipping else "nothing_to_ship"
        return _line(name, order, {}, language)
    lines = [_line("order", order, {}, language)] if len(parcels) > 1 else []
    lines += [_parcel_line(order, parcel, language, alone=len(parcels) == 1) for parcel in parcels[:MOST_PARCELS]]
    packed = sum(part.get("quantity", 1) for parcel in parcels for part in parcel.lines)
    units = sum(line.current_quantity for line in order.lines.all() if line.requires_shipping)
    if any(parcel.lines for parcel in parcels) and packed < units:
        lines.append(_line("rest", order, {}, language))
    return "\n".join(lines)


def _parcel_line(order: Order, parcel: Parcel, language: str, *, alone: bool) -> str:
    scan = parcel.events.last()
    titles = {line.shopify_id: line.title for line in order.lines.all()}
    parts = {
        "alone": alone,
        "items": [titles[part["line"]] for part in parcel.lines if part.get("line") in titles],
        "carrier": parcel.carrier,
        "url": parcel.tracking_url,
        "number": parcel.tracking_number,
        "place": scan.city if scan else "",
        "at": (scan.happened_at if scan else parcel.state_at).isoformat(),
        "expected": parcel.estimated_delivery_at.isoformat() if parcel.estimated_delivery_at else None,
    }
    return _line(parcel.state, order, parts, language)


def _line(name: str, order: Order, parts: dict[str, Any], language: str) -> str:
    sentences = load("where")
    words = sentences.get(language.split("-")[0].lower()) or sentences["en"]
    template = words.get(name) or words["in_transit"]
    expected = order.estimated_delivery_at.isoformat() if order.estimated_delivery_at else None
    values = {"expected": expected, "placed": order.placed_at.isoformat()} | parts | {"order": order.name}
    text = render(template, values, language=language, timezone=order.timezone or order.shop.timezone)
    return text[:1].upper() + text[1:]


def _answer(message: Message, text: str, *, name: str, order: Order | None = None) -> Message | None:
    if message.point is None:
        return None
    return queue_answer(
        conversation=message.conversation,
        text=text,
        language=_language(message, order),
        point=message.point,
        order=order,
        dedupe_key=f"answer:{name}:{message.pk}",
    )
