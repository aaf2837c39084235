"""Codes that we can read back and nobody can make: reply addresses, unsubscribe links. Only ids inside.

Lower case base32: mail servers may change the case of an address. A local part has at most 64 characters (RFC 5321).
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

from django.conf import settings

from post_purchase.words import Purpose
from shopapp.lib.crypto import same

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_REPLY = re.compile(
    r"^(?:reply|chat)\+c(?P<channel>[0-9a-z]{1,13}?)(?:\.(?P<point>[0-9a-z]{1,13}))?"
    r"-(?P<mac>[0-9a-z]{16})(?:-(?P<code>[0-9a-z]{16}|[0-9a-f]{20}))?$"  # 20: the code of the e-mail button
)
_UNSUBSCRIBE = re.compile(r"^(?P<point>[0-9a-z]{1,13})-(?P<purpose>[a-z_]+)-(?P<mac>[0-9a-z]{16})$", re.ASCII)


@dataclass(frozen=True)
class ReplyAddress:
    channel_id: int
    point_id: int | None  # None: the address of an entry link, not of a person
    code: str = ""  # the link code of an entry address, upper case


def reply_address(*, channel_id: int, point_id: int) -> str:
    """Where answers to a mail go, so that they find their conversation. Empty without INBOUND_EMAIL_DOMAIN."""
    if not settings.INBOUND_EMAIL_DOMAIN:
        return ""
    ids = f"c{_number(channel_id)}.{_number(point_id)}"
    return f"reply+{ids}-{_mac('reply', ids)}@{settings.INBOUND_EMAIL_DOMAIN}"


def entry_address(*, channel_id: int, code: str) -> str:
    """Where the first mail of a shopper goes who tapped a link. Empty without INBOUND_EMAIL_DOMAIN."""
    if not settings.INBOUND_EMAIL_DOMAIN:
        return ""
    ids = f"c{_number(channel_id)}"
    tail = f"-{code.lower()}" if code else ""
    return f"chat+{ids}-{_mac('reply', ids)}{tail}@{settings.INBOUND_EMAIL_DOMAIN}"


def read_address(address: str) -> ReplyAddress | None:
    """What an address of ours stands for; None for anybody else's, and for one that was not made here."""
    local, _, domain = address.strip().lower().rpartition("@")
    found = _REPLY.match(local)
    if not found or not settings.INBOUND_EMAIL_DOMAIN or domain != settings.INBOUND_EMAIL_DOMAIN.lower():
        return None
    channel, point = _read(found["channel"]), _read(found["point"] or "")
    ids = f"c{found['channel']}" + (f".{found['point']}" if found["point"] else "")
    if channel is None or not same(found["mac"], _mac("reply", ids)):
        return None
    return ReplyAddress(channel_id=channel, point_id=point, code=(found["code"] or "").upper())


def unsubscribe_code(*, point_id: int, purpose: Purpose) -> str:
    return f"{_number(point_id)}-{purpose.value}-{_mac('unsubscribe', f'{point_id}.{purpose.value}')}"


def read_unsubscribe_code(code: str) -> tuple[int, Purpose] | None:
    """(point id, purpose), or None where the code was not made here."""
    found = _UNSUBSCRIBE.match(code.strip().lower())
    point = _read(found["point"]) if found else None
    if not found or point is None or found["purpose"] not in Purpose.values:
        return None
    if not same(found["mac"], _mac("unsubscribe", f"{point}.{found['purpose']}")):
        return None
    return point, Purpose(found["purpose"])


def _mac(use: str, text: str) -> str:
    digest = hmac.new(f"{use}:{settings.SECRET_KEY}".encode(), text.encode(), hashlib.sha256).digest()
    number = int.from_bytes(digest[:10], "big")  # 80 bits
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in range(16))


def _number(value: int) -> str:
    digits = ""
    while value or not digits:
        value, rest = divmod(value, 32)
        digits = ALPHABET[rest] + digits
    return digits


def _read(text: str) -> int | None:
    if not text or any(letter not in ALPHABET for letter in text):
        return None
    value = 0
    for letter in text:
        value = value * 32 + ALPHABET.index(letter)
    return value if value < 2**63 else None
