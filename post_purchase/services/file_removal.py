"""Stored files that are to go: written down with the rows that named them, so that no kill and no outage keeps one."""

import logging
from collections.abc import Iterable

from post_purchase.models import FileRemoval
from shopapp.lib import clock, stored_files

log = logging.getLogger("post_purchase.files")
BATCH = 500


def remove(names: Iterable[str] = (), *, folders: Iterable[str] = ()) -> None:
    """In the caller's transaction; after it `remove_due` is called, and now and then by the clean-up."""
    now = clock.now()
    rows = [FileRemoval(name=name, written_at=now) for name in names if name]
    rows += [FileRemoval(name=name, is_folder=True, written_at=now) for name in folders if name]
    FileRemoval.objects.bulk_create(rows)


def keep(name: str) -> None:
    """It is wanted again: the same content is stored under the same name."""
    FileRemoval.objects.filter(name=name, is_folder=False).delete()


def remove_due() -> int:
    """Delete what is written down, oldest first, up to BATCH. Returns how many went."""
    gone: list[int] = []
    for row in FileRemoval.objects.order_by("pk")[:BATCH]:
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
