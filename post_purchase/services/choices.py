"""What a shopper decides about themselves, in a chat or on their page. Each change is a line of the ledger."""

from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import Q

from post_purchase.models import (
    ChoiceEntry,
    ConsentState,
    Contact,
    ContactPoint,
    Message,
    Order,
    OrderBinding,
)
from post_purchase.words import ChannelKind, EventKind, Purpose
from shopapp.lib import clock

from . import consent
from .events import record_event
from .phrases import load
from .suppressions import forget_stop
from .talk_language import language_of

MAX_SIZE = 24
SURE = (OrderBinding.Method.ORDER_EMAIL, OrderBinding.Method.ORDER_PHONE, OrderBinding.Method.MERCHANT)
CHOSEN = (Purpose.UTILITY, Purpose.REVIEW_REQUEST, Purpose.MARKETING)  # answers to what they write are not a choice


LANGUAGES = tuple(name for name in load("control") if name != "version")


class Choice(StrEnum):
    LANGUAGE = "language"
    CHANNEL = "channel"
    QUIET = "quiet"
    SIZE = "size"
    EXPORT = "export"
    ERASE = "erase"


@dataclass(frozen=True)
class Source:
    """Where a choice was made, for the ledger."""

    point: ContactPoint
    method: str  # chat, page
    wording: str
    key: str  # unique for each act
    proof: dict[str, Any] = field(default_factory=dict)


def texts_of(language: str) -> dict[str, str]:
    texts = load("control")
    found: dict[str, str] = texts.get(language.split("-")[0].split("_")[0].lower()) or texts["en"]
    return found


def version() -> str:
    return str(load("control")["version"])


def owns_all(point: ContactPoint) -> bool:
    """Whether this address is proved to be the buyer's own. A code from a card in the parcel is no such proof:
    who has only that sees, takes along and erases what this chat holds, and nothing of other chats.
    """
    if point.bindings.filter(method__in=SURE).exists():
        return True
    same = Q(pk__in=[])
    if point.kind == ChannelKind.EMAIL:
        same |= Q(email__iexact=point.address)
    elif point.phone:
        same |= Q(phone=point.phone)
    return Order.objects.filter(same, contact_id=point.contact_id, redacted_at=None).exists()


def points_of(point: ContactPoint, *, whole: bool) -> list[ContactPoint]:
    return list(point.contact.points.order_by("pk")[:8]) if whole else [point]


def may_get(states: dict[Purpose, str], purpose: Purpose) -> bool:
    """As the arbiter reads the ledger: a review request goes to who has news of the order, unless refused."""
    if states.get(purpose) == ConsentState.WITHDRAWN:
        return False
    asked = (purpose, Purpose.UTILITY) if purpose == Purpose.REVIEW_REQUEST else (purpose,)
    return any(states.get(each) == ConsentState.GRANTED for each in asked)


@transaction.atomic
def set_language(*, language: str, source: Source) -> None:
    """Raises ValueError where we do not speak it."""
    if language not in LANGUAGES:
        raise ValueError(language)
    _change(source, Choice.LANGUAGE, language, chosen_language=language)


@transaction.atomic
def set_channel(*, kind: str, source: Source) -> None:
    """ "" takes the wish back. Who wants their news there agrees to news there.

    Raises ValueError for a network on which we do not know them, or on which they have said no to news.
    """
    if kind:
        points = list(source.point.contact.points.filter(kind=kind).order_by("-last_inbound_at", "-pk"))
        states = consent.newest_states(points)
        if not any(may_get(states[point.pk], Purpose.UTILITY) for point in points):
            asked = [point for point in points if states[point.pk].get(Purpose.UTILITY) != ConsentState.WITHDRAWN]
            if not asked or not (asked[0] == source.point or owns_all(source.point)):
                raise ValueError(kind)
            allow(point=asked[0], purpose=Purpose.UTILITY, allowed=True, source=source)
    _change(source, Choice.CHANNEL, kind, preferred_kind=kind)


@transaction.atomic
def set_quiet(*, start: time | None, end: time | None, source: Source) -> None:
    """In the shopper's own time zone. None: no hours of their own."""
    if start is None or end is None or start == end:
        start = end = None
    value = f"{start:%H:%M}-{end:%H:%M}" if start and end else ""
    _change(source, Choice.QUIET, value, quiet_from=start, quiet_until=end)


