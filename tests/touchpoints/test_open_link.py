"""GET /c/<code>: where a tap leads, what is counted, and the plain pages where it leads nowhere."""

import html
import re
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.test import Client
from redis.exceptions import ConnectionError as RedisAway

from post_purchase.jobs.scans import ingest_scans
from post_purchase.models import ChannelStatus, Scan, ShopSettings
from post_purchase.services import guesses, links, taps, visits
from post_purchase.touchpoints.texts import languages
from post_purchase.web.public.links import label_of
from post_purchase.words import ChannelKind, TouchpointKind
from shopapp.lib import clock, queue
from shopapp.lib.crypto import grouped
from shopapp.models import ShopStatus
from shopapp.web.logs import scrub
from tests.factories import make_channel, make_order, make_shop

pytestmark = pytest.mark.django_db
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
DESKTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36"
PREVIEW = "WhatsApp/2.25.20.77 A"


def of_order(shop, **fields):
    touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE)
    return links.link_for_order(touchpoint=touchpoint, order=make_order(shop, **fields))[1]


def tap(client: Client, code: str, agent: str = PHONE, **headers):
    return client.get(f"/c/{code}", headers={"user-agent": agent, **headers})


def counted() -> list[tuple[str, str, bool]]:
    ingest_scans()
    return list(Scan.objects.order_by("pk").values_list("device", "channel_kind", "robot"))


