"""The only HTTP client: kept connections, always a time-out, a cap on what is read, one kind of error."""

import contextlib
import ipaddress
import json as jsonlib
import os
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # its command line: a tenth of our start
import httpx  # noqa: E402

DEFAULT_TIMEOUT = 10.0  # seconds, whole request
MAX_BYTES = 25 * 1024 * 1024
# The last: httpx finds a header that HTTP does not allow before the first byte leaves.
NOT_TAKEN = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class HttpError(Exception):
    """No usable answer came. `maybe_taken` says whether the other side may have acted on the request."""

    quotes_nothing = True  # shopapp.lib.trouble

    def __init__(self, message: str, *, maybe_taken: bool):
        super().__init__(message)
        self.maybe_taken = maybe_taken


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]  # case-insensitive
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The parsed body, or None where it is not JSON."""
        try:
            return jsonlib.loads(self.body)
        except ValueError:
            return None


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    json: Any = None,
    data: Mapping[str, str] | None = None,
    content: bytes | None = None,
    files: Mapping[str, Any] | None = None,
    auth: tuple[str, str] | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    max_bytes: int = MAX_BYTES,
    trusted: bool = True,
    on_leaving: Callable[[], None] | None = None,
) -> Reply:
    """Ask once, follow no redirects. `trusted=False`: the address comes from outside, private ones are refused.

    `on_leaving` is called when the request is built and may leave this machine next: an error before it was our own.
    Raises HttpError where no answer came or the answer is larger than `max_bytes`.
    """
    if not trusted:
        refuse_private_address(url)
    try:
        asked = client().build_request(
            method,
            url,
            headers=headers,
            params=params,
            json=json,
            data=data,
            content=content,
            files=files,
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
        )
    except httpx.InvalidURL as error:
        raise HttpError("This is no usable address", maybe_taken=False) from error
    if on_leaving is not None:
        on_leaving()
    try:
        with contextlib.closing(client().send(asked, stream=True, auth=auth)) as response:
            chunks, size = [], 0
            for chunk in response.iter_bytes():
                size += len(chunk)
                if size > max_bytes:
                    raise HttpError(f"The answer is larger than {max_bytes} bytes", maybe_taken=True)
                chunks.append(chunk)
            return Reply(status=response.status_code, headers=response.headers, body=b"".join(chunks))
    except NOT_TAKEN as error:
        raise HttpError(f"{urlsplit(url).hostname} cannot be reached", maybe_taken=False) from error
    except httpx.HTTPError as error:
        raise HttpError(
            f"{urlsplit(url).hostname} did not answer ({type(error).__name__})", maybe_taken=True
        ) from error


class _Kept(threading.local):
    """A thread's own connections. One pool for many threads would look through all of them at each request."""

    client: httpx.Client | None = None
    process = 0  # after a fork the sockets belong to the parent


_kept = _Kept()


def client() -> httpx.Client:
    if _kept.client is None or _kept.process != os.getpid():
        _kept.client, _kept.process = (
            httpx.Client(
                follow_redirects=False,
                trust_env=False,
                verify=_tls(),
                limits=httpx.Limits(max_connections=10, max_keepalive_connections=10, keepalive_expiry=30),
                headers={"User-Agent": "Doorstep (post-purchase app)"},
            ),
            os.getpid(),
        )
    return _kept.client


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)  # reads all root certificates: 20 ms


def is_demo(url: str) -> bool:
    """An address of the demo's world, where there is one."""
    return bool(settings.DEMO and settings.DEMO_WORLD_URL and url.startswith(settings.DEMO_WORLD_URL.rstrip("/") + "/"))


def refuse_private_address(url: str) -> None:
    """Server-side request forgery: an address from outside may not lead into our own network (but to the demo)."""
    parts = urlsplit(url)
    if is_demo(url):
        return
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HttpError("Only http and https addresses can be fetched", maybe_taken=False)
    try:
        found = {info[4][0] for info in socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise HttpError(f"{parts.hostname} cannot be found", maybe_taken=False) from error
    if any(not ipaddress.ip_address(str(address).split("%")[0]).is_global for address in found):
        raise HttpError(f"{parts.hostname} is not a public address", maybe_taken=False)
