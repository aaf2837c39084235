"""How a network's app is opened, by its own rules, and the page that stands where a redirect would fail silently."""

from urllib.parse import unquote

import pytest

from post_purchase.channels import entry_links
from post_purchase.channels.registry import DRIVERS
from post_purchase.services import links
from post_purchase.words import ChannelKind, TouchpointKind
from tests.factories import make_channel, make_shop

TEXT = "Hi! My code is AB3K-Q9ZT & more"


@pytest.mark.parametrize(("device", "joint"), [("ios", "&"), ("android", "?"), ("desktop", "?&"), ("", "?&")])
def test_a_text_message_is_written_as_the_device_reads_it(device, joint):
    link = entry_links.sms_link(number="+15550783881", text=TEXT, device=device)
    head, body = link.split("body=")
    assert head == f"sms:+15550783881{joint}"
    assert "+" not in body
    assert unquote(body) == TEXT


@pytest.mark.parametrize("number", ["", "abc", "+1555;sms:+1900", "+1 555", "1" * 30])
def test_only_a_number_becomes_a_text_message(number):
    with pytest.raises(ValueError, match="telephone number"):
        entry_links.sms_link(number=number, text=TEXT)


def test_telegram_takes_the_code_as_its_start_word():
    link = entry_links.telegram_link(origin="https://t.me", bot="fern_bot", code="AB3KQ9ZT7MXW2HHC")
    assert link == "https://t.me/fern_bot?start=AB3KQ9ZT7MXW2HHC"
    assert entry_links.telegram_link(origin="https://t.me", bot="fern_bot", code="") == "https://t.me/fern_bot"
    for wrong in ("A" * 65, "AB 3K", "a&b"):
        with pytest.raises(ValueError, match="Telegram"):
            entry_links.telegram_link(origin="https://t.me", bot="fern_bot", code=wrong)


def test_instagram_takes_the_code_as_its_ref():
    link = entry_links.instagram_link(origin="https://ig.me", username="fern.field", code="AB3K")
    assert link == "https://ig.me/m/fern.field?ref=AB3K"


class Text:
    """Only what a link asks of a driver."""

    kind = ChannelKind.SMS

    def entry_url(self, *, channel, code, text, device=""):
        return entry_links.sms_link(number=f"+{channel.link_address}", text=text, device=device)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("agent", "joint"), [("Mozilla/5.0 (iPhone; CPU)", "&"), ("Mozilla/5.0 (Linux; Android 15)", "?")]
)
def test_a_text_message_is_a_page_with_the_number_and_the_code_to_copy(client, media, monkeypatch, agent, joint):
    monkeypatch.setitem(DRIVERS, ChannelKind.SMS, Text())
    shop = make_shop()
    make_channel(shop, ChannelKind.SMS, link_address="15550783881")
    _, code = links.shop_link(touchpoint=links.touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT))
    response = client.get(f"/c/{code}", headers={"user-agent": agent, "accept-language": "de"})
    page = response.content.decode().replace("&amp;", "&")
    assert response.status_code == 200
    assert f'href="sms:+15550783881{joint}body=Hallo%21%20Mein%20Code' in page
    assert '<dd dir="ltr">+15550783881</dd>' in page
    assert "SMS schreiben" in page
