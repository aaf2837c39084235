"""The hosted page: small, without a cookie or a third party, in the shopper's language, framed by nobody."""

import gzip
import html
import json
import re
from pathlib import Path

import pytest

from post_purchase.models import Channel, ChannelStatus, Link
from post_purchase.services.channels import connect_channel
from post_purchase.services.links import shop_link, touchpoint_of
from post_purchase.touchpoints.texts import _chat_texts, chat_texts, languages
from post_purchase.words import ChannelKind, TouchpointKind
from shopapp.lib import clock
from tests import factories
from tests.pages.visitor import Visitor

pytestmark = pytest.mark.django_db
STATIC = Path(__file__).resolve().parent.parent.parent / "static"
FIRST_LOAD = 20 * 1024  # bytes, compressed: the page, its script and its style


def test_the_first_load_is_small_and_asks_nobody_else(client, chat):
    chat.shop.settings.default_language = "ja"  # the longest words
    chat.shop.settings.save()
    page = client.get(f"/chat/{chat.code}", headers={"accept-language": "ja"})
    text = page.content.decode()
    asked = re.findall(r'(?:src|href)="([^"]+)"', text)
    files = [address for address in asked if address.startswith("/static/")]
    names = [f"/static/chat/{name}" for name in ("chat.css", "chat.js", "parts.js")]
    assert sorted(name.split("?")[0] for name in files) == names
    assert [address for address in asked if address not in files] == ["data:,", f"/c/{chat.code}"]
    bytes_of = [page.content] + [(STATIC / name.split("?")[0][8:]).read_bytes() for name in files]
    assert sum(len(gzip.compress(each, 9)) for each in bytes_of) < FIRST_LOAD
    assert not page.cookies


def test_the_first_load_is_small_on_the_wire(chat, client):
    addresses = [f"/chat/{chat.code}", *(f"/static/chat/{name}" for name in ("chat.css", "chat.js", "parts.js"))]
    on_the_wire = 0
    for address in addresses:
        answer = client.get(address, headers={"accept-encoding": "gzip"})
        assert (answer["Content-Encoding"], answer["Vary"]) == ("gzip", "Accept-Encoding"), address
        sent = answer.getvalue()
        assert gzip.decompress(sent)
        on_the_wire += len(sent)
    assert on_the_wire < FIRST_LOAD
    part = client.get("/static/chat/chat.js", headers={"accept-encoding": "gzip", "range": "bytes=0-99"})
    assert (part.status_code, "Content-Encoding" in part, len(part.getvalue())) == (206, False, 100)
    assert "Content-Encoding" not in client.get("/my", headers={"accept-encoding": "gzip"})


def test_nothing_may_run_or_frame_it_from_elsewhere(client, chat):
    page = client.get(f"/chat/{chat.code}")
    policy = dict(part.split(" ", 1) for part in page["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in page["Content-Security-Policy"]
    assert (page["Referrer-Policy"], page["X-Robots-Tag"], page["Cache-Control"]) == (
        "no-referrer",
        "noindex",
        "no-store",
    )
    assert not re.search(r"<script(?![^>]*(src=|application/json))", page.content.decode())


def test_a_shops_name_cannot_break_out(client, chat):
    chat.shop.settings.brand_name = "</script><script>alert(1)</script>"
    chat.shop.settings.save()
    text = client.get(f"/chat/{chat.code}").content.decode()
    assert "<script>alert" not in text


def test_it_tells_nothing_of_the_order(client, chat):
    text = client.get(f"/chat/{chat.code}").content.decode()
    for secret in (chat.order.name, chat.order.email, "Maria", "Lang", "10115"):
        assert secret not in text
    facts = json.loads(html.unescape(re.search(r'id="facts" type="application/json">(.*?)</script>', text)[1]))
    assert set(facts) == {"room", "code", "expired", "stream", "texts", "language", "shop"}


def test_arabic_runs_from_right_to_left(client, chat):
    card = shop_link(touchpoint=touchpoint_of(shop=chat.shop, kind=TouchpointKind.PACKAGE_INSERT))[1]
    text = client.get(f"/chat/{card}", headers={"accept-language": "ar-EG"}).content.decode()
    assert '<html lang="ar" dir="rtl">' in text


def test_every_language_says_the_same_things():
    assert set(_chat_texts()) == set(languages())
    for language in languages():
        assert set(chat_texts(language)) == set(chat_texts("en"))
        assert all(chat_texts(language).values())
        assert "STOP" in chat_texts(language)["small"]


def test_every_word_of_the_script_is_there():
    scripts = [file.read_text() for file in sorted((STATIC / "chat").glob("*.js"))]
    used = set(re.findall(r"texts\.(\w+)", "".join(scripts)))
    assert used <= set(chat_texts("en"))


def test_what_is_no_link_leads_nowhere(client, chat):
    for code in ("AB3KQ9ZT7MXW2HHC", "x", "..%2f..%2fetc%2fpasswd", "%00"):
        assert client.get(f"/chat/{code}").status_code == 404
    assert client.post(f"/chat/{chat.code}").status_code == 405


def test_an_expired_link_still_opens_for_who_has_begun(client, chat):
    Link.objects.update(expires_at=clock.now())
    text = client.get(f"/chat/{chat.code}").content.decode()
    assert '"expired": true' in text


def test_a_shop_without_web_chat_says_so(client, chat):
    Channel.objects.update(status=ChannelStatus.DISCONNECTED)
    page = client.get(f"/chat/{chat.code}")
    assert page.status_code == 200
    assert b"chat.js" not in page.content


def test_a_link_leads_to_the_page_and_the_tap_is_counted(client, chat):
    tapped = client.get(f"/c/{chat.code}", headers={"user-agent": "Mozilla/5.0 (iPhone)"})
    assert (tapped.status_code, tapped["Location"]) == (302, f"https://app.example.test/chat/{chat.code}")


def test_it_is_switched_on_with_one_button(chat):
    Channel.objects.all().delete()
    owner = Visitor(chat.shop.domain)
    page = owner.get("/app/settings/channels/webchat")
    assert page.status_code == 200
    assert "Switch on" in page.content.decode()
    assert "s-text-field" not in page.content.decode().split("<s-page")[1]
    assert owner.post("/app/settings/channels/webchat/connect", {}).status_code == 200
    channel = Channel.objects.get()
    assert (channel.kind, channel.account_id, channel.status) == ("webchat", chat.shop.domain, "active")
    assert "It is on" in owner.get("/app/settings/channels/webchat").content.decode()


def test_switching_on_twice_makes_one_room(chat):
    made = connect_channel(shop=chat.shop, kind="webchat", account_id=chat.shop.domain, credentials={})
    assert made.pk == chat.channel.pk
    assert Channel.objects.filter(kind=ChannelKind.WEBCHAT).count() == 1


def test_a_merchant_may_put_it_first(client, chat):
    factories.make_channel(chat.shop, ChannelKind.WHATSAPP)
    chat.shop.settings.channel_order = {"DE": ["webchat", "whatsapp"]}
    chat.shop.settings.save()
    tapped = client.get(f"/c/{chat.code}", headers={"user-agent": "Mozilla/5.0 (iPhone)"})
    assert tapped["Location"].endswith(f"/chat/{chat.code}")
