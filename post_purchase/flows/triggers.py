"""Which runs does an event resume or end, and which does it start?"""

import logging
from typing import Any

from django.db.models import Q

from post_purchase.models import FlowEvent, FlowRun, FlowStatus, Order, RunStatus
from post_purchase.services.promises import greet, promise_person
from post_purchase.words import EventKind

from . import engine, runs
from .conditions import Facts
from .definition import DocumentError, FlowDocument
from .facts import gather, load_order
from .performing import tap_prefix
from .state import START, Event, RunState
from .step import Claim
from .versions import document_of

log = logging.getLogger("post_purchase.flows")
ABOUT_THE_SHOP = frozenset({EventKind.SHOP_UNINSTALLED})
SAID_BY_A_SHOPPER = frozenset({EventKind.MESSAGE_RECEIVED, EventKind.MEDIA_STORED})
ABOUT_ONE_RUN = frozenset({EventKind.REWARD_ISSUED, EventKind.REWARD_FAILED})


def handle_event(event: FlowEvent) -> int:
    """Hand the event to every run that it concerns. Repeating it changes nothing. Returns how many runs it moved."""
    if event.kind == EventKind.MESSAGE_RECEIVED:
        moved = _hand_to_one(event)
        if not moved and event.message is not None:
            silent = greet if event.data.get("handled") else promise_person
            silent(message=event.message)  # no answer of ours, no question of a flow
        return moved
    seen = as_engine_event(event)
    moved = sum(runs.apply(run_id=run.pk, event=seen, message=event.message) for run in _runs(event))
    return moved + _start(event)


def as_engine_event(event: FlowEvent, *, data: dict[str, Any] | None = None) -> Event:
    return Event(
        kind=event.kind,
        key=event.key,
        at=event.happened_at,
        data=dict(event.data) if data is None else data,
        parcel=event.parcel_id,
    )


def _runs(event: FlowEvent) -> list[FlowRun]:
    active = FlowRun.objects.filter(shop=event.shop, status=RunStatus.ACTIVE).order_by("pk")
    if event.kind in ABOUT_THE_SHOP:
        return list(active)
    if event.kind in ABOUT_ONE_RUN and event.data.get("run"):
        return list(active.filter(pk=event.data["run"]))
    concerned = Q(pk=None)
    if event.order_id:
        concerned |= Q(order_id=event.order_id)
    if event.contact_id and not event.order_id:
        concerned |= Q(contact_id=event.contact_id) | Q(order__contact_id=event.contact_id)
    if event.message is not None and event.message.point_id:
        proved = Q(order__bindings__point_id=event.message.point_id)
        concerned |= proved
        if event.kind in SAID_BY_A_SHOPPER:  # two people may share a contact: a gift's buyer and who unpacked it
            active = active.filter(Q(order=None) | proved)
    return list(active.filter(concerned).distinct())


def _hand_to_one(event: FlowEvent) -> int:
    """A message is one answer to one question: of the question asked last that it fits."""
    if event.data.get("handled"):
        return 0
    button = str(event.data.get("button_id", ""))
    candidates: list[tuple[int, float, FlowRun, Event]] = []
    for run in _runs(event):
        data = dict(event.data)
        if button.startswith("f") and ":" in button:
            if not button.startswith(tap_prefix(run.pk)):
                continue  # a tap on another run's question
            data["button_id"] = button.removeprefix(tap_prefix(run.pk))
        seen = as_engine_event(event, data=data)
        verdict, asked = _verdict(run, seen)
        if verdict != Claim.NO:
            candidates.append((0 if verdict == Claim.YES else 1, -asked, run, seen))
    candidates.sort(key=lambda candidate: candidate[:2])
    for *_, run, seen in candidates[:1]:
        return int(runs.apply(run_id=run.pk, event=seen, message=event.message))
    return 0


def _verdict(run: FlowRun, event: Event) -> tuple[Claim, float]:
    state = RunState.from_json(run.state)
    try:
        document = document_of(run.version_id)
    except DocumentError:
        return Claim.MAYBE, 0.0  # runs.apply parks it with the problem
    asked = max((thread.since.timestamp() for thread in state.threads if thread.since), default=0.0)
    facts: Facts = {}  # whose answer it is depends on the question alone
    return engine.claim(document, state, event, facts, event.at), asked


def _start(event: FlowEvent) -> int:
    """Runs of the flows that are on and wait for this kind of event."""
    flows = event.shop.flows.filter(status=FlowStatus.ON, live_version__isnull=False)
    if event.order_id is None:
        return 0
    order: Order | None = None
    facts: dict[str, Any] = {}
    started = 0
    for flow in flows.order_by("pk"):
        try:
            document = document_of(flow.live_version_id)
        except DocumentError:
            log.exception("flows.version_broken", extra={"flow": flow.pk})
            continue  # the other flows go on
        if event.kind not in document.trigger.news:
            continue
        if order is None:
            order = load_order(event.order_id)
            facts = gather(shop=event.shop, order=order, contact=order.contact)
        if not _is_wanted(document, facts, event):
            continue
        subject = f"parcel:{event.parcel_id}" if document.trigger.subject == "parcel" else f"order:{order.pk}"
        began = Event(START, f"{START}:{event.key}", event.happened_at, {"by": event.kind}, event.parcel_id)
        started += runs.start(flow=flow, subject_key=subject, order=order, event=began) is not None
    return started


def _is_wanted(document: FlowDocument, facts: dict[str, Any], event: FlowEvent) -> bool:
    when = document.trigger.when
    if when is None:
        return True
    parcel = facts["parcels"].get(str(event.parcel_id)) if event.parcel_id else None
    return when.holds({**facts, "parcel": parcel, "event": {"kind": event.kind, **event.data}})
