"""A stand-in network that answers every send after 30 ms. One asyncio process, so that it is not what is measured."""

import asyncio
import json
import os
import sys

DELAY = float(os.environ.get("BENCH_PROVIDER_DELAY", "0.03"))
sent = 0


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    global sent
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                ),
                0,
            )
            await reader.readexactly(length)
            if head.startswith(b"GET /sent"):
                said = str(sent).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))
                continue
            sent += 1
            number = sent
            await asyncio.sleep(DELAY)
            body = json.dumps({"messages": [{"id": f"wamid.{number}"}]}).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(port: int) -> None:
    async with await asyncio.start_server(serve, "127.0.0.1", port, backlog=512) as server:
        await server.serve_forever()


asyncio.run(main(int(sys.argv[1])))
