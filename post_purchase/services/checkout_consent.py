"""The question "news of this order?" on the thank-you and order-status pages: unticked, versioned, provable.

The tick proves a yes, not whose number it is. It is good for the order's own number or address only, and it joins no
two people: a number that somebody else has already written to us from stays theirs (docs/adr/0003).
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from post_purchase.channels.registry import DRIVERS
from post_purchase.models import (
    ChannelStatus,
    CheckoutConsent,
    ConsentState,
    ContactPoint,
    Order,
    OrderBinding,
)
from post_purchase.touchpoints.texts import consent_question, consent_version
from post_purchase.words import ChannelKind, EventKind, Purpose
from shopapp.lib import clock
from shopapp.lib.crypto import hash_secret
from shopapp.models import Shop

from . import consent
from .contact_points import find_point
from .events import record_event

ASKED_FOR = (ChannelKind.WHATSAPP, ChannelKind.SMS, ChannelKind.EMAIL)  # best first; each has an address in the order
BY_PHONE = (ChannelKind.WHATSAPP, ChannelKind.SMS)
METHOD = "checkbox"
MOST_CHANGES = 20  # of one tick; more is a machine


class TooManyChanges(Exception):
    """Somebody ticks and unticks by machine."""


@dataclass(frozen=True)
class Question:
    kind: str
    text: str
    version: str
    language: str
    granted: bool


def question_for(
    *, shop: Shop, checkout_token: str, order: Order | None, language: str, has_phone: bool | None = None
) -> Question | None:
    """What to ask here, in this language, and what was answered before. None: no network for news, or none to come.

    `has_phone`: what the page knows of the checkout, None where protected data is not approved. Only a number that is
    known to be there is asked about: a tick for one that is not could never hold.
    """
    connected = set(shop.channels.filter(status=ChannelStatus.ACTIVE).values_list("kind", flat=True))
    ticks = CheckoutConsent.objects.filter(shop=shop, checkout_token_hash=hash_secret(checkout_token))
    states = dict(ticks.values_list("kind", "state"))
    usable = [kind for kind in ASKED_FOR if kind in connected and _may_hold(kind, order, states, has_phone=has_phone)]
    if not usable:
        return None
    state = states.get(usable[0])
    if order is not None and (order.delivered_at or order.cancelled_at) and state != ConsentState.GRANTED:
        return None  # no more news to come; who has said yes can still take it back
    tag, text = consent_question(usable[0], language)
    return Question(usable[0], text, consent_version(), tag, state == ConsentState.GRANTED)


def _may_hold(kind: str, order: Order | None, states: dict[str, str], *, has_phone: bool | None) -> bool:
    """Has the order an address on this network? Before it is here: is one known, or was the question asked before?"""
    if order is not None:
        return bool(_address_of(order, kind))
    return kind not in BY_PHONE or has_phone is True or (has_phone is None and states.get(kind) == ConsentState.GRANTED)


@transaction.atomic
def save_tick(
    *, shop: Shop, checkout_token: str, kind: str, granted: bool, language: str, surface: str
) -> CheckoutConsent:
    """Keep the answer with the exact words that were asked, and make it effective where the order is here.

    Raises TooManyChanges. The same answer again changes nothing.
    """
    token_hash = hash_secret(checkout_token)
    tag, wording = consent_question(kind, language)
    state = ConsentState.GRANTED if granted else ConsentState.WITHDRAWN
    fields: dict[str, Any] = {
        "state": state,
        "wording": wording,
        "wording_version": consent_version(),
        "language": tag,
        "surface": surface,
        "recorded_at": clock.now(),
    }
    order = Order.objects.select_for_update().filter(shop=shop, checkout_token_hash=token_hash).first()
    row, created = CheckoutConsent.objects.select_for_update().get_or_create(
        shop=shop, checkout_token_hash=token_hash, kind=kind, defaults=fields | {"order": order}
    )
    if not created and row.state != state:
        if row.changes >= MOST_CHANGES:
            raise TooManyChanges
        row.changes += 1
        for name, value in fields.items():
            setattr(row, name, value)
        row.save()
    if order is not None:
        _apply(row, order)
    return row


def apply_ticks(*, order: Order) -> None:
    """The order has come: what was ticked before it holds from now on. Call inside the order's transaction."""
    if not order.checkout_token_hash:
        return
    for row in CheckoutConsent.objects.filter(shop_id=order.shop_id, checkout_token_hash=order.checkout_token_hash):
        _apply(row, order)


def _apply(row: CheckoutConsent, order: Order) -> None:
    if row.order_id is None:
        CheckoutConsent.objects.filter(pk=row.pk).update(order=order)
    if order.redacted_at is not None:
        return
    point = _point_of(order, row.kind)
    if point is None:
        return  # no address, or it is another person's; the row stays as the proof of what was ticked
    stopped = Purpose.UTILITY in consent.withdrawn_purposes(point) and not _withdrawn_by_tick(point)
    if stopped and row.state == ConsentState.GRANTED:
        return  # STOP was said in the chat itself; only START takes that back
    if row.state == ConsentState.WITHDRAWN and Purpose.UTILITY not in consent.granted_purposes(point):
        return
    key = f"tick:{row.pk}:{row.changes}"
    consent.record_consent(
        point=point,
        purpose=Purpose.UTILITY,
        state=row.state,
        method=METHOD,
        wording=row.wording,
        wording_version=row.wording_version,
        language=row.language,
        proof={"tick": row.pk, "order": order.pk, "surface": row.surface, "at": row.recorded_at.isoformat()},
        dedupe_key=key,
    )
    if row.state == ConsentState.GRANTED:
        OrderBinding.objects.get_or_create(
            point=point, order=order, defaults={"method": _method(row.kind), "bound_at": clock.now()}
        )
        record_event(
            shop=order.shop,
            kind=EventKind.CONSENT_GIVEN,
            key=f"{EventKind.CONSENT_GIVEN}:{key}",
            order=order,
            contact=point.contact,
            data={"point": point.pk, "kind": point.kind},
        )


def _withdrawn_by_tick(point: ContactPoint) -> bool:
    newest = point.consent_entries.filter(purpose=Purpose.UTILITY).order_by("-recorded_at", "-pk").first()
    return newest is not None and newest.method == METHOD


def _method(kind: str) -> str:
    return OrderBinding.Method.ORDER_EMAIL if kind == ChannelKind.EMAIL else OrderBinding.Method.ORDER_PHONE


def _address_of(order: Order, kind: str) -> str:
    return order.phone.lstrip("+") if kind in BY_PHONE else order.email.lower()


def _point_of(order: Order, kind: str) -> ContactPoint | None:
    """The point of the order's own address on this network, where it belongs to the order's contact or to nobody."""
    address = _address_of(order, kind)
    channel = order.shop.channels.filter(kind=kind, status=ChannelStatus.ACTIVE).order_by("pk").first()
    if not address or channel is None or kind not in DRIVERS or order.contact is None:
        return None
    point = find_point(channel=channel, addresses=(address,))
    if point is not None:
        return point if point.contact_id == order.contact_id else None
    return ContactPoint.objects.create(
        shop_id=order.shop_id,
        contact=order.contact,
        kind=kind,
        address=address,
        phone=order.phone if kind in BY_PHONE else "",
    )
