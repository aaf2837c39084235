"""The chat overlay in a checkout: the built extension puts our page in a frame, and what is said there is a row."""

import json
import threading
from http.server import ThreadingHTTPServer

import pytest

from post_purchase.models import Message, OrderBinding
from post_purchase.words import ChannelKind
from shopapp.lib.crypto import hash_secret
from tests import factories
from tests.browser.conftest import ROOT, _Shopify
from tests.extension.conftest import buyer_token

pytestmark = [pytest.mark.browser, pytest.mark.npm]
TOKEN = "a-checkout-token-of-32-letters-xy"
PAGE = "<!doctype html><html lang=en><body><header>Thank you</header><script>window.facts = FACTS</script>\
<script type=module src=/checkout.js></script></body></html>"


def test_what_is_said_in_the_overlay_is_a_row_tied_to_the_order(
    chromium, live_server, shopify_scripts, shop, media, settings
):
    answers = {}

    class Checkout(_Shopify):  # of a server: Chromium lets a page without an address reach no loopback address
        def do_GET(self):
            kind, body = answers.get(self.path.split("?")[0], ("text/plain", ""))
            self.answer(body.encode(), kind)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Checkout)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    checkout = f"http://127.0.0.1:{server.server_port}"
    settings.DEMO, settings.DEMO_WORLD_URL = True, checkout
    factories.make_channel(shop, ChannelKind.WEBCHAT)
    order = factories.make_order(shop, factories.make_contact(shop), checkout_token_hash=hash_secret(TOKEN))
    facts = {
        "texts": {},
        "order": {"id": f"gid://shopify/OrderIdentity/{order.shopify_id}", "name": order.name},
        "number": "X1",
        "signed_in": False,
        "checkout_token": TOKEN,
        "metafields": [],
        "shop": shop.domain,
        "language": "en",
        "country": "DE",
        "target": "purchase.thank-you.block.render",
        "app_url": live_server.url,
        "extension": "thank-you",
        "overlay": {"label": "Chat with the shop"},
    }
    extensions = ROOT / "extensions"
    files = {
        "/checkout.js": ROOT / "demo" / "pages" / "checkout.js",
        "/extension/thank-you.js": extensions / "thank-you" / "dist" / "thank-you.js",
        "/extension/chat-overlay.js": extensions / "optional" / "chat-overlay" / "dist" / "chat-overlay.js",
    }

    answers |= {path: ("text/javascript", file.read_text("utf-8")) for path, file in files.items()}
    answers["/api/buyer-token"] = ("application/json", json.dumps({"token": buyer_token()}))
    answers["/favicon.ico"] = ("image/x-icon", "")
    answers["/"] = ("text/html", PAGE.replace("FACTS", json.dumps(facts)))
    context = chromium.new_context(reduced_motion="reduce")
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{checkout}/")
    chat = page.frame_locator("s-chat iframe")
    chat.locator("html.small #open:enabled").press("Enter")
    chat.locator("#start").click()
    chat.locator("#text").fill("Can I still change the colour?")
    chat.locator("#send").click()
    chat.locator(".one.me .under:not(:has-text('·'))").first.wait_for()
    message = Message.objects.get(direction="in", text="Can I still change the colour?")
    assert OrderBinding.objects.filter(order=order, point=message.point).exists()
    size = "[document.querySelector('s-chat iframe').clientWidth, document.querySelector('s-chat iframe').clientHeight]"
    assert page.evaluate(size) == [415, 700]
    chat.locator("#text").press("Escape")
    chat.locator("html.small #open").wait_for()
    assert page.evaluate(size) == [224, 72]
    assert errors == []
    context.close()
    server.shutdown()
