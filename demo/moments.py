"""The demo's clock: the machine's time plus what CLOCK_FILE says, the same file that the app reads."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

Now = Callable[[], datetime]


def clock_from_file(file: str) -> Now:
    return lambda: datetime.now(UTC) + offset(file)


def offset(file: str) -> timedelta:
    try:
        return timedelta(seconds=float(Path(file).read_text("ascii") or 0)) if file else timedelta(0)
    except (FileNotFoundError, ValueError):
        return timedelta(0)


def move_ahead(file: str, delta: timedelta) -> datetime:
    if not file:
        raise RuntimeError("The clock can be moved only where CLOCK_FILE is set")
    beside = Path(f"{file}.{os.getpid()}")
    beside.write_text(str((offset(file) + delta).total_seconds()), "ascii")
    os.replace(beside, file)
    return clock_from_file(file)()


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
