"""Rehearsals as rows: asked for, claimed under a lease, stopped when asked, begun anew after a kill.

flows/rehearsal plays them. A rehearsal writes its own two tables and nothing else.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from post_purchase.models import Flow, FlowStatus, Rehearsal, RehearsalStatus, RehearsedMessage
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake

LEASE = timedelta(minutes=3)  # renewed with every group of people
MAX_ATTEMPTS = 4
MOST_KEPT = 200_000  # messages listed one by one; all are counted
KEPT = timedelta(days=30)
OPEN = (RehearsalStatus.WAITING, RehearsalStatus.RUNNING)


class Stopped(Exception):
    """Somebody pressed Stop, or another worker has taken over."""


@transaction.atomic
def ask(*, flow: Flow, assumptions: Mapping[str, int], days: int, seed: int = 1, user: str = "") -> Rehearsal:
    """Rehearse the flow's draft over the last `days` days, soon. One that is still at it for this flow is stopped."""
    now = clock.now()
    Rehearsal.objects.filter(flow=flow, status__in=OPEN).update(status=RehearsalStatus.CANCELLED, next_attempt_at=None)
    live = flow.shop.flows.filter(status=FlowStatus.ON, live_version__isnull=False).order_by("pk")
    rehearsal = Rehearsal.objects.create(
        shop=flow.shop,
        flow=flow,
        document=flow.draft,
        versions={str(pk): version for pk, version in live.values_list("pk", "live_version_id")},
        assumptions=dict(assumptions),
        seed=seed,
        since=now - timedelta(days=days),
        until=now,
        asked_by=user[:64],
        asked_at=now,
        next_attempt_at=now,
    )
    wake(Job.REHEARSE)
    return rehearsal


def cancel(*, rehearsal: Rehearsal) -> bool:
    """Whoever plays it sees this with the next group of people. False: it had ended."""
    rows = Rehearsal.objects.filter(pk=rehearsal.pk, status__in=OPEN)
    return bool(rows.update(status=RehearsalStatus.CANCELLED, next_attempt_at=None, finished_at=clock.now()))


def claim() -> Rehearsal | None:
    """The oldest that is due, ours for LEASE, emptied of what a killed worker left."""
    now = clock.now()
    due = Rehearsal.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
    while (row := due.first()) is not None:
        mine = Rehearsal.objects.filter(pk=row.pk, next_attempt_at=row.next_attempt_at, attempts=row.attempts)
        taken = mine.update(
            next_attempt_at=now + LEASE, attempts=F("attempts") + 1, status=RehearsalStatus.RUNNING, done=0
        )
        if taken:
            claimed = Rehearsal.objects.select_related("shop__settings", "flow").get(pk=row.pk)
            RehearsedMessage.objects.filter(rehearsal=claimed).delete()
            return claimed
    return None


def note(*, rehearsal: Rehearsal, done: int, total: int) -> None:
    """Progress, and the lease. Raises Stopped where the row is no longer ours to play."""
    if not _mine(rehearsal).update(done=done, total=total, next_attempt_at=clock.now() + LEASE):
        raise Stopped


def keep(*, rehearsal: Rehearsal, rows: Iterable[RehearsedMessage]) -> None:
    RehearsedMessage.objects.bulk_create(rows, batch_size=500)


@transaction.atomic
def finish(*, rehearsal: Rehearsal, result: Mapping[str, Any]) -> None:
    """Keep the result; the flow's earlier rehearsals go."""
    now = clock.now()
    kept = _mine(rehearsal).update(
        status=RehearsalStatus.DONE, result=dict(result), next_attempt_at=None, finished_at=now, error=""
    )
    if kept:
        Rehearsal.objects.filter(flow=rehearsal.flow_id, pk__lt=rehearsal.pk).exclude(status__in=OPEN).delete()


def fail(*, rehearsal: Rehearsal, error: str) -> None:
    _mine(rehearsal).update(
        status=RehearsalStatus.FAILED, error=error[:255], next_attempt_at=None, finished_at=clock.now()
    )


def forget_old() -> None:
    """A month later the past is another one."""
    Rehearsal.objects.filter(asked_at__lt=clock.now() - KEPT).exclude(status__in=OPEN).delete()


def _mine(rehearsal: Rehearsal) -> Any:
    return Rehearsal.objects.filter(pk=rehearsal.pk, status=RehearsalStatus.RUNNING, attempts=rehearsal.attempts)
