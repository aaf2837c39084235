"""What a stopped print file had come to: kept beside its place, so that it goes on there.

One file: the bytes so far, what the writer has to know as JSON, and the length of that. Its name stands in the row
while the row is stopped. It holds only as long as it would be continued alike; else the file begins anew.
"""

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.core.files.base import File

from post_purchase.models import PrintFile, PrintStatus
from shopapp.lib import clock, stored_files
from shopapp.lib.crypto import derived_code

from . import file_removal
from .print_designs import folder_of, sample_url

log = logging.getLogger("post_purchase.printing")
LENGTH = 8  # bytes at the end
PIECE = 1 << 20  # bytes copied at a time


@dataclass(frozen=True)
class Rest:
    """`state["done"]` cards are in the first `size` bytes of `content`."""

    content: "File[bytes]"
    size: int
    state: dict[str, Any]

    def copy(self, out: BinaryIO, *, start: int = 0) -> None:
        self.content.seek(start)
        left = self.size - start
        while left > 0:
            piece = self.content.read(min(PIECE, left))
            if not piece:
                raise OSError(5, "What was made before the stop is not whole")
            out.write(piece)
            left -= len(piece)


def keep(file: PrintFile, out: BinaryIO, state: dict[str, Any]) -> None:
    """Somebody pressed Stop. Where they have pressed "Go on" meanwhile, nothing is kept."""
    name = _name(file)
    file_removal.keep(name)
    told = json.dumps(state | {"like": sample_url()}).encode()
    out.seek(0)
    try:
        with stored_files.writing(name) as kept:
            shutil.copyfileobj(out, kept, PIECE)
            kept.write(told + len(told).to_bytes(LENGTH))
    except OSError as error:
        log.warning("printing.rest_not_kept", extra={"file": file.pk, "why": error.strerror})
        return
    stopped = PrintFile.objects.filter(pk=file.pk, status=PrintStatus.CANCELLED, attempts=file.attempts)
    if stopped.update(file=name, done=state["done"], finished_at=clock.now()):
        return
    if not PrintFile.objects.filter(pk=file.pk, file=name).exists():
        file_removal.remove([name])


@contextmanager
def taken_up(file: PrintFile) -> Iterator[Rest | None]:
    """What is kept of this file, while it is read; None where there is nothing that can be continued."""
    content = stored_files.open_file(file.file) if file.file == _name(file) else None
    if content is None:
        yield None
        return
    with content:
        yield _read(content)


def forget(file: PrintFile) -> None:
    """In the transaction that ends the file."""
    if file.file == _name(file):
        file_removal.remove([file.file])


def _name(file: PrintFile) -> str:
    return f"{folder_of(file.batch.touchpoint.shop_id)}/{derived_code('rest', str(file.pk)).lower()}.rest"


def _read(content: "File[bytes]") -> Rest | None:
    whole = content.seek(0, 2)
    content.seek(max(0, whole - LENGTH))
    length = int.from_bytes(content.read(LENGTH))
    size = whole - LENGTH - length
    if size < 0:
        return None
    content.seek(size)
    try:
        state = json.loads(content.read(length))
    except ValueError:
        return None
    return Rest(content, size, state) if isinstance(state, dict) and state.get("like") == sample_url() else None
