"""Where a printed code leads now. Paper stays; the route behind it is the merchant's to change at any time.

A route is part of a touchpoint's options, and a print batch may have its own on top:
{"channel": "whatsapp", "language": "de", "flow": "photo_review", "page": "/pages/thanks", "ends_on": "2026-12-31",
"page_after": "/collections/new"}. Pages are paths on the shop's own website: no code can lead anywhere else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

KEYS = ("channel", "language", "flow", "page", "ends_on", "page_after")
PATH = re.compile(r"/(?!/)[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*(\?[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*)?")
LONGEST_PATH = 400


@dataclass(frozen=True)
class Route:
    channel: str = ""
    language: str = ""
    flow: str = ""  # the key of the flow that a first use starts, besides those that wait for it anyway
    page: str = ""
    ended: bool = False  # the campaign is over


def route_now(options: Mapping[str, Any], batch: Mapping[str, Any], *, now: datetime) -> Route:
    """The batch's word counts before the card's. A campaign that is over starts no flow, and still leads on."""
    words = {key: str(batch.get(key) or options.get(key) or "") for key in KEYS}
    ended = has_ended(words["ends_on"], now=now)
    return Route(
        channel=words["channel"],
        language=words["language"],
        flow="" if ended else words["flow"],
        page=words["page_after"] if ended else words["page"],
        ended=ended,
    )


def has_ended(ends_on: str, *, now: datetime) -> bool:
    """After that day is over everywhere on earth (UTC-12)."""
    try:
        last = date.fromisoformat(ends_on)
    except ValueError:
        return False
    return now >= datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1, hours=12)


def page_url(path: str, *, primary_url: str, domain: str) -> str:
    """The page on the shop's own website; empty where there is none or the path is not one."""
    if not path or len(path) > LONGEST_PATH or not PATH.fullmatch(path):
        return ""
    host = urlsplit(primary_url).hostname or domain
    return f"https://{host}{path}"
