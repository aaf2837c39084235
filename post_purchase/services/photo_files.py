"""Where photos lie: below MEDIA_ROOT, under names that nobody can guess, readable by this app alone."""

import os
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from shopapp.lib.crypto import derived_code


def name_for(attachment_id: int, *, part: str) -> str:
    """The path below MEDIA_ROOT. Always the same for one attachment, so that a second try leaves no file behind."""
    code = derived_code("photo", part, str(attachment_id)).lower()
    return f"{code[:2]}/{code[2:]}.jpg"


def save(name: str, content: bytes) -> None:
    """All of it or nothing, also when the machine stops. Raises OSError: no room, no right to write."""
    target = _root() / name
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = target.with_suffix(f".{os.getpid()}.part")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def find(name: str) -> Path | None:
    """The file, where it is there and really below MEDIA_ROOT."""
    target = (_root() / name).resolve()
    return target if name and target.is_relative_to(_root()) and target.is_file() else None


def delete(names: Iterable[str]) -> None:
    for name in names:
        if (target := find(name)) is not None:
            target.unlink(missing_ok=True)


def _root() -> Path:
    return Path(settings.MEDIA_ROOT).resolve()