def test_a_tap_leads_to_whatsapp_with_the_code_in_the_draft_and_is_counted(client, shop):
    make_channel(shop)
    code = of_order(shop, language="de", name="#1001")
    response = tap(client, code)
    assert response.status_code == 302
    target = urlsplit(response["Location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == "https://wa.me/15550783881"
    assert parse_qs(target.query)["text"] == [f"Hallo! Mein Code ist {grouped(code)}"]
    assert (response["Cache-Control"], response["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert not response.cookies
    assert counted() == [("ios", "whatsapp", False)]


def test_nothing_of_the_order_is_in_the_address(client, shop):
    make_channel(shop)
    code = of_order(shop, name="#1001", email="maria@example.com", phone="+4930123456")
    target = unquote(tap(client, code)["Location"])
    for secret in ("#1001", "1001", "maria@example.com", "4930123456"):
        assert secret not in target


@pytest.mark.parametrize("path", ["/c/{lower}", "/C/{code}", "/c/{grouped}", "/C/{lower}"])
def test_a_code_opens_however_it_is_written(client, shop, card, path):
    make_channel(shop)
    response = client.get(
        path.format(code=card, lower=card.lower(), grouped=grouped(card)), headers={"user-agent": PHONE}
    )
    assert response.status_code == 302


def test_a_head_request_is_answered_and_not_counted(client, shop, card):
    make_channel(shop)
    response = client.head(f"/c/{card}", headers={"user-agent": PHONE})
    assert response.status_code == 302
    assert counted() == []


def test_a_link_preview_is_marked_as_a_robot(client, shop, card):
    make_channel(shop)
    assert tap(client, card, PREVIEW).status_code == 302
    assert counted() == [("", "whatsapp", True)]


def test_the_shipping_country_decides_then_the_browsers_then_the_shops(client, shop, card):
    make_channel(shop)
    make_channel(shop, ChannelKind.MESSENGER)
    assert tap(client, of_order(shop, shipping_country="PL"))["Location"].startswith("https://m.me/fernandfield")
    assert tap(client, card, **{"accept-language": "pl-PL,pl;q=0.9"})["Location"].startswith("https://m.me/")
    assert tap(client, card, **{"accept-language": "pl"})["Location"].startswith("https://wa.me/")


def test_the_merchants_order_wins(client, shop, card):
    make_channel(shop)
    make_channel(shop, ChannelKind.MESSENGER)
    ShopSettings.objects.filter(shop=shop).update(channel_order={"*": ["messenger", "whatsapp"]})
    assert tap(client, card)["Location"].startswith("https://m.me/")


def test_a_printed_code_can_be_led_elsewhere_afterwards(client, shop, card):
    make_channel(shop)
    make_channel(shop, ChannelKind.MESSENGER)
    touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)
    touchpoint.options = {"channel": "messenger"}
    touchpoint.save(update_fields=["options"])
    assert tap(client, card)["Location"].startswith("https://m.me/")


def test_via_picks_a_connected_channel_and_nothing_else(client, shop, card):
    make_channel(shop)
    make_channel(shop, ChannelKind.MESSENGER)
    assert tap(client, f"{card}?via=messenger")["Location"].startswith("https://m.me/")
    for evil in ("https://evil.example", "//evil.example", "telegram", "javascript:alert(1)"):
        assert tap(client, f"{card}?via={evil}")["Location"].startswith("https://wa.me/")


def test_email_is_a_page_with_the_address_and_the_code_to_copy(client, shop, card):
    make_channel(shop, ChannelKind.EMAIL)
    response = tap(client, card)
    page = response.content.decode()
    assert response.status_code == 200
    address = html.unescape(page).split('href="mailto:')[1].split("?")[0]
    assert address.endswith("@inbound.example.test")  # where our own inbox reads it
    assert f'<dd dir="ltr">{address}</dd>' in page
    assert grouped(card) in page
    assert counted() == [("ios", "email", False)]


def test_a_desktop_with_two_close_channels_is_asked_and_the_choice_is_one_scan(client, shop):
    make_channel(shop)
    make_channel(shop, ChannelKind.MESSENGER)
    code = of_order(shop, shipping_country="FR", language="fr")
    response = tap(client, code, DESKTOP)
    page = response.content.decode()
    assert response.status_code == 200
    assert "Comment souhaitez-vous discuter" in page
    assert page.index(">WhatsApp<") < page.index(">Messenger<")
    chosen = next(part.split('"')[0] for part in page.split('href="') if "via=messenger" in part).replace("&amp;", "&")
    assert client.get(chosen, headers={"user-agent": DESKTOP})["Location"].startswith("https://m.me/")
    assert counted() == [("desktop", "messenger", False)]


def test_the_chat_on_our_own_page_is_not_called_by_its_technical_name():
    assert [label_of(ChannelKind.WEBCHAT, language) for language in ("en", "de")] == ["Chat with us", "Mit uns chatten"]
    assert label_of(ChannelKind.WHATSAPP, "de") == "WhatsApp"


def test_the_chooser_speaks_of_an_order_only_where_the_link_has_one(client, shop, card):
    make_channel(shop)
    make_channel(shop, ChannelKind.MESSENGER)
    _, early = links.link_for_checkout(shop=shop, checkout_token="a-checkout-before-its-order", order_shopify_id=None)
    for code, speaks in ((of_order(shop, shipping_country="FR"), True), (early, True), (card, False)):
        page = tap(client, code, DESKTOP, **{"accept-language": "en-FR"}).content.decode()
        assert "You can switch at any time." in page
        assert ("which order it is about" in page) is speaks


def test_another_links_scan_cannot_be_changed_by_its_id(client, shop, card):
    make_channel(shop)
    make_channel(shop, ChannelKind.MESSENGER)
    code = of_order(shop, shipping_country="FR")
    page = tap(client, code, DESKTOP).content.decode()
    scan_id = page.split("&amp;s=")[1][:32]
    tap(client, f"{card}?via=messenger&s={scan_id}")
    ingest_scans()
    scan = Scan.objects.get(scan_id=scan_id)
    assert (scan.channel_kind, scan.device) == ("", "desktop")


def test_an_unknown_code_gets_a_page_with_a_form_and_no_query_where_it_cannot_be_one(client, shop, look_ups):
    response = tap(client, "AB3KQ9ZT7MXW2HHC")
    assert (response.status_code, len(look_ups)) == (404, 1)
    assert 'name="code"' in response.content.decode()
    for odd in ("x", "../../etc/passwd", "%00", "A" * 500, "ÄÖÜ", "' OR 1=1 --"):
        assert client.get(f"/c/{odd}", headers={"user-agent": PHONE}).status_code == 404
    assert len(look_ups) == 1
    assert counted() == []


def test_a_tap_costs_one_query_and_one_for_what_its_touchpoint_shares(
    client, shop, card, look_ups, django_assert_max_num_queries
):
    make_channel(shop)
    visits.person_of({}, link_id=0, now=clock.now())  # once a day the process reads the key of the day
    with django_assert_max_num_queries(2):
        assert tap(client, card).status_code == 302
    assert look_ups == [taps.OF_A_LINK, taps.OF_A_TOUCHPOINT]


def test_an_expired_link_says_so(client, shop):
    make_channel(shop)
    with clock.frozen(clock.now()) as at:
        code = of_order(shop)
        at.move(days=59)
        assert tap(client, code).status_code == 302
        at.move(days=1)
        response = tap(client, code)
        text = response.content.decode()
        assert response.status_code == 410
        assert "is old" in text
        assert "Location" not in response
        way = re.search(r'href="(/c/[0-9A-Z]+)"', text)[1]
        assert way != f"/c/{code}"
        assert f'href="https://{shop.domain}/"' in text
        assert client.get(way, HTTP_USER_AGENT="iPhone").status_code == 302  # the chat, which asks for the order
    ingest_scans()
    assert list(Scan.objects.order_by("scanned_at", "pk").values_list("nowhere", flat=True)) == [False, True, False]


def test_an_expired_link_of_a_shop_without_channels_leads_to_its_website(client, shop):
    with clock.frozen(clock.now()) as at:
        code = of_order(shop)
        at.move(days=60)
        text = tap(client, code).content.decode()
    assert f'href="https://{shop.domain}/"' in text
    assert 'href="/c/' not in text


def test_an_uninstalled_shop_and_one_without_channels_have_a_page(client, shop, card):
    channel = make_channel(shop)
    channel.status = ChannelStatus.DISCONNECTED
    channel.save(update_fields=["status"])
    with clock.frozen(clock.now()) as at:
        assert tap(client, card).status_code == 200
        ingest_scans()
        assert Scan.objects.get().nowhere
        shop.status = ShopStatus.UNINSTALLED
        shop.save(update_fields=["status"])
        at.move(seconds=3)
        response = tap(client, card)
    assert response.status_code == 410
    assert "does not chat here any more" in response.content.decode()


def test_another_shops_channels_are_never_used(client, shop, card):
    make_channel(make_shop("rival.myshopify.com"))
    assert tap(client, card).status_code == 200


def test_guessing_is_slowed_down_while_good_codes_go_on_working(client, shop, card, monkeypatch):
    make_channel(shop)
    monkeypatch.setattr(guesses, "MAX_UNKNOWN_PER_MINUTE", 2)
    monkeypatch.setattr(guesses, "OWN_TRIES", 0)
    monkeypatch.setattr(guesses.time, "time", lambda: 1_800_000_000.0)
    answers = [tap(client, "AB3KQ9ZT7MXW2HHC").status_code for _ in range(4)]
    assert answers == [404, 404, 429, 429]
    assert tap(client, "AB3KQ9ZT7MXW2HHC")["Retry-After"] == "60"
    assert tap(client, card).status_code == 302


def test_redis_away_changes_nothing_for_the_shopper(client, shop, card, monkeypatch):
    make_channel(shop)

    def away():
        raise RedisAway

    monkeypatch.setattr(queue, "redis", away)
    assert tap(client, card).status_code == 302
    assert tap(client, "AB3KQ9ZT7MXW2HHC").status_code == 404


def test_other_methods_are_refused(client, shop, card):
    assert client.post(f"/c/{card}").status_code == 405
    assert client.delete(f"/c/{card}").status_code == 405


def test_a_typed_code_leads_on(client, shop, card):
    assert client.get("/c").status_code == 200
    response = client.post("/c", {"code": f" {grouped(card).lower()} "})
    assert (response.status_code, response["Location"]) == (303, f"/c/{card}")
    for wrong in ("", "//evil.example", "AB3KQ9ZT7MXW2HHC"):
        response = client.post("/c", {"code": wrong})
        assert (response.status_code, "Location" in response) == (404, False)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "ja", "ar"])
def test_every_page_is_small_has_no_script_and_speaks_the_language(client, shop, card, language):
    assert language in languages()
    make_channel(shop)
    make_channel(shop, ChannelKind.MESSENGER)
    make_channel(shop, ChannelKind.EMAIL)
    ask = {"accept-language": f"{language}-FR"}
    for response in (
        tap(client, card, DESKTOP, **ask),
        tap(client, f"{card}?via=email", **ask),
        tap(client, "AB3KQ9ZT7MXW2HHC", **ask),
        client.get("/c", headers=ask),
    ):
        page = response.content.decode()
        assert len(response.content) < 10_000
        assert "<script" not in page
        assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in page
        assert "default-src 'none'" in response["Content-Security-Policy"]
        assert not response.cookies


@pytest.mark.parametrize("path", ["/c/AB3KQ9ZT7MXW2HHC", "/C/ab3k-q9zt-7mxw-2hhc", "/unsubscribe/5.marketing.x"])
def test_a_code_never_reaches_the_log(path):
    kept = scrub(f"Internal Server Error: {path}")
    assert path.rsplit("/", 1)[1] not in kept
    assert kept.endswith("/<code>")


def test_the_code_of_an_order_lives_as_long_as_the_rule_says():
    assert timedelta(days=60) == links.LIFETIME


def test_the_merchants_own_try_leads_there_and_counts_as_nobody(client, shop):
    for kind in (ChannelKind.WHATSAPP, ChannelKind.MESSENGER):
        make_channel(shop, kind=kind)
    code = links.shop_link(touchpoint=links.touchpoint_of(shop=shop, kind=TouchpointKind.STOREFRONT))[1]
    french = {"accept-language": "en-FR"}
    chooser = tap(client, f"{code}?try=1", DESKTOP, **french).content.decode()
    onward = [html.unescape(found) for found in re.findall(r'href="(/c/[^"]+via=[^"]+)"', chooser)]
    assert len(onward) == 2
    for address in onward:
        assert client.get(address, headers={"user-agent": DESKTOP}).status_code == 302
    assert counted() == []
    tap(client, code, DESKTOP, **french)
    assert len(counted()) == 1
