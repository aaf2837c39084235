"""The only clock. Code asks `clock.now()`; tests freeze it; the demo moves it ahead through CLOCK_FILE."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.conf import settings

_frozen: datetime | None = None


def now() -> datetime:
    """The current moment, aware, in UTC."""
    if _frozen is not None:
        return _frozen
    moment = datetime.now(UTC)
    return moment + _offset() if settings.CLOCK_FILE else moment


def _offset() -> timedelta:
    try:
        with open(settings.CLOCK_FILE, encoding="ascii") as file:
            return timedelta(seconds=float(file.read() or 0))
    except (FileNotFoundError, ValueError):
        return timedelta(0)


def move_ahead(delta: timedelta) -> datetime:
    """Demo only: move the clock of every process that shares CLOCK_FILE. Returns the new time."""
    if not settings.CLOCK_FILE:
        raise RuntimeError("The clock can be moved only where CLOCK_FILE is set (the demo)")
    seconds = (_offset() + delta).total_seconds()
    beside = f"{settings.CLOCK_FILE}.{os.getpid()}"
    with open(beside, "w", encoding="ascii") as file:
        file.write(str(seconds))
    os.replace(beside, settings.CLOCK_FILE)
    return now()


@contextmanager
def frozen(moment: datetime) -> Iterator["Frozen"]:
    """Tests only: `with clock.frozen(t) as at: at.move(hours=2)`."""
    global _frozen
    before = _frozen
    _frozen = moment
    try:
        yield Frozen()
    finally:
        _frozen = before


class Frozen:
    def move(self, **delta: float) -> datetime:
        global _frozen
        assert _frozen is not None
        _frozen += timedelta(**delta)
        return _frozen

    def to(self, moment: datetime) -> datetime:
        global _frozen
        _frozen = moment
        return moment
