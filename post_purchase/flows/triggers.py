"""Which runs does an event resume or end, and which does it start?"""

import hashlib
import logging
import re
from typing import Any

from django.db.models import Q

from post_purchase.models import Flow, FlowEvent, FlowRun, FlowStatus, Order, RunStatus
from post_purchase.services.answers import understood
from post_purchase.services.promises import answer_late_tap, greet, promise_person
from post_purchase.words import EventKind

from . import engine, runs
from .conditions import Facts
from .definition import DocumentError, FlowDocument, TriggerSpec
from .facts import gather, load_order
from .performing import tap_prefix
from .state import START, Event, RunState
from .step import Claim
from .versions import document_of, version_for

log = logging.getLogger("post_purchase.flows")
ABOUT_THE_SHOP = frozenset({EventKind.SHOP_UNINSTALLED})
SAID_BY_A_SHOPPER = frozenset({EventKind.MESSAGE_RECEIVED, EventKind.MEDIA_STORED})
ABOUT_ONE_RUN = frozenset({EventKind.REWARD_ISSUED, EventKind.REWARD_FAILED, EventKind.PRODUCTS_FOUND})
# Somebody asked for exactly this flow: its trigger's news and conditions are not asked again.
ASKED_FOR = frozenset({EventKind.STARTED_BY_HAND, EventKind.SHOPIFY_FLOW, EventKind.API_CALLED})
_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def handle_event(event: FlowEvent) -> int:
    """Hand the event to every run that it concerns. Repeating it changes nothing. Returns how many runs it moved."""
    if event.kind == EventKind.MESSAGE_RECEIVED:
        moved = _hand_to_one(event) or (0 if event.data.get("handled") else _start(event))
        if not moved and event.message is not None:
            silent = greet if event.data.get("handled") else promise_person
            silent(message=event.message)  # no answer of ours, no question of a flow
            if not event.data.get("handled") and _is_our_tap(event):
                answer_late_tap(message=event.message)
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
    if event.kind == EventKind.OPTED_OUT and event.contact_id:
        # Somebody else who has proved the same order stops for themselves.
        active = active.filter(Q(contact=None) | Q(contact_id=event.contact_id))
    return list(active.filter(concerned).distinct())


def _hand_to_one(event: FlowEvent) -> int:
    """A message is one answer to one question: of the question asked last that it fits."""
    if event.data.get("handled") or event.data.get("only_files"):
        return 0
    button = str(event.data.get("button_id", ""))
    candidates: list[tuple[int, float, FlowRun, Event]] = []
    for run in _runs(event):
        if run.paused_at is not None:
            continue  # whoever paused it looks after the shopper
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


def _is_our_tap(event: FlowEvent) -> bool:
    """On a question of one of this shop's flows, whatever has become of its run."""
    number = str(event.data.get("button_id", "")).partition(":")[0].removeprefix("f")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return False
    return FlowRun.objects.filter(shop_id=event.shop_id, pk=int(number)).exists()


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
    if event.order_id is None and event.contact_id is None:
        return 0
    order: Order | None = None
    started = 0
    for flow in flows.order_by("pk"):
        try:
            version = version_for(flow, f"order:{event.order_id}" if event.order_id else f"contact:{event.contact_id}")
            document = document_of(version or flow.live_version_id)
        except DocumentError:
            log.exception("flows.version_broken", extra={"flow": flow.pk})
            continue  # the other flows go on
        trigger = document.trigger
        if not _is_meant(event, flow, trigger):
            continue
        if order is None and event.order_id:
            order = load_order(event.order_id)
        subject = _subject(trigger, event, order)
        if not subject or (event.kind not in ASKED_FOR and not _is_wanted(document, event, order)):
            continue
        if trigger.again_after is not None and _is_taken(flow, event):
            continue
        if event.kind == EventKind.REVIEW_WANTED and order is not None:
            subject = _asked_anew(flow, subject, event, order)
        began = Event(START, f"{START}:{event.key}", event.happened_at, {"by": event.kind}, event.parcel_id)
        run = runs.start(
            flow=flow,
            subject_key=subject,
            order=order,
            contact=event.contact,
            event=began,
            again_after=trigger.again_after,
            if_running=trigger.if_running,
            version_id=version,
            message=event.message,
        )
        started += run is not None
    return started


def _asked_anew(flow: Flow, subject: str, event: FlowEvent, order: Order) -> str:
    """Who taps "Leave a review" after the question went unanswered is asked once more: a run of its own."""
    earlier = FlowRun.objects.filter(Q(subject_key=subject) | Q(subject_key__startswith=f"{subject}@"), flow=flow)
    statuses = set(earlier.values_list("status", flat=True))
    if not statuses or RunStatus.ACTIVE in statuses or order.reviews.exists():
        return subject
    return f"{subject}@{hashlib.sha256(event.key.encode()).hexdigest()[:20]}"


def _is_taken(flow: Flow, event: FlowEvent) -> bool:
    """A run of this flow has heard this news and goes on (steps/digest gathers it): it begins no second run."""
    return FlowRun.objects.filter(flow=flow, status=RunStatus.ACTIVE, log__event_key=event.key).exists()


def _is_meant(event: FlowEvent, flow: Flow, trigger: TriggerSpec) -> bool:
    """News of a flow's own (its watch over time, a start by hand) is for that flow alone."""
    named = event.data.get("flow")
    if event.kind in ASKED_FOR:
        return bool(named == flow.key)
    if named is not None and named != flow.key:
        return False
    return event.kind in trigger.news


def _subject(trigger: TriggerSpec, event: FlowEvent, order: Order | None) -> str:
    """What a run is about: it is started once for each. Empty: the event has no such thing."""
    match trigger.subject:
        case "parcel":
            return f"parcel:{event.parcel_id}" if event.parcel_id else ""
        case "contact":
            contact = event.contact_id or (order.contact_id if order else None)
            return f"contact:{contact}" if contact else ""
        case "review":
            return f"review:{event.data['review']}" if event.data.get("review") else ""
        case _:
            return f"order:{order.pk}" if order else ""


def _is_wanted(document: FlowDocument, event: FlowEvent, order: Order | None) -> bool:
    trigger = document.trigger
    if event.kind == EventKind.MESSAGE_RECEIVED and not _fits_what_is_said(trigger, event):
        return False
    if trigger.when is None:
        return True
    contact = event.contact or (order.contact if order else None)
    facts = gather(shop=event.shop, order=order, contact=contact, more=document.asks_for)
    parcel = facts["parcels"].get(str(event.parcel_id)) if event.parcel_id else None
    return trigger.when.holds({**facts, "parcel": parcel, "event": {"kind": event.kind, **event.data}})


def _fits_what_is_said(trigger: TriggerSpec, event: FlowEvent) -> bool:
    """One of its words, or one of its intents; anything where it names neither."""
    if not trigger.words and not trigger.intents:
        return True
    if trigger.words and says(str(event.data.get("text", "")), trigger.words):
        return True
    return bool(
        trigger.intents and event.message is not None and understood(event.message).names & set(trigger.intents)
    )


def says(text: str, words: tuple[str, ...]) -> bool:
    """The message has one of the words, as a word: "return" is not in "returned"."""
    said = f" {' '.join(_WORD.findall(text.casefold()))} "
    return any(_as_sought(word) in said for word in words)


def _as_sought(word: str) -> str:
    """Japanese and Chinese are written without spaces: there a word is found anywhere."""
    plain = " ".join(_WORD.findall(word.casefold()))
    return plain if _UNSPACED.search(plain) else f" {plain} "
