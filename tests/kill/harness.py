"""Real kills: a forked process runs real jobs and gets SIGKILL at an exact line of our own code."""

import faulthandler
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from django.db import connections

ROOT = str(Path(__file__).resolve().parent.parent.parent)
LONGEST = 120  # seconds
WATCHED = tuple(
    os.path.join(ROOT, part)
    for part in ("post_purchase/services", "post_purchase/flows", "post_purchase/jobs", "post_purchase/intake")
)


class _Counter:
    """Counts executed lines of watched files over all threads; kills the process at line number `stop_at`."""

    def __init__(self, stop_at: int | None):
        self.lines = 0
        self.stop_at = stop_at
        self.lock = threading.Lock()

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self.inside if frame.f_code.co_filename.startswith(WATCHED) else None

    def inside(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            with self.lock:
                self.lines += 1
                if self.lines == self.stop_at:
                    os.kill(os.getpid(), signal.SIGKILL)
        return self.inside


def in_child(work: Callable[[], object], *, kill_at: int | None = None) -> tuple[bool, int]:
    """Fork, run `work` there, and return (was it killed, watched lines it ran when it was not killed).

    The child has database, Redis and HTTP connections of its own. Raises AssertionError when the work itself failed.
    """
    connections.close_all()
    reading, writing = os.pipe()
    stuck = tempfile.TemporaryFile()  # noqa: SIM115 - the child writes, the parent reads
    child = os.fork()
    if child == 0:
        code = 1
        try:
            # A child that hangs ends as a failure that says where, not as a test without an end.
            faulthandler.dump_traceback_later(LONGEST, exit=True, file=stuck)
            os.close(reading)
            counter = _Counter(kill_at)
            threading.settrace(counter.trace)
            sys.settrace(counter.trace)
            work()
            sys.settrace(None)
            os.write(writing, str(counter.lines).encode())
            code = 0
        except BaseException:  # noqa: BLE001 (the parent is told)
            os.write(writing, b"!" + traceback.format_exc().encode()[-4000:])
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    with stuck:
        stuck.seek(0)
        assert not (where := stuck.read().decode()), f"The child hung:\n{where}"
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True, 0
    assert not said.startswith("!"), said
    return False, int(said)
