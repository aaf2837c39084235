"""Whether a callback is signed by the account that its address names. One row is read for it."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from post_purchase.models import Channel, ChannelStatus
from post_purchase.words import ChannelKind
from shopapp.lib import clock
from shopapp.lib.crypto import same

OLDEST = timedelta(minutes=5)  # a signed call of the generic gateway, against repeating it later


def _secret(account: str, name: str, *, gateway: str) -> str:
    """ "" where no such account is connected here."""
    connected = Channel.objects.filter(kind=ChannelKind.SMS, account_id=account[:190])
    channel = connected.exclude(status=ChannelStatus.DISCONNECTED).first()
    if channel is None or channel.options.get("gateway") != gateway:
        return ""
    return str(channel.credentials.get(name, ""))


def twilio_is_right(*, account: str, url: str, body: bytes, header: str) -> bool:
    token = _secret(account, "auth_token", gateway="twilio")
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return bool(token) and any(same(header, twilio_signature(token, each, pairs)) for each in _ports(url))


def twilio_signature(token: str, url: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Twilio, "Webhooks security": the address, then every field by name; a repeated one with each value once."""
    values: dict[str, set[str]] = {}
    for name, value in pairs:
        values.setdefault(name, set()).add(value)
    text = url + "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def _ports(url: str) -> list[str]:
    """Twilio signs with and without the port (its own libraries try all of these)."""
    parts = urlsplit(url)
    if parts.port is not None:
        return [url]
    return [url, *(parts._replace(netloc=f"{parts.netloc}:{port}").geturl() for port in (443, 80))]


def gateway_is_right(*, account: str, body: bytes, header: str) -> bool:
    """As our own calls are signed: `t=<seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`, at most five minutes old."""
    secret = _secret(account, "secret", gateway="http")
    stamp, _, given = header.partition(",v1=")
    stamp = stamp.removeprefix("t=")
    if not secret or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return False
    wanted = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return same(given, wanted) and abs(clock.now().timestamp() - int(stamp)) <= OLDEST.total_seconds()
