"""Cards become pictures one at a time in a process: PDFium is not safe in threads, and a picture at 600 dpi is large.

What was used goes back to the system at once; glibc would keep it for the thread that asked.
"""

import ctypes
import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Drawn = TypeVar("Drawn")
_room = threading.RLock()
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's own


def one_at_a_time(draw: Callable[Asked, Drawn]) -> Callable[Asked, Drawn]:
    @wraps(draw)
    def alone(*args: Asked.args, **kwargs: Asked.kwargs) -> Drawn:
        with _room:
            try:
                return draw(*args, **kwargs)
            finally:
                if _trim is not None:
                    _trim(0)

    return alone
