"""A very small Graph API on loopback: takes messages, remembers each call, and fails when told to."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class SmallGraph:
    """`calls`: the bodies taken, in order. `script`: what to do with the next calls, then "ok" for ever.

    "ok", "slow" (answers after `release` is set), "drop" (takes it and closes the connection), or (status, body).
    """

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.script: list[Any] = []
        self.release = threading.Event()
        self.lock = threading.Lock()
        graph = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
                with graph.lock:
                    graph.calls.append(body)
                    number = len(graph.calls)
                    action = graph.script.pop(0) if graph.script else "ok"
                if action == "slow":
                    graph.release.wait(10)
                if action == "drop":
                    self.close_connection = True
                    return
                status, answer = (200, {"messages": [{"id": f"wamid.{number}"}]}) if isinstance(action, str) else action
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def refs(self) -> list[str]:
        return [call.get("biz_opaque_callback_data", "") for call in self.calls]

    @property
    def texts(self) -> list[str]:
        return [call["text"]["body"] for call in self.calls if "text" in call]


@contextlib.contextmanager
def small_graph() -> Iterator[SmallGraph]:
    graph = SmallGraph()
    thread = threading.Thread(target=graph.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield graph
    finally:
        graph.release.set()
        graph.server.shutdown()
        graph.server.server_close()
        thread.join(5)


def whatsapp_error(code: int, message: str = "refused") -> tuple[int, dict[str, Any]]:
    """Meta's shape of an error."""
    return 400, {"error": {"message": f"(#{code}) {message}", "code": code, "error_data": {"details": message}}}
