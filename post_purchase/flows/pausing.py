"""A person pauses one run and lets it go on. What happens to it meanwhile is kept and applied then, in its order."""

from django.db import transaction
from django.db.models import F

from post_purchase.models import FlowRun, Message, RunStatus, Timer
from post_purchase.services.messages import WAITING
from post_purchase.words import Direction, MessageStatus
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake

from . import runs
from .state import Event

HELD = "Paused by your team: it goes when the flow goes on"


@transaction.atomic
def pause(*, run: FlowRun) -> bool:
    """What it has queued and not sent yet waits too. False: it has ended, or is paused already."""
    going = FlowRun.objects.filter(pk=run.pk, status=RunStatus.ACTIVE, paused_at=None)
    if not going.update(paused_at=clock.now()):
        return False
    Timer.objects.filter(run=run, parked_at=None).update(next_attempt_at=None)
    Message.objects.filter(run=run, direction=Direction.OUT, status__in=WAITING).update(
        status=MessageStatus.HELD, reason=HELD, next_attempt_at=None
    )
    return True


@transaction.atomic
def resume(*, run: FlowRun) -> bool:
    """Waits that ended meanwhile are over at once. False: it was not paused."""
    if not FlowRun.objects.filter(pk=run.pk, paused_at__isnull=False).update(paused_at=None):
        return False
    for held in list(run.held_events.select_related("message").order_by("pk")):
        runs.apply(run_id=run.pk, event=Event.from_json(held.event), message=held.message)
    run.held_events.all().delete()
    Timer.objects.filter(run=run, next_attempt_at=None, parked_at=None).update(next_attempt_at=F("due_at"))
    Message.objects.filter(run=run, status=MessageStatus.HELD, reason=HELD).update(
        status=MessageStatus.QUEUED, reason="", next_attempt_at=clock.now()
    )
    wake(Job.HANDLE_TIMERS)
    wake(Job.SEND_MESSAGES)
    return True
