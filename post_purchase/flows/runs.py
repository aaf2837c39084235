"""Applying one event to one run: state, log, timers and effects in one transaction, so a crash repeats harmlessly."""

import hashlib
import logging
from datetime import timedelta

from django.db import transaction

from post_purchase.models import Contact, Flow, FlowRun, HeldEvent, Message, Order, RunEvent, RunStatus, Timer
from post_purchase.services.texts import TextError
from post_purchase.words import EventKind
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake

from . import effects as effect_kinds
from . import engine, holes
from .conditions import Facts
from .definition import DocumentError, FlowDocument
from .facts import contact_to_speak_with, for_log, gather, load_order, reachable_points
from .performing import Scene, perform
from .state import ENDED, INTERRUPT, MOVED, PARKED, TIMER, Event, RunState
from .versions import document_of
from .wording import NoWording

log = logging.getLogger("post_purchase.flows")
# A run that is paused hears these all the same.
HEARD_IN_A_PAUSE = {INTERRUPT, MOVED, EventKind.OPTED_OUT, EventKind.CONTACT_REDACTED, EventKind.SHOP_UNINSTALLED}
_STATUS = {ENDED: RunStatus.ENDED, PARKED: RunStatus.PARKED}


class Paused(Exception):
    """This run is paused: the wait that is over is looked at when it goes on."""


@transaction.atomic
def start(
    *,
    flow: Flow,
    subject_key: str,
    order: Order | None,
    event: Event,
    contact: Contact | None = None,
    again_after: timedelta | None = None,
    if_running: str = "passive",
    version_id: int | None = None,
    message: Message | None = None,
) -> FlowRun | None:
    """Begin a run: once per flow and subject, or again after `again_after`. None: it was begun before, or may not.

    `message`: what the shopper just wrote, where that began it.
    """
    version_id = version_id or flow.live_version_id
    if version_id is None:
        return None
    contact = contact or (order.contact if order else None)
    if again_after is not None or if_running != "passive":
        Flow.objects.select_for_update(of=("self",)).get(pk=flow.pk)  # two events at once: one after the other
    if again_after is not None:
        mine = f"{subject_key}@{hashlib.sha256(event.key.encode()).hexdigest()[:20]}"
        before = FlowRun.objects.filter(flow=flow, subject_key__startswith=f"{subject_key}@").exclude(subject_key=mine)
        if before.filter(started_at__gt=clock.now() - again_after).exists():
            return None
        subject_key = mine
    if if_running != "passive" and contact is not None:
        others = FlowRun.objects.filter(flow=flow, contact=contact, status=RunStatus.ACTIVE)
        others = others.exclude(subject_key=subject_key)
        if if_running == "skip" and others.exists():
            return None
        for other in others:
            interrupt(run_id=other.pk, reason="A newer run of the same flow took over", key=f"newer:{event.key}")
    run, created = FlowRun.objects.get_or_create(
        flow=flow,
        subject_key=subject_key,
        defaults={
            "shop_id": flow.shop_id,
            "version_id": version_id,
            "order": order,
            "parcel_id": event.parcel,
            "contact": contact,
            "started_at": clock.now(),
        },
    )
    if not created:
        return None
    apply(run_id=run.pk, event=event, message=message)
    return run


def interrupt(*, run_id: int, reason: str, key: str) -> bool:
    """End a run from outside; what it has not sent yet is dropped. False: it had ended."""
    return apply(run_id=run_id, event=Event(INTERRUPT, f"{INTERRUPT}:{key}"[:190], clock.now(), {"reason": reason}))


@transaction.atomic
def apply(*, run_id: int, event: Event, message: Message | None = None, version_id: int | None = None) -> bool:
    """Hand the event to the run. False: the run has ended, has had it, or it means nothing to it.

    With `version_id` the run goes on in that version (a MOVED event).
    """
    run = (
        FlowRun.objects.select_for_update(of=("self",))
        .select_related("shop", "contact__merged_into", "flow")
        .get(pk=run_id)
    )
    if run.status != RunStatus.ACTIVE or run.log.filter(event_key=event.key).exists():
        return False
    if run.paused_at is not None and event.kind not in HEARD_IN_A_PAUSE:
        _hold(run, event, message)
        return False
    if version_id is not None:
        run.version_id = version_id
    order = load_order(run.order_id) if run.order_id else None
    _follow_contact(run, order)
    before = RunState.from_json(run.state)
    try:
        document = document_of(run.version_id)
    except DocumentError as error:
        facts = gather(shop=run.shop, order=order, contact=run.contact, run_id=run.pk)
        return _park(run, event, facts, f"The flow's version is broken: {error}")
    known = gather(shop=run.shop, order=order, contact=run.contact, run_id=run.pk, more=document.asks_for)
    after, wanted, told = holes.advance(document, before, event, known, clock.now())
    if not wanted and after == before and version_id is None:
        return False
    run.order = order
    scene = Scene(run, document, told, after.answers, message=message)
    try:
        with transaction.atomic():
            for effect in wanted:
                perform(effect, scene)
    except (TextError, NoWording) as error:
        return _park(run, event, told, str(error))
    _save(run, document, after, event, told, wanted)
    return True


