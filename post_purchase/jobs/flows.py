"""The queue's door to the flows. Each job handles all that is due, in batches, and ends by itself."""

import itertools
import logging
import time
from collections.abc import Callable
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q

from post_purchase.flows import moving, timers, watching
from post_purchase.flows.claiming import TRIED_EVERY, claim_due, give_up_or_wait, trouble
from post_purchase.flows.triggers import handle_event
from post_purchase.models import FlowEvent
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake

log = logging.getLogger("post_purchase.flows")
BATCH = 50
LEASE = timedelta(minutes=2)
AT_MOST = 90.0  # seconds of work in one job; RQ's limit for the hot queue is 120


def handle_events() -> None:
    """Hand the recorded events to the flows: oldest first, those of one order or contact one after the other."""
    _until_none_is_due(_handle_batch, Job.HANDLE_EVENTS)


def handle_timers() -> None:
    """End the waits that are over."""
    _until_none_is_due(timers.handle_due, Job.HANDLE_TIMERS)


def _until_none_is_due(handle: Callable[..., int], job: Job) -> None:
    until = time.monotonic() + AT_MOST
    for turn in itertools.count(1):
        if not handle(tried_first=turn % TRIED_EVERY == 0):
            return
        if time.monotonic() > until:
            wake(job)
            return


def _handle_batch(*, tried_first: bool = False) -> int:
    earlier = FlowEvent.objects.filter(shop=OuterRef("shop"), next_attempt_at__isnull=False, pk__lt=OuterRef("pk"))
    # An event of the same order or contact that waits, or is just being handled elsewhere, goes first.
    blocked = Exists(earlier.filter(Q(order=OuterRef("order")) | Q(order=None, contact=OuterRef("contact"))))
    claimed = claim_due(FlowEvent.objects.exclude(blocked), batch=BATCH, lease=LEASE, tried_first=tried_first)
    for pk in claimed:
        event = FlowEvent.objects.select_related("shop", "message__point").get(pk=pk)
        try:
            handle_event(event)
        except trouble() as error:
            log.exception("flows.event_failed", extra={"event": pk, "kind": event.kind})
            give_up_or_wait(event, error)
        else:
            FlowEvent.objects.filter(pk=pk).update(done_at=clock.now(), next_attempt_at=None, error="")
    return len(claimed)


def watch_time() -> None:
    """Tell the flows what time alone has brought: silence, a birthday, a parcel without a scan."""
    watching.watch()


def move_runs() -> None:
    """Move runs under way to another version, where a merchant asked for it."""
    until = time.monotonic() + AT_MOST
    while moving.handle_due():
        if time.monotonic() > until:
            wake(Job.MOVE_RUNS)
            return
