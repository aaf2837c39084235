"""The draft of a flow: one row that the editor works on, and its history for undo. Two people may edit at once.

Who writes says what they saw of the part that they change (`mark_of`). Where it has changed since, nothing is written.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from post_purchase.models import Flow, FlowDraft
from shopapp.lib import clock

Document = Mapping[str, Any]
KEPT = 40  # changes that can be undone
SAME_WORK = timedelta(minutes=2)  # typing in one place is one change
MAX_BYTES = 600_000  # of a document as JSON; 18 steps in twelve languages have about 60,000


class Stale(Exception):
    """Somebody else has changed the same part meanwhile."""

    def __init__(self, by: str, at: datetime | None):
        super().__init__("Somebody else has changed this meanwhile")
        self.by, self.at = by, at


class TooLarge(ValueError):
    """The document would be larger than a flow may be."""


def mark_of(*parts: Any) -> str:
    """A short name of what these parts of a document look like now."""
    written = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(written.encode()).hexdigest()[:16]


@transaction.atomic
def change(
    flow: Flow,
    work: Callable[[dict[str, Any]], Document],
    *,
    user: str,
    what: str,
    part: str = "",
    seen: str | None = None,
    look: Callable[[Document], str] | None = None,
) -> Flow:
    """Hand the newest draft to `work` and keep what comes back. `part`: typing there is one change, not many.

    Raises Stale where `look` at the newest draft is not what the writer has `seen`; TooLarge.
    """
    locked = Flow.objects.select_for_update(of=("self",)).select_related("shop", "live_version").get(pk=flow.pk)
    if seen is not None and look is not None and look(locked.draft) != seen:
        raise Stale(locked.draft_saved_by, locked.draft_saved_at)
    keep(locked, work(locked.draft), user=user, what=what, part=part)
    return locked


@transaction.atomic
def keep(flow: Flow, document: Document, *, user: str = "", what: str = "", part: str = "") -> None:
    """The document is the draft now, and one step of its history. The same document again changes nothing."""
    document = dict(document)
    if document == flow.draft:
        return
    if len(json.dumps(document)) > MAX_BYTES:
        raise TooLarge("The flow has become too large. Take out languages or steps that you do not need.")
    now, user = clock.now(), user[:64]
    flow.drafts.filter(place__gt=flow.draft_place).delete()
    newest = flow.drafts.filter(place=flow.draft_place).first()
    if newest is None:
        FlowDraft.objects.create(
            flow=flow,
            place=flow.draft_place,
            document=flow.draft,
            what="As it was",
            saved_at=flow.draft_saved_at or now,
        )
    if newest is not None and part and (newest.part, newest.saved_by) == (part, user) and newest.place:
        same_work = now - newest.saved_at < SAME_WORK
    else:
        same_work = False
    place = flow.draft_place if same_work else flow.draft_place + 1
    FlowDraft.objects.update_or_create(
        flow=flow,
        place=place,
        defaults={"document": document, "what": what[:160], "part": part[:190], "saved_at": now, "saved_by": user},
    )
    flow.drafts.filter(place__lt=place - KEPT).delete()
    _point(flow, place, document, user)


def _point(flow: Flow, place: int, document: Document, user: str) -> None:
    flow.draft, flow.draft_place = dict(document), place
    flow.draft_saved_at, flow.draft_saved_by = clock.now(), user
    flow.save(update_fields=["draft", "draft_place", "draft_saved_at", "draft_saved_by"])


@transaction.atomic
def step_through(flow: Flow, by: int, *, place: int, user: str) -> str:
    """Undo (-1) or redo (1) from `place`. Returns what was undone or done again; "" where there is nothing more.

    Raises Stale where the draft does not stand at that place any more.
    """
    locked = Flow.objects.select_for_update(of=("self",)).get(pk=flow.pk)
    if locked.draft_place != place:
        raise Stale(locked.draft_saved_by, locked.draft_saved_at)
    rows = {row.place: row for row in locked.drafts.filter(place__in=(place, place + by))}
    if place + by not in rows:
        return ""
    _point(locked, place + by, rows[place + by].document, user[:64])
    return str((rows[place] if by < 0 else rows[place + by]).what)


def can_step(flow: Flow) -> tuple[str, str]:
    """(what undo would take back, what redo would do again); "" where there is nothing. One query."""
    place = flow.draft_place
    rows = dict(flow.drafts.filter(place__in=(place - 1, place, place + 1)).values_list("place", "what"))
    return rows.get(place, "") if place - 1 in rows else "", rows.get(place + 1, "")