def _hold(run: FlowRun, event: Event, message: Message | None) -> None:
    """Until flows.pausing lets it go on. Raises Paused for a wait that is over: its timer stays."""
    if event.kind == TIMER:
        raise Paused
    HeldEvent.objects.get_or_create(
        run=run, event_key=event.key, defaults={"event": event.to_json(), "message": message}
    )


def _follow_contact(run: FlowRun, order: Order | None) -> None:
    contact = run.contact or (order.contact if order else None)
    while contact is not None and contact.merged_into is not None:
        contact = contact.merged_into
    run.contact = contact_to_speak_with(contact, reachable_points(order=order, contact=contact))


def _save(
    run: FlowRun,
    document: FlowDocument,
    state: RunState,
    event: Event,
    facts: Facts,
    wanted: list[effect_kinds.Effect],
) -> None:
    run.state = state.to_json()
    if state.threads or state.status != ENDED:  # of one that has ended: where it stood
        run.at_steps = " ".join(sorted({thread.step for thread in state.threads}))[:255]
    run.sequence += 1
    run.status = _STATUS.get(state.status, RunStatus.ACTIVE)
    if run.status == RunStatus.ACTIVE:
        run.waiting_for = engine.waiting_for(document, state)[:120]
    else:
        run.waiting_for, run.ended_reason = "", state.reason[:255]
        run.ended_at = clock.now() if run.status == RunStatus.ENDED else None
        log.info("flows.run_finished", extra={"run": run.pk, "status": run.status})
    told = ["state", "at_steps", "sequence", "status", "waiting_for", "ended_reason", "ended_at"]
    run.save(update_fields=[*told, "contact", "version"])
    _record(run, event, facts, wanted)
    _set_timers(run, state)


def _record(run: FlowRun, event: Event, facts: Facts, wanted: list[effect_kinds.Effect]) -> None:
    RunEvent.objects.create(
        run=run,
        sequence=run.sequence,
        event_key=event.key,
        event=event.to_json(),
        facts=for_log(facts),
        effects=[effect_kinds.to_json(effect) for effect in wanted],
        happened_at=clock.now(),
    )


def _set_timers(run: FlowRun, state: RunState) -> None:
    wanted = {thread.mark: thread.due_at for thread in state.threads if thread.due_at is not None}
    standing = {timer.key: timer for timer in run.timers.all()}
    Timer.objects.filter(pk__in=[timer.pk for key, timer in standing.items() if key not in wanted]).delete()
    for key, due_at in wanted.items():
        timer = standing.get(key)
        if timer is None:
            Timer.objects.create(run=run, key=key, due_at=due_at, next_attempt_at=due_at)
        elif timer.due_at != due_at or timer.next_attempt_at is None:
            timer.due_at = timer.next_attempt_at = due_at
            timer.attempts, timer.parked_at, timer.error = 0, None, ""
            timer.save(update_fields=["due_at", "next_attempt_at", "attempts", "parked_at", "error"])
    if any(due_at <= clock.now() for due_at in wanted.values()):
        wake(Job.HANDLE_TIMERS)


def _park(run: FlowRun, event: Event, facts: Facts, problem: str) -> bool:
    """Stop here and say why: the state stays as it was, so that a person can move the run on."""
    run.status, run.ended_reason, run.waiting_for = RunStatus.PARKED, problem[:255], ""
    run.sequence += 1
    run.save(update_fields=["status", "ended_reason", "waiting_for", "sequence"])
    run.timers.all().delete()
    _record(run, event, facts, [effect_kinds.Park(problem=problem)])
    log.warning("flows.run_parked", extra={"run": run.pk, "flow": run.flow_id, "version": run.version_id})
    return True
