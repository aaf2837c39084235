"""Counting a person once a day without knowing them: a hash of address and browser under a key that lives one day.

The key is random, shared by all processes through its row, and deleted after the day: from then on nobody, we included,
can try addresses against the stored hashes. The hash holds the link too, so no two links can be compared.
"""

import ipaddress
import logging
import secrets
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any

from django.db import DatabaseError, InterfaceError

from post_purchase.models import VisitKey
from shopapp.lib import clock

log = logging.getLogger("post_purchase.visits")
_kept: dict[date, bytes] = {}


def person_of(environ: Mapping[str, Any], *, link_id: int, now: datetime, apart: str = "") -> str:
    """24 hex digits, the same for this visitor, link and UTC day. Empty (counted alone) where no key can be had.

    `apart`: what is counted by itself although it is the same link (which e-mail, a test, a browser loading ahead).
    """
    key = _kept.get(now.date()) or _key_of(now.date())
    if not key:
        return ""
    agent = str(environ.get("HTTP_USER_AGENT", ""))[:500]
    seen = f"{link_id}|{apart}|{network_of(environ)}|{agent}"
    return blake2b(seen.encode("utf-8", "surrogateescape"), key=key, digest_size=12).hexdigest()


def network_of(environ: Mapping[str, Any]) -> str:
    """The visitor's address as the nearest proxy saw it. IPv6: the /64, as a phone changes the rest all day."""
    forwarded = str(environ.get("HTTP_X_FORWARDED_FOR", ""))[-200:]
    address = forwarded.rpartition(",")[2].strip() or str(environ.get("REMOTE_ADDR", ""))
    if ":" not in address:
        return address
    try:
        return ipaddress.IPv6Address(address.strip("[]").partition("%")[0]).packed[:8].hex()
    except ValueError:
        return address


def change_keys() -> None:
    """Make today's and tomorrow's key, so that a tap need not write; destroy those of days that are over."""
    today = clock.now().date()
    for day in (today, today + timedelta(days=1)):
        _row_of(day)
    VisitKey.objects.filter(day__lt=today).delete()


def forget() -> None:
    """Tests only."""
    _kept.clear()


def _key_of(day: date) -> bytes:
    try:
        key = bytes.fromhex(_row_of(day).key)
    except (DatabaseError, InterfaceError):
        log.exception("visits.no_key")
        return b""
    _kept.clear()
    _kept[day] = key
    return key


def _row_of(day: date) -> VisitKey:
    return VisitKey.objects.get_or_create(day=day, defaults={"key": secrets.token_hex(32)})[0]
