"""Waits that are over. Claimed by lease, a batch at a time; cost follows what is due, not what is pending."""

import logging
from datetime import timedelta

from post_purchase.models import Timer
from shopapp.lib import clock

from . import runs
from .claiming import claim_due, give_up_or_wait, trouble
from .state import TIMER, Event

log = logging.getLogger("post_purchase.flows")
BATCH = 100
LEASE = timedelta(minutes=3)


def handle_due(*, tried_first: bool = False) -> int:
    """Handle one batch. Returns how many timers were claimed; 0: nothing is due."""
    claimed = claim_due(Timer.objects.all(), batch=BATCH, lease=LEASE, tried_first=tried_first)
    for pk in claimed:
        timer = Timer.objects.filter(pk=pk).first()
        if timer is None:
            continue  # its wait was ended by news
        try:
            handle(timer)
        except trouble() as error:
            log.exception("flows.timer_failed", extra={"timer": pk, "run": timer.run_id})
            give_up_or_wait(timer, error)
    return len(claimed)


def handle(timer: Timer) -> None:
    now = clock.now()
    event = Event(TIMER, f"{TIMER}:{timer.key}:{timer.due_at.isoformat()}", now, {"timer": timer.key})
    try:
        runs.apply(run_id=timer.run_id, event=event)
    except runs.Paused:
        Timer.objects.filter(pk=timer.pk, run__paused_at__isnull=False).update(next_attempt_at=None)
        return
    # Still there with the same time: its run has ended, or no longer waits for it.
    Timer.objects.filter(pk=timer.pk, due_at=timer.due_at).delete()
