"""Where photos, logos and print files lie: a private folder, or a bucket at S3 or a service that speaks S3.

Names cannot be guessed, only this app reads them, and what is saved is saved whole. Trouble of the place itself comes
out as OSError: no room, no right, no answer. `STORAGES["private"]` in settings says which place it is.
"""

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from django.core.exceptions import SuspiciousOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, storages

ALIAS = "private"


class _Place(Protocol):
    """What both places do, over Django's Storage."""

    def save(self, name: str, content: Any) -> str: ...
    def open(self, name: str, mode: str = "rb") -> "File[bytes]": ...
    def delete(self, name: str) -> None: ...
    def size(self, name: str) -> int: ...
    def writing(self, name: str) -> contextlib.AbstractContextManager[BinaryIO]: ...
    def delete_folder(self, name: str) -> None: ...


class PrivateFolder(FileSystemStorage):
    """Below MEDIA_ROOT. All of a file or nothing of it, also when the machine stops."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name  # our own names: saving again means the same content

    def _save(self, name: str, content: "File[bytes]") -> str:
        with self.writing(name) as out:
            for piece in content.chunks():
                out.write(piece)
        return name

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = target.with_suffix(f".{os.getpid()}.part")
        try:
            with open(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            os.replace(beside, target)
        finally:
            beside.unlink(missing_ok=True)

    def clear_leftovers(self, name: str) -> None:
        """Halves of this file that killed writers left. For whoever knows that nobody else writes it now."""
        target = Path(self.path(name))
        for left in target.parent.glob(f"{target.stem}.*.part"):
            left.unlink(missing_ok=True)

    def delete_folder(self, name: str) -> None:
        shutil.rmtree(self.path(name), ignore_errors=True)


def _place() -> _Place:
    return cast("_Place", storages[ALIAS])


def save(name: str, content: bytes) -> None:
    """All of it or nothing. Raises OSError."""
    _place().save(name, ContentFile(content))


@contextlib.contextmanager
def writing(name: str, *, alone: bool = False) -> Iterator[BinaryIO]:
    """To be written piece by piece; there, and whole, once the block has ended well. Raises OSError.

    `alone`: nobody else writes this file now, so that what a killed writer left of it goes.
    """
    place = _place()
    if alone and isinstance(place, PrivateFolder):
        place.clear_leftovers(name)
    with place.writing(name) as out:
        yield out


def open_file(name: str) -> "File[bytes] | None":
    """To be read and closed; None where it is not there, or the name leads elsewhere. Raises OSError."""
    if not name:
        return None
    try:
        return _place().open(name)
    except (FileNotFoundError, IsADirectoryError, SuspiciousOperation):
        return None


def read(name: str) -> bytes | None:
    """The whole content. Raises OSError."""
    file = open_file(name)
    if file is None:
        return None
    with file:
        return bytes(file.read())


def size(name: str) -> int:
    return _place().size(name)


def delete(names: Iterable[str]) -> None:
    """What is not there is no error. Raises OSError."""
    for name in filter(None, names):
        with contextlib.suppress(SuspiciousOperation):
            _place().delete(name)


def delete_folder(name: str) -> None:
    """With everything in it. Raises OSError."""
    if name:
        _place().delete_folder(name)
