"""A tiny Shopify on a loopback port that says what the test tells it to, and the tokens that Shopify would sign."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt

from shopapp.lib import clock

SHOP = "fern-and-field.myshopify.com"
Answer = tuple[int, dict[str, str], Any]


def admin_claims(shop: str = SHOP, **changes: Any) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    claims = {
        "iss": f"https://{shop}/admin",
        "dest": f"https://{shop}",
        "aud": "test-client-id",
        "sub": "42",
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": "f8912129-1af6-4cad-9ca3-76b0f7621087",
        "sid": "aaea182f2732d44c23057c0fea584021a4485b2bd25d3eb7fd349313ad24c685",
    } | changes
    return {name: value for name, value in claims.items() if value is not None}


def buyer_claims(shop: str = SHOP, **changes: Any) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    claims = {"dest": shop, "aud": "test-client-id", "exp": now + 300, "nbf": now, "iat": now, "jti": "1"} | changes
    return {name: value for name, value in claims.items() if value is not None}


def sign(claims: dict[str, Any], secret: str = "test-client-secret") -> str:
    return jwt.encode(claims, secret, algorithm="HS256")


def pair(number: int = 1, **changes: Any) -> Answer:
    body = {
        "access_token": f"shpat_{number}",
        "scope": "read_orders,write_discounts",
        "expires_in": 3600,
        "refresh_token": f"shprt_{number}",
        "refresh_token_expires_in": 7776000,
    }
    return 200, {}, body | changes


def result(data: Any, *, available: float = 900, cost: float = 10, rate: float = 100, **more: Any) -> Answer:
    throttle = {"maximumAvailable": 1000, "currentlyAvailable": available, "restoreRate": rate}
    spent = {"requestedQueryCost": cost, "actualQueryCost": cost, "throttleStatus": throttle}
    return 200, {"X-Request-Id": "request-1"}, {"data": data, "extensions": {"cost": spent}} | more


class PretendShopify:
    """`answers` are given in order, the last one again and again; a callable is asked. `asked` holds what came."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.answers: list[Answer | Callable[[dict[str, Any]], Answer]] = []
        self.asked: list[dict[str, Any]] = []
        self.lock = threading.Lock()

    def will(self, *answers: Answer | Callable[[dict[str, Any]], Answer]) -> None:
        self.answers, self.asked = list(answers), []

    def answer(self, asked: dict[str, Any]) -> Answer:
        with self.lock:
            self.asked.append(asked)
            given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return given(asked) if callable(given) else given

    def bodies(self) -> list[dict[str, Any]]:
        return [asked["body"] for asked in self.asked]


@contextmanager
def pretend_shopify() -> Iterator[PretendShopify]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = {"path": self.path, "body": body, "token": self.headers.get("X-Shopify-Access-Token")}
            status, headers, answer = world.answer(asked)
            payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    world = PretendShopify(f"http://127.0.0.1:{server.server_port}/shops/{{shop}}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield world
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
