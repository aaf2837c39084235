"""A real browser before the real app; a stand-in on a loopback port serves Shopify's scripts and ID tokens."""

import json
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from demo.pages.site import picked
from demo.shopify.orders import PRODUCTS
from shopapp.models import Shop
from tests.factories import make_shop
from tests.shopapp.pretend import SHOP, admin_claims, sign

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SCREENSHOTS = ROOT / "var" / "screenshots"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
QUIET = 0.1  # seconds
SIZES = {"wide": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


class _Shopify(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/admin/id-token":
            shop = parse_qs(url.query).get("shop", [SHOP])[0]
            self.answer(json.dumps({"id_token": sign(admin_claims(shop))}).encode(), "application/json")
            return
        if url.path == "/admin/products.json":
            self.answer(json.dumps({"products": picked(PRODUCTS)}).encode(), "application/json")
            return
        names = (ROOT / "demo" / "static").rglob(Path(url.path).name)  # in Shopify's own folders some of them
        file = next((name for name in names if name.is_file()), None)
        if file is None:
            self.send_error(404)
            return
        kinds = {".js": "text/javascript", ".css": "text/css"}
        self.answer(file.read_bytes(), kinds.get(file.suffix, "application/octet-stream"))

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not there")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def shopify_scripts(settings: Any) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shopify)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    settings.SHOPIFY_CDN_ORIGIN = f"http://127.0.0.1:{server.server_port}/cdn"
    yield settings.SHOPIFY_CDN_ORIGIN
    server.shutdown()


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    return make_shop()


class Admin:
    """The merchant's browser. Every error on the page fails the test."""

    def __init__(self, page: Page, origin: str):
        self.page, self.origin = page, origin
        self.errors: list[str] = []
        self.asking: set[Request] = set()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.asking.add(request))
        page.on("requestfinished", lambda request: self.asking.discard(request))
        page.on("requestfailed", lambda request: self.asking.discard(request))

    def open(self, path: str, *, with_token: bool = True) -> Page:
        """As Shopify's admin opens it; without its token the page fetches one and comes again."""
        query = f"shop={SHOP}&host=aG9zdA" + (f"&id_token={sign(admin_claims(SHOP))}" if with_token else "")
        self.page.goto(f"{self.origin}{path}{'&' if '?' in path else '?'}{query}")
        self.page.wait_for_selector("#page s-page")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Everything loaded, and QUIET without a request. Playwright's own "networkidle" waits half a second."""
        self.page.wait_for_load_state("load")
        since, end = time.monotonic(), time.monotonic() + 20
        while time.monotonic() - since < QUIET:
            assert time.monotonic() < end, f"still loading: {[request.url for request in self.asking]}"
            self.page.wait_for_timeout(20)
            if self.asking:
                since = time.monotonic()

    def photograph(self, name: str) -> None:
        """With SCREENSHOTS=1, for people to look at."""
        if not os.environ.get("SCREENSHOTS"):
            return
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


@pytest.fixture
def admin(chromium: Browser, live_server: Any, shopify_scripts: str, shop: Shop) -> Iterator[Admin]:
    context = chromium.new_context(viewport=SIZES["wide"])
    context.set_default_timeout(30_000)
    made = Admin(context.new_page(), live_server.url)
    yield made
    context.close()
    assert made.errors == []