@transaction.atomic
def set_size(*, size: str, source: Source) -> None:
    size = " ".join(size.split())[:MAX_SIZE]
    contact = Contact.objects.select_for_update(no_key=True).get(pk=source.point.contact_id)
    fields = {name: value for name, value in contact.fields.items() if name != "size"}
    _change(source, Choice.SIZE, size, fields=fields | ({"size": size} if size else {}))


@transaction.atomic
def allow(*, point: ContactPoint, purpose: Purpose, allowed: bool, source: Source) -> None:
    """One purpose on one network. After a STOP, news of the order also brings answers back, as START does."""
    purposes = [purpose]
    if allowed and purpose == Purpose.UTILITY:
        purposes.append(Purpose.SERVICE)
        forget_stop(point)
    for each in purposes:
        consent.record_consent(
            point=point,
            purpose=each,
            state=ConsentState.GRANTED if allowed else ConsentState.WITHDRAWN,
            method=f"control_{source.method}",
            wording=source.wording,
            wording_version=version(),
            language=language_of(point.contact),
            proof=source.proof,
            dedupe_key=f"control:{source.key}:{point.pk}:{each}",
        )
    if not allowed:
        record_event(
            shop=point.shop,
            kind=EventKind.OPTED_OUT,
            key=f"opted_out:control:{source.key}:{point.pk}:{purpose}",
            contact=point.contact,
            data={"point": point.pk, "purposes": [str(purpose)]},
        )


def note(*, source: Source, choice: Choice, value: str = "") -> None:
    """A line of the ledger for what changes no field: a copy was taken, an erasure was asked for."""
    _line(source, choice, value)


def facts_of(point: ContactPoint, language: str, *, whole: bool) -> list[tuple[str, str]]:
    """What we know, as (label, value) in the shopper's words. Addresses are shortened: a link can be passed on."""
    texts, contact = texts_of(language), point.contact
    points = points_of(point, whole=whole)
    orders = Order.objects.filter(Q(bindings__point__in=points) | (Q(contact=contact) if whole else Q(pk__in=[])))
    names = list(orders.filter(redacted_at=None).distinct().order_by("-placed_at").values_list("name", flat=True)[:11])
    quiet = f"{contact.quiet_from:%H:%M}–{contact.quiet_until:%H:%M}" if contact.quiet_from else ""
    told = [
        (texts["name"], contact.first_name),
        (texts["addresses"], ", ".join(f"{each.get_kind_display()} {shortened(each)}".strip() for each in points)),
        (texts["orders"], ", ".join(names[:10]) + (" …" if len(names) > 10 else "")),
        (texts["messages"], str(Message.objects.filter(point__in=points).count())),
        (texts["language"], texts_of(language_of(contact))["own_name"]),
        (texts["channel"], ChannelKind(contact.preferred_kind).label if contact.preferred_kind else ""),
        (texts["size"], str(contact.fields.get("size") or "")),
        (texts["quiet"], quiet),
    ]
    return [(label, value) for label, value in told if value]


def shortened(point: ContactPoint) -> str:
    """ "m…@example.com", "+49…78"; ids that say nothing to a person are left out."""
    if point.kind == ChannelKind.EMAIL:
        local, _, domain = point.address.partition("@")
        return f"{local[:1]}…@{domain}"
    number = point.phone.lstrip("+") or (point.address if point.address.isdigit() else "")
    return f"+{number[:2]}…{number[-2:]}" if point.kind in ("whatsapp", "sms") and len(number) > 6 else ""


def _change(source: Source, choice: Choice, value: str, **fields: Any) -> None:
    contact = source.point.contact
    if all(getattr(contact, name) == wanted for name, wanted in fields.items()):
        return
    Contact.objects.filter(pk=contact.pk).update(**fields)
    for name, wanted in fields.items():
        setattr(contact, name, wanted)
    _line(source, choice, value)


def _line(source: Source, choice: Choice, value: str) -> None:
    point = source.point
    ChoiceEntry.objects.create(
        shop_id=point.shop_id,
        contact_id=point.contact_id,
        point=point,
        name=choice,
        value=value[:64],
        method=source.method,
        wording=source.wording[:2000],
        wording_version=version(),
        language=language_of(point.contact),
        proof=source.proof,
        recorded_at=clock.now(),
    )
