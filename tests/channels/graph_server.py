"""A Graph API on loopback that answers by path, remembers every request whole, and can be any other HTTP server too."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class GraphServer:
    """`answers`: "METHOD /path" (without query and version) to (status, body); None hangs up."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    origin: str = ""

    def sent(self, path: str) -> list[Asked]:
        return [each for each in self.asked if each.path.split("?")[0].endswith(path)]


@contextlib.contextmanager
def graph_server() -> Iterator[GraphServer]:
    graph = GraphServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            pass

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            graph.asked.append(Asked(self.command, self.path, dict(self.headers), body))
            path = self.path.split("?")[0].replace("/v25.0", "")
            found = graph.answers.get(f"{self.command} {path}", (404, {"error": {"code": 803, "message": "Unknown"}}))
            if isinstance(found, list):
                found = found.pop(0) if len(found) > 1 else found[0]
            if found is None:
                self.close_connection = True
                return
            status, content = found
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = answer

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    graph.origin = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield graph
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
