"""What went wrong, in words that may be kept: an exception's own text often quotes a value, and values name people."""

import traceback
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
LONGEST = 250


def describe(error: BaseException) -> str:
    """`KeyError at services/orders.py:88 in save_order`: the class, and the last line of our own code.

    An exception whose class says `quotes_nothing = True` is written with its own words: we have chosen them.
    """
    if getattr(error, "quotes_nothing", False):
        return str(error)[:LONGEST]
    fields = _places(error)
    kind = f"{type(error).__name__} ({fields})" if fields else type(error).__name__
    return f"{kind}{_where(error)}"[:LONGEST]


def _places(error: BaseException) -> str:
    """pydantic's ValidationError: which fields do not fit and by which rule, without what stood there."""
    told = getattr(error, "errors", None)
    if type(error).__name__ != "ValidationError" or not callable(told):
        return ""
    try:
        found = told(include_url=False, include_context=False, include_input=False)
    except TypeError:
        return ""
    return ", ".join(f"{'.'.join(str(part) for part in each['loc'])}: {each['type']}" for each in found[:5])


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(ROOT) and "/.venv/" not in frame.filename]
    if not own:
        return ""
    last = own[-1]
    place = "/".join(Path(last.filename).parts[-2:])
    return f" at {place}:{last.lineno} in {last.name}"
