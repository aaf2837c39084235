"""Run the named measurements, or all."""

import importlib
import os
import platform
import signal
import sys

from bench.machinery import temporary_folder

ALL = [
    "intake",
    "callbacks",
    "redirect",
    "engine",
    "applied",
    "timers",
    "messages",
    "qr",
    "prints",
    "memory",
    "rehearsal",
    "inbox",
    "intents",
    "fanout",
    "day",
]


def main() -> None:
    wanted = sys.argv[1:] or ALL
    unknown = [name for name in wanted if name not in ALL]
    if unknown:
        sys.exit(f"There is no measurement called {unknown[0]}. There are: {', '.join(ALL)}.")
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores; medians of several runs; ratios within this run."
    )
    for name in wanted:
        with temporary_folder() as folder:
            importlib.import_module(f"bench.{name}").main(folder, os.environ.get("BENCH_POSTGRES_URL") or None)


def _end(signum: int, frame: object) -> None:
    sys.exit(128 + signum)  # unwinds: each measurement ends the processes that it began


signal.signal(signal.SIGTERM, _end)
main()
