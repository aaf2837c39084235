"""Meta's Graph API: one way in for WhatsApp and Messenger. Tokens travel in the header, never in an address."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from shopapp.lib import http
from shopapp.lib.crypto import same

from .base import ChannelError, Outcome
from .provider_data import ErrorTable

AGAIN = timedelta(seconds=30)


def signature_is_right(*, body: bytes, header: str) -> bool:
    """X-Hub-Signature-256 over the bytes as they came (Meta, "Validating payloads"). False without META_APP_SECRET."""
    if not settings.META_APP_SECRET:
        return False
    wanted = hmac.new(settings.META_APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return same(header, f"sha256={wanted}")


def call(
    method: str,
    path: str,
    *,
    token: str,
    table: ErrorTable,
    json: Any = None,
    params: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
    files: Mapping[str, Any] | None = None,
    attempt: int = 1,
    sends: bool = False,
) -> dict[str, Any]:
    """Ask the Graph API. `sends`: it puts a message on somebody's phone, so a lost answer is UNKNOWN, not a retry."""
    if not token:
        raise table.error(code=190)
    url = f"{settings.META_GRAPH_ORIGIN}/{settings.META_GRAPH_VERSION}/{path}"
    headers = {"Authorization": f"Bearer {token}"}
    try:
        reply = http.request(method, url, headers=headers, params=params, json=json, data=data, files=files)
    except http.HttpError as error:
        raise _no_answer(table, unknown=sends and error.maybe_taken) from error
    answer = reply.json()
    if reply.status < 300 and isinstance(answer, dict):
        return answer
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict):
        raise error_from(error, table=table, status=reply.status, attempt=attempt)
    if reply.status in (429, 503):
        raise _no_answer(table, unknown=False)
    if reply.status < 300 or reply.status >= 500:  # a gateway spoke, not Meta: it may have gone through
        raise _no_answer(table, unknown=sends)
    raise table.error(code=0 if reply.status == 401 else reply.status, status=reply.status)


def error_from(error: Mapping[str, Any], *, table: ErrorTable, status: int = 400, attempt: int = 1) -> ChannelError:
    """Meta's error object, as it comes in answers and in status callbacks. Total."""
    details = error.get("error_data")
    text = details.get("details") if isinstance(details, dict) else ""
    return table.error(
        code=_whole(error.get("code"), -1),
        subcode=_whole(error.get("error_subcode"), 0),
        text=str(text or error.get("message") or error.get("title") or ""),
        status=status,
        attempt=attempt,
    )


def host_is_allowed(url: str, suffixes: tuple[str, ...]) -> bool:
    """Media may be fetched only from the network's own hosts; in the demo also from the demo world."""
    if settings.DEMO and settings.DEMO_WORLD_URL and url.startswith(settings.DEMO_WORLD_URL.rstrip("/") + "/"):
        return True
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return parts.scheme == "https" and any(host == suffix or host.endswith(f".{suffix}") for suffix in suffixes)


def download(
    url: str, *, network: str, suffixes: tuple[str, ...], max_bytes: int, headers: Mapping[str, str] | None = None
) -> bytes:
    """A file of a shopper. Raises ChannelError: RETRY_AFTER where later may help, else BUG."""
    try:
        if not host_is_allowed(url, suffixes):
            raise ChannelError(f"The file is not at an address of {network}'s", outcome=Outcome.BUG, code="host")
        reply = http.request("GET", url, headers=headers, max_bytes=max_bytes + 1, trusted=False, timeout=30)
    except ValueError as error:
        raise ChannelError("The file has no usable address", outcome=Outcome.BUG, code="host") from error
    except http.HttpError as error:
        if "larger than" in str(error):
            raise too_large(max_bytes) from error
        raise ChannelError(
            f"{network}'s file server did not answer", outcome=Outcome.RETRY_AFTER, retry_after=AGAIN
        ) from error
    if reply.status == 200 and len(reply.body) <= max_bytes:
        return reply.body
    if reply.status == 200:
        raise too_large(max_bytes)
    if reply.status in (404, 410, 429) or reply.status >= 500:
        raise ChannelError(f"{network} does not give out the file yet", outcome=Outcome.RETRY_AFTER, retry_after=AGAIN)
    raise ChannelError(f"{network} refused to give out the file", outcome=Outcome.BUG, code=str(reply.status))


def too_large(max_bytes: int) -> ChannelError:
    return ChannelError(f"The file is larger than {max_bytes // 1_000_000} MB", outcome=Outcome.BUG, code="too_large")


def _no_answer(table: ErrorTable, *, unknown: bool) -> ChannelError:
    if unknown:
        return ChannelError(
            f"{table.network} did not answer in time; the message may or may not have arrived", outcome=Outcome.UNKNOWN
        )
    return ChannelError(f"{table.network} cannot be reached", outcome=Outcome.RETRY_AFTER, retry_after=AGAIN)


def _whole(value: Any, otherwise: int) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return otherwise
