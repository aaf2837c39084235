"""The chat overlay: optional, its restricted scope asked for by nobody, its page useless without a buyer's token."""

import json
import re
import tomllib

import pytest

from post_purchase.models import Link
from post_purchase.touchpoints.texts import languages
from post_purchase.words import ChannelKind
from shopapp.lib.crypto import hash_code, hash_secret
from tests.extension.conftest import TOKEN, ask, buyer_token
from tests.extension.test_block import EXTENSIONS, ROOT
from tests.factories import make_channel, make_shop

FOLDER = EXTENSIONS / "optional" / "chat-overlay"
QUESTION = {"checkout_token": TOKEN, "order_id": "gid://shopify/OrderIdentity/5123", "language": "de", "country": "DE"}
CHECKOUT_BRIDGE = "https://cdn.shopify.com/shopifycloud/checkout-web/assets/app-bridge-checkout.js"


def toml_of(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_the_restricted_scope_is_not_asked_for():
    """Listed before Shopify has granted it, every installation fails (docs/chat-overlay.md)."""
    app = (ROOT / "shopify.app.toml").read_text(encoding="utf-8")
    assert "checkout_extensions_chat" not in app


def test_it_is_left_out_of_the_usual_deploy():
    """Shopify's CLI looks for extensions in extensions/*, and no line of ours tells it to look deeper."""
    assert "extension_directories" not in toml_of(ROOT / "shopify.app.toml")
    assert [path.parent for path in EXTENSIONS.glob("*/shopify.extension.toml") if "chat" in path.parent.name] == []
    assert (FOLDER / "shopify.extension.toml").is_file()


def test_the_frame_is_our_page_and_asks_for_nothing():
    block = toml_of(FOLDER / "shopify.extension.toml")["extensions"][0]
    (target,) = block["targeting"]
    assert target["target"] == "purchase.thank-you.chat.render"
    assert target["preloads"] == {"chat": "https://doorstep.example.com/chat/checkout"}
    assert block["capabilities"] == {"api_access": False, "network_access": False}
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,50}", block["handle"])


def test_every_language_names_it():
    files = sorted((FOLDER / "locales").glob("*.json"))
    assert {path.stem.split(".")[0].split("-")[0] for path in files} == set(languages())
    for path in files:
        words = json.loads(path.read_text(encoding="utf-8"))
        assert set(words) == {"name", "description", "label"}
        assert all(words.values())


def test_the_page_has_shopifys_bridge_and_may_be_framed(client):
    page = client.get("/chat/checkout")
    text = page.content.decode()
    policy = dict(part.split(" ", 1) for part in page["Content-Security-Policy"].split("; "))
    assert policy["frame-ancestors"] == "https:"
    assert policy["script-src"] == "'self' https://cdn.shopify.com"
    assert text.index(CHECKOUT_BRIDGE) < text.index("chat.js")
    assert '<meta name="shopify-api-key" content="test-client-id">' in text
    assert "X-Frame-Options" not in page
    assert not page.cookies


@pytest.mark.django_db
class TestTheQuestion:
    def test_a_buyer_gets_the_room_and_the_code_of_the_order(self, client, shop):
        room = make_channel(shop, ChannelKind.WEBCHAT)
        reply = ask(client, "chat", QUESTION)
        assert reply.status_code == 200
        told = reply.json()
        assert (told["room"], told["shop"], told["language"]) == (room.pk, "Fern & Field", "de")
        link = Link.objects.get(checkout_token_hash=hash_secret(TOKEN))
        assert link.code_hash == hash_code(told["code"])
        assert told["texts"]["start"] == "Chat beginnen"

    def test_without_a_token_there_is_nothing(self, client, shop):
        make_channel(shop, ChannelKind.WEBCHAT)
        assert ask(client, "chat", QUESTION, token="x").status_code == 401
        assert ask(client, "chat", QUESTION, token=buyer_token(secret="another")).status_code == 401

    def test_another_shops_buyer_gets_that_shops_room(self, client, shop):
        make_channel(shop, ChannelKind.WEBCHAT)
        make_shop("rival.myshopify.com")
        assert ask(client, "chat", QUESTION, token=buyer_token("rival.myshopify.com")).status_code == 404

    def test_an_order_id_alone_opens_nothing(self, client, shop):
        make_channel(shop, ChannelKind.WEBCHAT)
        assert ask(client, "chat", QUESTION | {"checkout_token": ""}).status_code == 400
        assert not Link.objects.exists()

    def test_a_shop_without_web_chat_says_so(self, client, shop):
        assert ask(client, "chat", QUESTION).status_code == 404
