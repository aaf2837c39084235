"""Claiming due rows by lease, on PostgreSQL and SQLite, and what happens to a row that fails or kills its worker."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import F, Model, QuerySet

from shopapp.lib import clock
from shopapp.lib.trouble import describe

log = logging.getLogger("post_purchase.flows")
MAX_ATTEMPTS = 6
NEVER_ENDED = "Tried too often without an end: it may have stopped its worker"
TRIED_EVERY = 5  # claims: then those that were tried before come first
FIRST_PAUSE = timedelta(seconds=5)


def claim_due(rows: QuerySet[Any], *, batch: int, lease: timedelta, tried_first: bool = False) -> list[int]:
    """Primary keys of up to `batch` due rows, oldest first, now ours for `lease`. Another worker gets others.

    A row that was claimed before and is still due may have killed its worker: it is claimed alone, so that it takes no
    other along, and after MAX_ATTEMPTS claims parked. `tried_first`: now and then, so that fresh rows do not keep such
    ones waiting.
    """
    now = clock.now()
    with transaction.atomic():
        due = rows.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",))
        found = _tried(due, now) if tried_first else []
        found = found or list(due.filter(attempts=0).values_list("pk", flat=True)[:batch]) or _tried(due, now)
        if found:  # SQLite: the write lock was taken at BEGIN, so nobody else sees them due
            rows.model._default_manager.filter(pk__in=found).update(
                next_attempt_at=now + lease, attempts=F("attempts") + 1
            )
    return found


def _tried(due: QuerySet[Any], now: datetime) -> list[int]:
    endless = list(due.filter(attempts__gte=MAX_ATTEMPTS).values_list("pk", flat=True))
    if endless:
        due.model._default_manager.filter(pk__in=endless).update(parked_at=now, next_attempt_at=None, error=NEVER_ENDED)
        log.error("flows.put_aside", extra={"table": due.model._meta.model_name, "rows": endless[:20]})
    return list(due.filter(attempts__gt=0).values_list("pk", flat=True)[:1])


def trouble() -> tuple[type[Exception], ...]:
    """What one row's content can cause. A row that fails must not stop the others."""
    return (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError, DatabaseError)


def give_up_or_wait(row: Model, error: Exception) -> None:
    """Try again after 5 s, 10 s, 20 s...; after the last try park the row with its error."""
    row.refresh_from_db(fields=["attempts"])
    fields: Any = row
    now, parked = clock.now(), fields.attempts >= MAX_ATTEMPTS
    type(row)._default_manager.filter(pk=row.pk).update(
        error=describe(error),
        next_attempt_at=None if parked else now + FIRST_PAUSE * 2 ** (fields.attempts - 1),
        parked_at=now if parked else None,
    )
