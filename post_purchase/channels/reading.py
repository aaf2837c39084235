"""Reading outside data that may be anything: nothing in here raises."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from shopapp.lib import clock
from shopapp.lib.storable import storable

MILLISECONDS_FROM = 10**11  # a number of seconds that large would be the year 5138
AHEAD = timedelta(minutes=5)


def parse_json(body: bytes) -> dict[str, Any]:
    """The object in the body; {} where there is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return mapping(found)


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))


def text(value: Any, limit: int = 20_000) -> str:
    """A string or a number as text that can be stored; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    found = value if isinstance(value, str) else (str(value) if abs(value) < 10**40 else "")
    return storable(found)[:limit]


def moment(value: Any, *, ahead: timedelta = AHEAD) -> datetime:
    """Meta's time: seconds or milliseconds, number or string. Nonsense and what is further `ahead` become now."""
    now = clock.now()
    try:
        number = float(value)
        found = datetime.fromtimestamp(number / 1000 if number > MILLISECONDS_FROM else number, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return now
    return found if datetime(2015, 1, 1, tzinfo=UTC) <= found <= now + ahead else now


def made_id(*parts: Any) -> str:
    """An id for an event that has none: the same content gives the same id."""
    return "made." + hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:40]


def shortened(value: str, limit: int) -> str:
    value = " ".join(value.split())
    return value if len(value) <= limit else value[: limit - 1].rstrip() + "…"
