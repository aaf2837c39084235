"""The consent ledger: append-only, the newest line per (point, purpose) counts, read when a message is sent."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from post_purchase.models import ConsentEntry, ConsentState, ContactPoint, Message, Order
from post_purchase.words import Direction, EventKind, Purpose
from shopapp.lib import clock

from . import consent_due, messages
from .events import record_event
from .phrases import phrase
from .suppressions import forget_stop
from .talk_language import language_of

EVERYTHING = tuple(Purpose)
STOP_CONFIRMATION = "stop_confirmation"  # Message.step_id of the one message that may follow a STOP


def record_consent(
    *,
    point: ContactPoint,
    purpose: Purpose | str,
    state: ConsentState | str,
    method: str,
    dedupe_key: str,
    wording: str = "",
    wording_version: str = "",
    language: str = "",
    proof: Mapping[str, Any] | None = None,
) -> ConsentEntry:
    """Add a line to the ledger. The same key adds nothing."""
    entry, created = ConsentEntry.objects.get_or_create(
        shop_id=point.shop_id,
        dedupe_key=dedupe_key,
        defaults={
            "contact_id": point.contact_id,
            "point": point,
            "kind": point.kind,
            "purpose": purpose,
            "state": state,
            "method": method,
            "wording": wording[:2000],
            "wording_version": wording_version,
            "language": language,
            "proof": dict(proof or {}),
            "recorded_at": clock.now(),
        },
    )
    if created and purpose == Purpose.MARKETING:
        consent_due.ledger_changed(point)
    return entry


def newest_states(points: Iterable[ContactPoint]) -> dict[int, dict[Purpose, str]]:
    """{point pk: {purpose: granted or withdrawn}} by the newest lines, in one query."""
    states: dict[int, dict[Purpose, str]] = {point.pk: {} for point in points}
    lines = ConsentEntry.objects.filter(point_id__in=states).order_by("recorded_at", "pk")
    for point_id, purpose, state in lines.values_list("point_id", "purpose", "state"):
        states[point_id][Purpose(purpose)] = state
    return states


def who_wrote(points: Collection[ContactPoint]) -> set[int]:
    """Keys of those of these points from which anything has come, proved or not."""
    proved = {point.pk for point in points if point.last_inbound_at is not None}
    others = {point.pk for point in points} - proved
    if not others:
        return proved
    came = Message.objects.filter(point_id__in=others, direction=Direction.IN).order_by()
    return proved | set(came.values_list("point_id", flat=True).distinct())


def consents_in(states: Mapping[Purpose, str]) -> tuple[frozenset[Purpose], frozenset[Purpose]]:
    """(granted, withdrawn) of one point's newest states."""
    granted = frozenset(purpose for purpose, state in states.items() if state == ConsentState.GRANTED)
    return granted, frozenset(purpose for purpose, state in states.items() if state == ConsentState.WITHDRAWN)


def granted_purposes(point: ContactPoint) -> frozenset[Purpose]:
    return _in_state(point, ConsentState.GRANTED)


def withdrawn_purposes(point: ContactPoint) -> frozenset[Purpose]:
    return _in_state(point, ConsentState.WITHDRAWN)


def _in_state(point: ContactPoint, wanted: str) -> frozenset[Purpose]:
    return frozenset(purpose for purpose, state in newest_states([point])[point.pk].items() if state == wanted)


def has_stopped(point: ContactPoint) -> bool:
    return Purpose.UTILITY in withdrawn_purposes(point)


def grant_conversation(*, point: ContactPoint, message: Message) -> None:
    """The shopper wrote: that is a yes to answers; after a STOP to answers only. For whoever had not granted it."""
    _record_for(point, message, [Purpose.SERVICE], ConsentState.GRANTED, "wrote_to_us")


def grant_order_news(*, point: ContactPoint, message: Message | None, order_id: int) -> None:
    """A chat was bound to an order: a yes to news of it. A STOP still counts; only START takes it back."""
    withdrawn = withdrawn_purposes(point)
    for purpose in (Purpose.SERVICE, Purpose.UTILITY):
        if purpose not in withdrawn:
            record_consent(
                point=point,
                purpose=purpose,
                state=ConsentState.GRANTED,
                method="chat_button",
                wording=message.text if message else "",
                proof={"message": message.pk if message else None, "order": order_id},
                dedupe_key=f"bound:{order_id}:{point.pk}:{purpose}",
            )


def stop_everything(*, point: ContactPoint, message: Message) -> Message | None:
    """STOP: no purpose is left on this point, what waits is dropped, the flows hear of it, one confirmation goes.

    Returns the confirmation, or None where the shopper had stopped before.
    """
    stopped_before = set(EVERYTHING) <= withdrawn_purposes(point)
    _record_for(point, message, EVERYTHING, ConsentState.WITHDRAWN, "stop_word")
    messages.cancel_waiting(contact=point.contact, reason="The shopper wrote STOP", keep_persons=False)
    record_event(
        shop=point.shop,
        kind=EventKind.OPTED_OUT,
        key=f"opted_out:{message.pk}",
        contact=point.contact,
        conversation=message.conversation,
        message=message,
        data={"point": point.pk, "kind": point.kind},
    )
    if stopped_before:
        return None
    language = language_of(point.contact)
    return messages.queue_answer(
        conversation=message.conversation,
        text=phrase("stopped", language),
        language=language,
        point=point,
        step_id=STOP_CONFIRMATION,
        dedupe_key=f"stop:{message.pk}",
    )


def stopped_at_network(*, point: ContactPoint, message: Message, wording: str, code: str) -> None:
    """The network will not deliver because the shopper told it STOP: the ledger says so too. `message` was ours.

    No confirmation: the network has given one. Lines that are there already are not written again.
    """
    open_ones = set(EVERYTHING) - withdrawn_purposes(point)
    for purpose in sorted(open_ones):
        record_consent(
            point=point,
            purpose=purpose,
            state=ConsentState.WITHDRAWN,
            method="network",
            wording=wording,
            proof={"message": message.pk, "code": code},
            dedupe_key=f"network:{message.pk}:{point.pk}:{purpose}",
        )


def start_again(*, point: ContactPoint, message: Message) -> Message:
    """START: answers, order news and review requests again; offers stay with their own yes."""
    purposes = (Purpose.SERVICE, Purpose.UTILITY, Purpose.REVIEW_REQUEST)
    _record_for(point, message, purposes, ConsentState.GRANTED, "start_word")
    forget_stop(point)
    for order in Order.objects.filter(bindings__point=point, redacted_at=None, delivered_at=None, cancelled_at=None):
        record_event(
            shop=point.shop,
            kind=EventKind.CONSENT_GIVEN,
            key=f"{EventKind.CONSENT_GIVEN}:{message.pk}:{order.pk}",
            order=order,
            contact=point.contact,
            conversation=message.conversation,
            data={"point": point.pk, "purposes": [str(purpose) for purpose in purposes]},
        )
    language = language_of(point.contact)
    return messages.queue_answer(
        conversation=message.conversation,
        text=phrase("started", language),
        language=language,
        point=point,
        dedupe_key=f"start:{message.pk}",
    )


def _record_for(point: ContactPoint, message: Message, purposes: Iterable[Purpose], state: str, method: str) -> None:
    for purpose in purposes:
        record_consent(
            point=point,
            purpose=purpose,
            state=state,
            method=method,
            wording=message.text,
            language=point.contact.language,
            proof={"message": message.pk},
            dedupe_key=f"{method}:{message.pk}:{point.pk}:{purpose}",
        )
