"""Stored files that are to go: written down with the rows that named them, so that no kill and no outage keeps one."""

import logging
from collections.abc import Iterable

from post_purchase.models import FileRemoval
from shopapp.lib import clock, stored_files
from shopapp.lib.queue import Job, wake

log = logging.getLogger("post_purchase.files")
BATCH = 500


def remove(names: Iterable[str] = (), *, folders: Iterable[str] = ()) -> None:
    """In the caller's transaction. They go after it, or when their storage is back."""
    now = clock.now()
    rows = [FileRemoval(name=name, next_attempt_at=now) for name in names if name]
    rows += [FileRemoval(name=name, is_folder=True, next_attempt_at=now) for name in folders if name]
    FileRemoval.objects.bulk_create(rows)
    wake(Job.REMOVE_FILES)


def keep(name: str) -> None:
    """It is wanted again: the same content is stored under the same name."""
    FileRemoval.objects.filter(name=name, is_folder=False).delete()


def remove_due() -> int:
    """Delete what is written down, oldest first, up to BATCH. Returns how many went."""
    gone: list[int] = []
    for row in FileRemoval.objects.filter(next_attempt_at__lte=clock.now()).order_by("next_attempt_at", "pk")[:BATCH]:
        try:
            if row.is_folder:
                stored_files.delete_folder(row.name)
            else:
                stored_files.delete([row.name])
        except OSError as error:
            log.warning("files.not_removed", extra={"removal": row.pk, "why": error.strerror})
            break
        gone.append(row.pk)
    FileRemoval.objects.filter(pk__in=gone).delete()
    return len(gone)
