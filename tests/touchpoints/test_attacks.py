"""What strangers may try at the door of the links: leading elsewhere, trying codes out, reading along."""

import re
import string
from itertools import pairwise
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from post_purchase.jobs.scans import ingest_scans
from post_purchase.models import Link, Scan
from post_purchase.services import guesses, links
from post_purchase.words import ChannelKind, TouchpointKind
from shopapp.lib.crypto import normalise_code
from tests.factories import make_channel, make_contact, make_order, make_shop

pytestmark = pytest.mark.django_db
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
OURS = {"wa.me", "m.me"}


@pytest.fixture
def shop(media):
    shop = make_shop()
    make_channel(shop)
    make_channel(shop, ChannelKind.MESSENGER)
    return shop


@pytest.fixture
def card(shop):
    return links.shop_link(touchpoint=links.touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT))[1]


EVIL = st.sampled_from(
    [
        "https://evil.example",
        "//evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "%0d%0aX: y",
        "@evil",
    ]
) | st.text(max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=EVIL, name=st.sampled_from(["via", "s", "next", "url", "to", "redirect"]), value=EVIL, host=EVIL)
def test_no_address_leads_anywhere_but_to_the_shops_own_channels(client, card, path, name, value, host):
    """Whatever stands behind the code, in the query or in a header."""
    odd = {"user-agent": PHONE, "x-forwarded-host": quote(host), "referer": quote(value)}
    for asked in (
        f"/c/{card}?{name}={quote(value)}",
        f"/c/{card}{quote(path, safe='')}",
        f"/c/{quote(path, safe='')}",
    ):
        response = client.get(asked, headers=odd)
        target = response.headers.get("Location", "")
        assert not target or urlsplit(target).hostname in OURS, (asked, target)
        assert "evil" not in target


def test_a_typed_code_leads_to_our_own_door_only(client, card):
    for typed in (card, f"{card}//evil.example", "//evil.example", f"https://evil.example/{card}", f"{card}\r\nX: y"):
        target = client.post("/c", {"code": typed}).headers.get("Location", "")
        assert re.fullmatch(r"(/c/[0-9A-Z]+)?", target)


def test_a_code_says_nothing_of_its_order_or_its_neighbours(shop):
    """Codes of orders that follow each other share no more than chance would have them share."""
    touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE)
    codes = [links.link_for_order(touchpoint=touchpoint, order=make_order(shop))[1] for _ in range(40)]
    emails = [links.email_code(shop=shop, order_shopify_id=5_000_000_000 + number) for number in range(40)]
    assert len({*codes, *emails}) == 80
    for several, letters in ((codes, 32), (emails, 16)):
        same = sum(a == b for one, two in pairwise(several) for a, b in zip(one, two, strict=True))
        places = 39 * len(several[0])
        assert same < 3 * places / letters + 10


def test_trying_codes_out_is_slowed_down_for_everybody_and_finds_nothing(client, shop, card, monkeypatch):
    monkeypatch.setattr(guesses, "MAX_UNKNOWN_PER_MINUTE", 20)
    monkeypatch.setattr(guesses, "OWN_TRIES", 0)
    monkeypatch.setattr(guesses.time, "time", lambda: 1_800_000_000.0)
    near = [
        card[:15] + letter for letter in string.ascii_uppercase + string.digits if normalise_code(letter) != card[15]
    ]
    answers = [client.get(f"/c/{guess}", headers={"user-agent": PHONE}).status_code for guess in near[:30]]
    assert set(answers) <= {404, 429}
    assert answers[-1] == 429
    assert client.get(f"/c/{card}", headers={"user-agent": PHONE}).status_code == 302
    assert client.post("/c", {"code": near[0]}).status_code == 429  # the form is the same door


def test_a_page_is_the_same_for_every_code_that_is_not_known(client, shop):
    pages = {client.get(f"/c/{code}").content for code in ("AB3KQ9ZT7MXW2HHC", "0123456789ABCDEF0123", "x", "A" * 300)}
    assert len(pages) == 1


def test_whoever_collects_links_learns_nothing_of_the_orders(client, shop):
    """All that a scraper with a good code can see: the shop's name, its channels, the code."""
    make_channel(shop, ChannelKind.EMAIL)
    contact = make_contact(shop, first_name="Zebulon", last_name="Quartermain")
    order = make_order(
        shop,
        contact,
        shipping_country="FR",
        email="zebulon@example.com",
        shipping_city="Besançon",
        shipping_zip="25000",
    )
    touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE)
    _, code = links.link_for_order(touchpoint=touchpoint, order=order)
    desktop = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36"
    seen = ""
    for path in (f"/c/{code}", f"/c/{code}?via=email", f"/c/{code}?via=whatsapp"):
        response = client.get(path, headers={"user-agent": desktop})
        seen += response.content.decode() + str(response.headers)
    told = ("Zebulon", "Quartermain", "example.com", "Besan", "25000", order.name, str(order.shopify_id), "Stoneware")
    assert [word for word in told if word in seen] == []


def test_asking_does_not_use_a_link_up_nor_make_rows(client, shop, card):
    before = Link.objects.count()
    for _ in range(5):
        client.get(f"/c/{card}", headers={"user-agent": PHONE})
        client.get("/c/AB3KQ9ZT7MXW2HHC", headers={"user-agent": PHONE})
    assert Link.objects.count() == before
    assert not Link.objects.exclude(used_at=None).exists()
    assert not Scan.objects.exists()  # the door itself writes nothing


def test_a_flood_of_scans_of_one_stranger_is_one_person(client, shop, card):
    for _ in range(50):
        client.get(f"/c/{card}", headers={"user-agent": PHONE, "x-forwarded-for": "203.0.113.9"})
    ingest_scans()
    assert Scan.objects.count() == 1


def test_a_stranger_who_guesses_keeps_nobody_else_waiting(client, monkeypatch):
    monkeypatch.setattr(guesses, "MAX_UNKNOWN_PER_MINUTE", 3)
    answers = [client.get(f"/c/{'0' * 15}{n:X}", REMOTE_ADDR="203.0.113.9").status_code for n in range(10)]
    assert answers == [404] * 5 + [429] * 5
    assert client.get(f"/c/{'0' * 16}", REMOTE_ADDR="198.51.100.7").status_code == 404  # one typo of somebody else
