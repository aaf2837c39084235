"""Fetching a file that a shopper sent: only from the network's own hosts, never more than is allowed."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from shopapp.lib import http

from .base import ChannelError, Outcome
from .provider_data import AGAIN


def host_is_allowed(url: str, suffixes: tuple[str, ...]) -> bool:
    """Media may be fetched only from the network's own hosts; in the demo also from the demo world."""
    if http.is_demo(url):
        return True
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return parts.scheme == "https" and any(host == suffix or host.endswith(f".{suffix}") for suffix in suffixes)


def download(
    url: str,
    *,
    network: str,
    max_bytes: int,
    suffixes: tuple[str, ...] = (),
    origin: str = "",
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> bytes:
    """A file of a shopper. Raises ChannelError: RETRY_AFTER where later may help, else BUG.

    `origin`: a place of the settings; an address below it needs no further leave. Others must be at one of `suffixes`.
    """
    ours = bool(origin) and url.startswith(f"{origin}/")
    try:
        if not ours and not host_is_allowed(url, suffixes):
            raise ChannelError(f"The file is not at an address of {network}'s", outcome=Outcome.BUG, code="host")
        reply = http.request("GET", url, headers=headers, auth=auth, max_bytes=max_bytes + 1, trusted=ours, timeout=30)
        if reply.status in (301, 302, 303, 307, 308):  # Twilio's store; without our secrets, and once
            url = reply.headers.get("Location", "")
            if not host_is_allowed(url, suffixes):
                raise ChannelError(f"The file is not at an address of {network}'s", outcome=Outcome.BUG, code="host")
            reply = http.request("GET", url, max_bytes=max_bytes + 1, trusted=False, timeout=30)
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
