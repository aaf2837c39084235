"""Making a batch's file in the background: claimed under a lease, stopped when asked, the same after any kill.

A file is written beside its place and moved when it is whole. Memory does not grow with the number of cards. What there
is of it when somebody presses Stop is kept (print_rest), and it goes on there.
"""

import csv
import io
import logging
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from typing import BinaryIO

from django.core.files.base import File
from django.db import transaction
from django.db.models import F

from post_purchase.models import PrintBatch, PrintFile, PrintForm, PrintStatus
from post_purchase.printing.qr import quick_matrix, quick_png, quick_svg, short_text
from post_purchase.printing.sheets import PrintRefused, Standing, write_pdf
from shopapp.lib import clock, stored_files
from shopapp.lib.crypto import derived_code
from shopapp.lib.queue import Job, wake

from . import file_removal, print_rest
from .print_batches import make_codes, urls_of
from .print_designs import design_of, folder_of, sample_url
from .print_rest import Rest

log = logging.getLogger("post_purchase.printing")
LEASE = timedelta(minutes=3)  # renewed at every NOTE_EVERY cards
NOTE_EVERY = 250
SECONDS = 60.0  # then other work of the queue has its turn; a file that is begun is ended (RQ's limit: 900)
MAX_ATTEMPTS = 5
KEPT = timedelta(days=14)  # a file; it can be made again from its batch at any time


class _Stopped(Exception):
    """Somebody pressed Stop, or another worker has taken over."""


def make_due() -> int:
    """Make every file that is due. Returns how many came to an end."""
    started = time.monotonic()
    ended = 0
    while time.monotonic() - started < SECONDS:
        file = _claim()
        if file is None:
            return ended
        _make(file)
        ended += 1
    wake(Job.MAKE_PRINTS)
    return ended


def _claim() -> PrintFile | None:
    now = clock.now()
    due = PrintFile.objects.filter(next_attempt_at__lte=now)
    while (file := due.order_by("next_attempt_at", "pk").first()) is not None:
        mine = PrintFile.objects.filter(pk=file.pk, next_attempt_at=file.next_attempt_at, attempts=file.attempts)
        if mine.update(next_attempt_at=now + LEASE, attempts=F("attempts") + 1, status=PrintStatus.MAKING, done=0):
            return PrintFile.objects.select_related("batch__touchpoint__shop").get(pk=file.pk)
    return None


def _make(file: PrintFile) -> None:
    name = f"{folder_of(file.batch.touchpoint.shop_id)}/{derived_code('file', str(file.pk)).lower()}{suffix_of(file)}"
    if file.attempts > MAX_ATTEMPTS:
        _close(file, status=PrintStatus.FAILED, file="", error="Given up: no try came to an end. Make a smaller batch.")
        return
    try:
        while make_codes(file.batch):
            _note(file, 0)
        file_removal.keep(name)
        with print_rest.taken_up(file) as rest, stored_files.writing(name, alone=True) as out:
            _write(out, file, rest)
        size = stored_files.size(name)
    except _Stopped:
        log.info("printing.stopped", extra={"file": file.pk})
    except PrintRefused as refused:
        _close(file, status=PrintStatus.FAILED, file="", error=str(refused)[:255])
    except OSError as error:
        log.exception("printing.no_room", extra={"file": file.pk})
        PrintFile.objects.filter(pk=file.pk, attempts=file.attempts).update(
            next_attempt_at=clock.now() + LEASE, error=f"The file could not be written: {error.strerror}"[:255]
        )
    else:
        _close(file, status=PrintStatus.READY, file=name, bytes=size, done=file.batch.quantity, error="")
        log.info("printing.made", extra={"file": file.pk, "cards": file.batch.quantity, "bytes": size})


def _note(file: PrintFile, done: int) -> None:
    """Progress, and the lease; stops where the row says so."""
    mine = PrintFile.objects.filter(pk=file.pk, status=PrintStatus.MAKING, attempts=file.attempts)
    if not mine.update(done=done, next_attempt_at=clock.now() + LEASE):
        raise _Stopped


