"""News for open web chats and inboxes, as they happen: a process of its own, since each page holds a connection open.

    granian --interface asgi post_purchase.web.public.chat_stream:application

It says only that something is new, or that somebody writes; the page then asks for it with its token, as it does anyway
from time to time. So nothing here may fail in a way that loses a message: no Redis, no process, too many pages, and the
page asks instead.
Tokens are looked up in threads; everything else waits in one loop.
"""

import asyncio
import contextlib
import logging
import os
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import django

if __name__ != "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shopapp.settings")
    django.setup()

from django.conf import settings
from django.db import close_old_connections

from post_purchase.channels.drivers.webchat.driver import TOPIC, TYPES
from post_purchase.services import web_chat
from post_purchase.services.inbox_states import TEAM
from shopapp.lib import queue
from shopapp.models import Shop
from shopapp.shopify.id_tokens import InvalidIdToken, verify_admin_token

log = logging.getLogger("post_purchase.chat_stream")
PATH = "/chat-stream"
TEAM_ROOM = "team"
OPEN_AT_MOST = 5000  # in one process
OPEN_AT_MOST_EACH = 4  # one person's tabs
OPEN_AT_MOST_TEAM = 60  # one shop's inbox, over all its people
HEARTBEAT = 20.0  # seconds; proxies close what is silent
LASTS = 600.0  # seconds; the page comes again
NEWS = "news"
RETRY = 2.0  # seconds, without Redis

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Bell(asyncio.Event):
    """Rung with what has happened since the page was last told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: set[str] = set()

    def ring(self, what: str) -> None:
        self.told.add(what)
        self.set()

    def take(self) -> list[str]:
        told, self.told = sorted(self.told), set()
        self.clear()
        return told


class Hall:
    """Who waits, by address; one thread hears Redis for all of them."""

    def __init__(self) -> None:
        self.waiting: dict[str, set[Bell]] = defaultdict(set)
        self.count = 0
        self.thread: threading.Thread | None = None
        self.loop: asyncio.AbstractEventLoop | None = None

    @contextlib.contextmanager
    def place(self, address: str) -> Iterator[Bell | None]:
        """None: no place is free."""
        most = OPEN_AT_MOST_TEAM if address.startswith(TEAM) else OPEN_AT_MOST_EACH
        if self.count >= OPEN_AT_MOST or len(self.waiting.get(address, ())) >= most:
            yield None
            return
        self._listen()
        event = Bell()
        self.waiting[address].add(event)
        self.count += 1
        try:
            yield event
        finally:
            self.count -= 1
            self.waiting[address].discard(event)
            if not self.waiting[address]:
                del self.waiting[address]

    def ring(self, address: str, what: str = NEWS) -> None:
        for event in self.waiting.get(address, ()):
            event.ring(what)

    def hear(self, topic: str) -> None:
        address = topic.removeprefix(TOPIC)
        self.ring(address.removeprefix(TYPES), "typing" if address.startswith(TYPES) else NEWS)

    def ring_all(self) -> None:
        for address in list(self.waiting):
            self.ring(address)

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        if self.loop is loop and self.thread is not None and self.thread.is_alive():
            return
        self.loop = loop
        self.thread = threading.Thread(target=self._hear, args=(loop,), name="chat-stream", daemon=True)
        self.thread.start()

    def _hear(self, loop: asyncio.AbstractEventLoop) -> None:
        while not loop.is_closed() and self.loop is loop:
            try:
                for topic in queue.listen(TOPIC):
                    if self.loop is not loop or loop.is_closed():
                        return
                    if topic is not None:
                        loop.call_soon_threadsafe(self.hear, topic)
            except queue.RedisError:
                log.warning("chat_stream.redis_away")
            except RuntimeError:  # the loop was closed while we were calling it
                return
            threading.Event().wait(RETRY)
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self.ring_all)  # what was told meanwhile nobody has heard


hall = Hall()
threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="chat-stream")


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http":
        await _answer(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _answer(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["path"] == "/health/live":
        await _plain(send, 200)
        return
    if scope["path"] != PATH:
        await _plain(send, 404)
        return
    if scope["method"] == "OPTIONS":
        await _plain(send, 204)
        return
    if scope["method"] != "GET":
        await _plain(send, 405)
        return
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    loop = asyncio.get_running_loop()
    address = await loop.run_in_executor(threads, _address, headers.get("authorization", ""), headers.get("x-room", ""))
    if not address:
        await _plain(send, 401)
        return
    with hall.place(address) as event:
        if event is None:
            await _plain(send, 503)
            return
        await _stream(event, receive, send)


def _address(authorization: str, room: str) -> str:
    """Whose news may be heard with this token. Empty: nobody's."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and room == TEAM_ROOM:
        return _team(token)
    if scheme.lower() != "bearer" or not room.isascii() or not room.isdigit() or len(room) > 18:
        return ""
    try:
        channel = web_chat.room(int(room))
        point = web_chat.person(channel=channel, token=token) if channel else None
        return point.address if point else ""
    finally:
        close_old_connections()


def _team(token: str) -> str:
    """The inbox of the shop whose member of staff this is: the token that App Bridge gives to its pages."""
    try:
        domain = verify_admin_token(token).shop
        shop = Shop.objects.filter(domain=domain).first()
        return f"{TEAM}{shop.pk}" if shop is not None and shop.is_installed else ""
    except InvalidIdToken:
        return ""
    finally:
        close_old_connections()


async def _stream(event: Bell, receive: Receive, send: Send) -> None:
    loop = asyncio.get_running_loop()
    ends = loop.time() + LASTS
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": _headers(b"text/event-stream")})
        await _say(send, b": here\n\n")
        while loop.time() < ends and not gone.done():
            news = asyncio.ensure_future(event.wait())
            await asyncio.wait({news, gone}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
            if gone.done():
                return
            if event.is_set():
                for what in event.take():
                    await _say(send, f"data: {what}\n\n".encode())
            else:
                await _say(send, b": still here\n\n")
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except OSError:  # the page has gone
        return
    finally:
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _say(send: Send, text: bytes) -> None:
    await send({"type": "http.response.body", "body": text, "more_body": True})


async def _plain(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": _headers(b"text/plain")})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _headers(kind: bytes) -> Iterable[tuple[bytes, bytes]]:
    """Only our own page may read it: where it comes from another address, that is APP_URL."""
    parts = urlsplit(settings.APP_URL)
    return [
        (b"content-type", kind),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),  # nginx would keep it back
        (b"access-control-allow-origin", f"{parts.scheme}://{parts.netloc}".encode()),
        (b"access-control-allow-headers", b"authorization, x-room"),
        (b"access-control-max-age", b"86400"),
        (b"vary", b"origin"),
    ]
