"""Taking one due row that carries a revision: what came while it was worked on stays due."""

from datetime import timedelta
from typing import Any, TypeVar

from django.db.models import F, Model, QuerySet

from shopapp.lib import clock

Row = TypeVar("Row", bound=Model)


def claim_one(rows: "QuerySet[Row]", *, lease: timedelta) -> Any:
    """The oldest due row with its shop, leased; None: nothing is due. Two workers never get the same."""
    now = clock.now()
    due: Any = rows.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
    while (found := due.first()) is not None:
        mine = rows.filter(
            pk=found.pk, next_attempt_at=found.next_attempt_at, attempts=found.attempts, revision=found.revision
        )
        if mine.update(next_attempt_at=now + lease, attempts=F("attempts") + 1):
            return rows.select_related("shop").get(pk=found.pk)
    return None
