"""The link in an e-mail: it leads to its order, tells which mail it was, and is not to be guessed."""

import os
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings

from post_purchase.jobs.scans import ingest_scans
from post_purchase.models import Scan
from post_purchase.services import guesses, links
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import grouped
from tests.factories import make_channel, make_order, make_shop
from tests.touchpoints.test_open_link import DESKTOP, of_order, tap

pytestmark = pytest.mark.django_db


def email_parts(shop):
    """(code of the shop, a function from an order's number to its code), as the snippet has them."""
    touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.EMAIL_BUTTON)
    return links.shop_link(touchpoint=touchpoint)[1], lambda number: links.email_code(
        shop=shop, order_shopify_id=number
    )


def scanned():
    ingest_scans()
    return [
        (scan.source, scan.link.order_id is not None, scan.test, scan.touchpoint.kind)
        for scan in Scan.objects.order_by("pk").select_related("link", "touchpoint")
    ]


def an_hour_later():
    """What was put aside is looked at for the last time."""
    assert scanned() == []
    for path in settings.SPOOL_DIR.glob("*.later"):
        os.utime(path, (0, 0))
    with clock.frozen(clock.now() + timedelta(minutes=61)):
        return scanned()


def test_an_emails_link_leads_to_its_order_and_says_which_email_it_was(client, shop):
    make_channel(shop)
    shops, code_of = email_parts(shop)
    order = make_order(shop, language="de")
    links.join_order(order=order)
    response = tap(client, f"{code_of(order.shopify_id)}-S-{shops}")
    assert parse_qs(urlsplit(response["Location"]).query)["text"] == [
        f"Hallo! Mein Code ist {grouped(code_of(order.shopify_id))}"
    ]
    assert scanned() == [("S", True, False, "email_button")]


def test_a_test_email_leads_to_the_shop_and_is_not_taken_for_a_shopper(client, shop):
    make_channel(shop)
    shops, code_of = email_parts(shop)
    response = tap(client, f"{code_of(820982911946154508)}-C-{shops}")
    assert parse_qs(urlsplit(response["Location"]).query)["text"] == [f"Hi! My code is {grouped(shops)}"]
    assert an_hour_later() == [("C", False, True, "email_button")]
    assert links.touchpoint_of(shop=shop, kind=TouchpointKind.EMAIL_BUTTON).first_scan_at is None
    assert not list(settings.SPOOL_DIR.glob("scans-*.later")) + list(settings.SPOOL_DIR.glob("scans-*.batch"))


def test_an_email_that_is_faster_than_its_order_is_counted_for_the_order(client, shop):
    make_channel(shop)
    shops, code_of = email_parts(shop)
    assert tap(client, f"{code_of(77)}-C-{shops}").status_code == 302
    assert scanned() == []  # read before the order's webhook: not taken for a test, looked at again
    assert links.touchpoint_of(shop=shop, kind=TouchpointKind.EMAIL_BUTTON).first_scan_at is None
    links.join_order(order=make_order(shop, shopify_id=77))
    assert scanned() == []  # not at each round
    [later] = settings.SPOOL_DIR.glob("scans-*.later")
    os.utime(later, (0, 0))
    assert scanned() == [("C", True, False, "email_button")]
    assert links.touchpoint_of(shop=shop, kind=TouchpointKind.EMAIL_BUTTON).first_scan_at is not None


def test_where_liquid_cannot_compute_the_code_the_shops_own_comes_with_the_emails_letter(client, shop):
    make_channel(shop)
    shops, _ = email_parts(shop)
    assert tap(client, f"{shops}-D").status_code == 302
    assert tap(client, f"{shops}-DT", DESKTOP).status_code == 302
    assert scanned() == [("D", False, False, "email_button"), ("D", False, True, "email_button")]


def test_an_orders_code_of_another_shop_is_not_joined_through_ours(client, shop):
    rival = make_shop("rival.myshopify.com")
    make_channel(shop)
    shops, _ = email_parts(shop)
    theirs = links.email_code(shop=rival, order_shopify_id=77)
    assert tap(client, f"{theirs}-C-{shops}").status_code == 302
    links.join_order(order=make_order(rival, shopify_id=77))
    assert an_hour_later() == [("C", False, True, "email_button")]


def test_a_fallback_must_be_a_shops_own_code(client, shop):
    make_channel(shop)
    _, code_of = email_parts(shop)
    assert tap(client, f"{code_of(1)}-C-{of_order(shop)}").status_code == 404
    assert tap(client, f"{code_of(1)}-C-AB3KQ9ZT7MXW2HHC").status_code == 404


def test_guessing_orders_behind_a_shops_code_is_slowed_down_too(client, shop, monkeypatch):
    make_channel(shop)
    shops, code_of = email_parts(shop)
    monkeypatch.setattr(guesses, "MAX_UNKNOWN_PER_MINUTE", 2)
    monkeypatch.setattr(guesses, "OWN_TRIES", 0)
    monkeypatch.setattr(guesses.time, "time", lambda: 1_800_000_000.0)
    assert [tap(client, f"{code_of(number)}-C-{shops}").status_code for number in range(4)] == [302, 302, 429, 429]
