"""A small threaded HTTP server: routes are (method, pattern,
function); a function takes a Request and returns a Reply."""

import email
import json
import re
import socket
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

MAX_BYTES = 25 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: Any  # case-insensitive
    body: bytes

    def json(self) -> Any:
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            return None

    def parts(self) -> dict[str, Any]:
        """multipart/form-data: e-mail parts by their names."""
        head = f"Content-Type: {self.headers.get('Content-Type')}\r\n\r\n".encode()
        return {
            str(part.get_param("name", header="content-disposition")): part
            for part in email.message_from_bytes(head + self.body).walk()
            if not part.is_multipart()
        }

    def form(self) -> dict[str, str]:
        return {
            key: values[-1]
            for key, values in parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True).items()
        }

    @property
    def bearer(self) -> str:
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass
class Reply:
    body: bytes | str | dict[str, Any] | list[Any] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    type: str = ""
    dropped: bool = False  # the work is done, but the answer never leaves: what the caller sees is a broken line


Handler = Callable[..., Reply]


class Server:
    def __init__(self, *, port: int = 0):
        self.routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self.http = _Http(("127.0.0.1", port), _handler_for(self))
        self.port = int(self.http.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), name="demo-http", daemon=True)

    def route(self, method: str, pattern: str, function: Handler) -> None:
        """`pattern`: a path with `<name>` for one segment and `<name...>` for the rest."""
        regex = re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", pattern)
        regex = re.sub(r"<(\w+)\.\.\.>", r"(?P<\1>.+)", regex)
        self.routes.append((method, re.compile(f"^{regex}$"), function))

    def answer(self, request: Request) -> Reply:
        known = False
        for method, pattern, function in self.routes:
            match = pattern.match(request.path)
            if match is None:
                continue
            known = True
            if method == request.method or (method == "GET" and request.method == "HEAD"):
                return function(request, **{key: unquote(value) for key, value in match.groupdict().items()})
        return Reply({"error": "wrong method" if known else "nothing here"}, status=405 if known else 404)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is nobody's error."""


def _handler_for(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65536

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > MAX_BYTES:
                self.send_error(413)
                return
            parts = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
            body = self.rfile.read(length) if length else b""
            try:
                reply = server.answer(Request(self.command, parts.path, query, self.headers, body))
            except Exception:  # noqa: BLE001 - the border: a mistake in the demo must be seen, not hang the caller
                traceback.print_exc()
                reply = Reply({"error": "The demo world made a mistake; its log says which"}, status=500)
            if reply.dropped:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.write(reply)

        def write(self, reply: Reply) -> None:
            body, kind = reply.body, reply.type
            if isinstance(body, (dict, list)):
                body, kind = json.dumps(body).encode(), kind or "application/json"
            elif isinstance(body, str):
                body, kind = body.encode(), kind or "text/html; charset=utf-8"
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if kind:
                self.send_header("Content-Type", kind)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD" and body:
                self.wfile.write(body)
            self.wfile.flush()

        do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_HEAD = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            """Silent: the pages show what happens."""

    return Handler