def _close(row: PrintFile, **fields: object) -> None:
    mine = PrintFile.objects.filter(pk=row.pk, status=PrintStatus.MAKING, attempts=row.attempts)
    with transaction.atomic():
        if mine.update(next_attempt_at=None, finished_at=clock.now(), **fields):
            print_rest.forget(row)
    file_removal.remove_due()


def suffix_of(file: PrintFile) -> str:
    return {PrintForm.PDF: ".pdf", PrintForm.CSV: ".csv"}.get(PrintForm(file.form), ".zip")


def _write(out: BinaryIO, file: PrintFile, rest: Rest | None) -> None:
    """Write the file; where it is stopped on the way, keep what there is of it."""
    told = _Steps(lambda done: _note(file, done))
    standing = Standing()
    try:
        if file.form == PrintForm.PDF:
            _write_pdf(out, file, told, standing, rest)
        else:
            begun = _begun(out, rest)
            write = _write_csv if file.form == PrintForm.CSV else _write_zip
            write(out, file, begun, told)
    except _Stopped:
        state = standing.state() if file.form == PrintForm.PDF else {"done": told.done}
        if state["done"]:
            print_rest.keep(file, out, state)
        raise


def _begun(out: BinaryIO, rest: Rest | None) -> int:
    """How many cards are in `out` already."""
    if rest is None:
        return 0
    rest.copy(out)
    return int(rest.state["done"])


class _Steps:
    """Tells of every NOTE_EVERY-th card: a row is not written for each."""

    def __init__(self, note: Callable[[int], None]) -> None:
        self.note = note
        self.last = 0
        self.done = 0

    def __call__(self, done: int) -> None:
        self.done = done
        if done - self.last >= NOTE_EVERY:
            self.last = done
            self.note(done)


def _write_pdf(
    out: BinaryIO, file: PrintFile, told: Callable[[int], None], standing: Standing, rest: Rest | None
) -> None:
    batch = file.batch
    card = write_pdf(
        out,
        design_of(batch.touchpoint, options=batch.design),
        urls_of(batch),
        sample_url=sample_url(),
        paper=file.paper,
        marks=file.marks,
        title=batch.name,
        on_sheet=told,
        standing=standing,
        begun=rest,
    )
    if card.problems:
        raise PrintRefused(" ".join(card.problems))


def _write_csv(out: BinaryIO, file: PrintFile, begun: int, told: Callable[[int], None]) -> None:
    """What goes into the code is the address in capitals; the other column is for people."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    try:
        rows = csv.writer(text)
        if not begun:
            rows.writerow(["number", "code_content", "in_letters"])
        for number, url in _left(file.batch, begun):
            rows.writerow([number, url.upper(), short_text(url)])
            told(number)
    finally:
        text.detach()


def _write_zip(out: BinaryIO, file: PrintFile, begun: int, told: Callable[[int], None]) -> None:
    png = file.form == PrintForm.PNG
    packing = zipfile.ZIP_STORED if png else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(out, "a" if begun else "w", packing) as archive:
        for number, url in _left(file.batch, begun):
            rows = quick_matrix(url)
            code = url.rpartition("/")[2]
            text = short_text(url)
            content = quick_png(rows, caption=text) if png else quick_svg(rows, caption=text)
            archive.writestr(f"{number:05d}-{code}.{'png' if png else 'svg'}", content)
            told(number)


def _left(batch: PrintBatch, begun: int) -> Iterator[tuple[int, str]]:
    return enumerate(islice(urls_of(batch), begun, None), begun + 1)


def content_of(file: PrintFile) -> "File[bytes] | None":
    """To be read and closed. Raises OSError."""
    return stored_files.open_file(file.file) if file.status == PrintStatus.READY else None


def forget_old() -> int:
    """Files that nobody needs any more, also half ones: their batches stay, and can be made again."""
    ended = PrintFile.objects.filter(status__in=(PrintStatus.READY, PrintStatus.CANCELLED)).exclude(file="")
    old = ended.filter(finished_at__lt=clock.now() - KEPT)
    gone = 0
    for file in old.order_by("pk")[:1000]:
        with transaction.atomic():
            PrintFile.objects.filter(pk=file.pk).update(status=PrintStatus.CANCELLED, file="", bytes=0, done=0)
            file_removal.remove([file.file])
        gone += 1
    file_removal.remove_due()
    return gone
