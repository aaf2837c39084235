"""Web chat: news to 500 open connections of one stream process, from the word to Redis until the page has it.

Beside it: a bare asyncio server that writes the same line to as many connections, told by the same Redis.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from pathlib import Path

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from bench.machinery import (
    ROOT,
    base_environment,
    free_port,
    heading,
    manage,
    process,
    redis_server,
    row,
    wait_for_port,
)

CONNECTIONS = 500
ROUNDS = 3
TOPIC = "doorstep:webchat:"
SEED = """
import django; django.setup()
import sys
from post_purchase.models import Contact, ContactPoint
from post_purchase.services.web_chat import address_of
from shopapp.lib import clock
from tests import factories
shop = factories.make_shop("bench.myshopify.com")
channel = factories.make_channel(shop, "webchat", credentials={})
now = clock.now()
for number in range(int(sys.argv[1])):
    contact = Contact.objects.create(shop=shop, language="en")
    address = address_of(f"{number:043d}")
    ContactPoint.objects.create(shop=shop, contact=contact, kind="webchat", address=address, last_inbound_at=now)
    print(address)
print(channel.pk)
"""


class Page:
    """One open connection: notes when its news came."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.heard: asyncio.Queue[float] = asyncio.Queue()
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while line := await self.reader.readline():
            if line.startswith(b"data:"):
                self.heard.put_nowait(time.perf_counter())


async def _open(port: int, head: str) -> Page:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /chat-stream HTTP/1.1\r\nHost: app.example.test\r\n{head}\r\n".encode())
    await writer.drain()
    answer = await asyncio.wait_for(reader.readuntil(b": here\n\n"), 30)
    if b" 200 " not in answer.split(b"\r\n")[0]:
        raise RuntimeError(f"The stream refused: {answer[:200]!r}")
    return Page(reader, writer)


async def _measure(port: int, heads: list[str], addresses: list[str], redis_url: str) -> tuple[list[float], float]:
    """(milliseconds of each news until its page had it, seconds for all)"""
    pages = [await _open(port, head) for head in heads]
    redis = Redis.from_url(redis_url)
    waits: list[float] = []
    whole: list[float] = []
    await asyncio.sleep(1.5)  # the stream hears Redis by now
    for _ in range(ROUNDS):
        told: list[float] = []

        def tell(told: list[float] = told) -> None:
            for address in addresses:
                told.append(time.perf_counter())
                redis.publish(f"{TOPIC}{address}", b"")

        await asyncio.to_thread(tell)
        heard = [await asyncio.wait_for(page.heard.get(), 30) for page in pages]
        waits += [(came - went) * 1000 for went, came in zip(told, heard, strict=True)]
        whole.append(max(heard) - told[0])
    for page in pages:
        page.task.cancel()
        page.writer.close()
    return waits, statistics.median(whole)


async def bare(port: int, redis_url: str) -> None:
    """The least that would do: no token, no rooms' limits, no heartbeat."""
    rooms: dict[str, asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        rooms[head.split(b"X-Address: ")[1].split(b"\r\n")[0].decode()] = writer
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n: here\n\n")
        await reader.read()

    async with await asyncio.start_server(serve, "127.0.0.1", port, backlog=1024):
        hears = AsyncRedis.from_url(redis_url).pubsub(ignore_subscribe_messages=True)
        await hears.psubscribe(f"{TOPIC}*")
        async for message in hears.listen():
            writer = rooms.get(message["channel"].decode().removeprefix(TOPIC))
            if writer is not None:
                writer.write(b"data: news\n\n")
                await writer.drain()


def _figures(waits: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(waits, n=100)
    return cuts[49], cuts[98]


def main(folder: Path, postgres_url: str | None) -> None:
    heading(f"Web chat: news to {CONNECTIONS} open connections, told one after another, {ROUNDS} rounds")
    with redis_server(folder) as redis_url:
        environment = base_environment(folder, postgres_url or f"sqlite:///{folder}/fanout.sqlite3")
        environment |= {"REDIS_URL": redis_url}
        manage(environment, "migrate", "-v0")
        seed = [sys.executable, "-c", SEED, str(CONNECTIONS)]
        said = subprocess.run(seed, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
        *addresses, room = said.split()
        port, other = free_port(), free_port()
        with process([sys.executable, "-m", "bench.fanout", str(other), redis_url], environment):
            wait_for_port(other)
            heads = [f"X-Address: {address}\r\n" for address in addresses]
            least, least_whole = asyncio.run(_measure(other, heads, addresses, redis_url))
        command = [str(Path(sys.executable).parent / "granian"), "--interface", "asgi", "--port", str(port)]
        command += ["--workers", "1", "--log-level", "error", "post_purchase.web.public.chat_stream:application"]
        with process(command, environment):
            wait_for_port(port)
            heads = [f"Authorization: Bearer {number:043d}\r\nX-Room: {room}\r\n" for number in range(CONNECTIONS)]
            waits, whole = asyncio.run(_measure(port, heads, addresses, redis_url))
    p50, p99 = _figures(least)
    row("bare asyncio server", f"p50 {p50:.1f}, p99 {p99:.1f} ms", f"all in {least_whole * 1000:.0f} ms", 1.0)
    p50, p99 = _figures(waits)
    row(
        "the chat's stream",
        f"p50 {p50:.1f}, p99 {p99:.1f} ms",
        f"all in {whole * 1000:.0f} ms",
        least_whole / whole,
        note=f"{CONNECTIONS * ROUNDS / (ROUNDS * whole):.0f} news a second; none was missed",
    )


if __name__ == "__main__":
    asyncio.run(bare(int(sys.argv[1]), sys.argv[2]))
