"""Claiming due rows by lease, on PostgreSQL and SQLite, and what happens to a row that fails again and again."""

from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import F, Model, QuerySet

from shopapp.lib import clock
from shopapp.lib.trouble import describe

MAX_ATTEMPTS = 6
FIRST_PAUSE = timedelta(seconds=5)


def claim_due(rows: QuerySet[Any], *, batch: int, lease: timedelta) -> list[int]:
    """Primary keys of up to `batch` due rows, oldest first, now ours for `lease`. Another worker gets others."""
    now = clock.now()
    with transaction.atomic():
        due = rows.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",))
        found = list(due.values_list("pk", flat=True)[:batch])
        if found:  # SQLite: the write lock was taken at BEGIN, so nobody else sees them due
            rows.model._default_manager.filter(pk__in=found).update(
                next_attempt_at=now + lease, attempts=F("attempts") + 1
            )
    return found


def trouble() -> tuple[type[Exception], ...]:
    """What one row's content can cause. A row that fails must not stop the others."""
    return (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError, DatabaseError)


def give_up_or_wait(row: Model, error: Exception) -> None:
    """Try again after 5 s, 10 s, 20 s...; after the last try park the row with its error."""
    row.refresh_from_db(fields=["attempts"])
    fields: Any = row
    parked = fields.attempts >= MAX_ATTEMPTS
    changes: dict[str, Any] = {
        "error": describe(error),
        "next_attempt_at": None if parked else clock.now() + FIRST_PAUSE * 2 ** (fields.attempts - 1),
    }
    if parked and any(field.name == "parked_at" for field in row._meta.fields):
        changes["parked_at"] = clock.now()
    type(row)._default_manager.filter(pk=row.pk).update(**changes)
