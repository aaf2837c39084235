"""A person is counted once a day, and nothing that is kept could tell who it was."""

from datetime import UTC, date, datetime

import pytest
from django.db import DatabaseError

from post_purchase.jobs.scans import ingest_scans
from post_purchase.models import Link, Scan, VisitKey
from post_purchase.services import links, visits
from post_purchase.words import ChannelKind, TouchpointKind
from shopapp.lib import clock
from tests.factories import make_channel, make_contact, make_order, make_point, make_shop

pytestmark = pytest.mark.django_db
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def shop(media):
    shop = make_shop()
    make_channel(shop)
    make_channel(shop, ChannelKind.MESSENGER)
    return shop


@pytest.fixture
def card(shop):
    return links.shop_link(touchpoint=links.touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT))[1]


def of_order(shop, **fields):
    touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE)
    return links.link_for_order(touchpoint=touchpoint, order=make_order(shop, **fields))[1]


def tap(client, code, address="203.0.113.7", agent=PHONE, **headers):
    return client.get(f"/c/{code}", headers={"user-agent": agent, "x-forwarded-for": address, **headers})


def counted():
    ingest_scans()
    return Scan.objects.filter(robot=False).count()


def test_ten_taps_of_one_person_on_one_day_are_one(client, card):
    with clock.frozen(NOON) as at:
        for _ in range(10):
            tap(client, card)
            at.move(minutes=3)
        assert counted() == 1
        tap(client, card)
        assert counted() == 1  # also when the earlier ones are in the table already


def test_another_address_another_browser_and_another_day_are_counted(client, card):
    with clock.frozen(NOON) as at:
        tap(client, card)
        tap(client, card, address="203.0.113.8")
        tap(client, card, agent=PHONE.replace("18_5", "18_6"))
        assert counted() == 3
        at.move(days=1)
        tap(client, card)
        assert counted() == 4


def test_one_person_counts_at_each_link(client, shop, card):
    tap(client, card)
    tap(client, of_order(shop))
    assert counted() == 2
    assert len(set(Scan.objects.values_list("person", flat=True))) == 2  # two links cannot be compared


def test_two_emails_of_one_order_are_two_touches(client, shop):
    shops = links.shop_link(touchpoint=links.touchpoint_of(shop=shop, kind=TouchpointKind.EMAIL_BUTTON))[1]
    for source in "CSSC":
        tap(client, f"{shops}-{source}")
    ingest_scans()
    assert sorted(Scan.objects.values_list("source", flat=True)) == ["C", "S"]


def test_a_phone_that_changes_its_ipv6_address_is_the_same(client, card):
    tap(client, card, address="2001:db8:1:2:aaaa::1")
    tap(client, card, address="2001:db8:1:2:bbbb::2")
    tap(client, card, address="2001:db8:1:3::1")
    assert counted() == 2


def test_only_the_nearest_proxys_word_counts(client, card):
    """What a visitor writes into the header themselves stands before it."""
    for invented in ("1.1.1.1", "2.2.2.2", "x" * 5000, "\xff"):
        tap(client, card, address=f"{invented}, 203.0.113.7")
    assert counted() == 1


def test_nothing_of_the_visitor_is_kept(client, card, media):
    with clock.frozen(NOON):
        tap(client, card)
        spooled = "".join(path.read_text() for path in (media / "spool").iterdir())
        ingest_scans()
    row = str(Scan.objects.values().get())
    for trace in ("203.0.113", "Mozilla", "iPhone OS"):
        assert trace not in spooled
        assert trace not in row


def test_the_key_of_a_day_is_destroyed_when_the_day_is_over():
    with clock.frozen(NOON) as at:
        first = visits.person_of({"REMOTE_ADDR": "203.0.113.7"}, link_id=1, now=clock.now())
        at.move(days=1)
        visits.change_keys()
        assert sorted(VisitKey.objects.values_list("day", flat=True)) == [date(2026, 11, 25), date(2026, 11, 26)]
        visits.forget()
        again = visits.person_of({"REMOTE_ADDR": "203.0.113.7"}, link_id=1, now=NOON)
    assert first != again  # nobody can compute the old one any more


def test_processes_share_the_key():
    environ = {"REMOTE_ADDR": "203.0.113.7", "HTTP_USER_AGENT": PHONE}
    first = visits.person_of(environ, link_id=1, now=NOON)
    visits.forget()
    assert visits.person_of(environ, link_id=1, now=NOON) == first
    assert len(first) == 24


def test_without_the_database_a_tap_is_counted_alone(monkeypatch):
    def away(day):
        raise DatabaseError("away")

    monkeypatch.setattr(visits, "_row_of", away)
    assert visits.person_of({}, link_id=1, now=NOON) == ""


@pytest.mark.parametrize("header", ["sec-purpose", "purpose", "x-moz"])
def test_a_browser_that_loads_ahead_is_not_counted(client, card, header):
    tap(client, card, **{header: "prefetch;prerender"})
    assert counted() == 0
    tap(client, card)
    assert counted() == 1


def test_a_choice_is_remembered_for_the_order_and_never_for_a_card(client, shop, card):
    code = of_order(shop, shipping_country="FR")
    assert tap(client, code).status_code == 200  # two are close: asked
    assert tap(client, f"{code}?via=messenger")["Location"].startswith("https://m.me/")
    tap(client, f"{card}?via=messenger")
    ingest_scans()
    with clock.frozen(clock.now()) as at:
        at.move(seconds=4)
        assert tap(client, code)["Location"].startswith("https://m.me/")
    chosen = Link.objects.get(chosen_kind="messenger")
    assert chosen.order is not None


def test_a_robot_chooses_nothing(client, shop):
    code = of_order(shop, shipping_country="FR")
    tap(client, f"{code}?via=messenger", agent="Slackbot-LinkExpanding 1.0")
    ingest_scans()
    assert not Link.objects.exclude(chosen_kind="").exists()


def test_who_wrote_on_messenger_is_led_there_again(client, shop):
    contact = make_contact(shop)
    make_point(contact, ChannelKind.WHATSAPP, last_inbound_at=NOON)
    make_point(contact, ChannelKind.MESSENGER, last_inbound_at=NOON.replace(hour=13))
    make_point(contact, ChannelKind.EMAIL)  # never wrote from there
    order = make_order(shop, contact)
    touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE)
    _, code = links.link_for_order(touchpoint=touchpoint, order=order)
    assert tap(client, code)["Location"].startswith("https://m.me/")


def test_who_blocked_us_there_is_led_elsewhere(client, shop):
    contact = make_contact(shop)
    make_point(contact, ChannelKind.MESSENGER, last_inbound_at=NOON, blocked_at=NOON)
    touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE)
    _, code = links.link_for_order(touchpoint=touchpoint, order=make_order(shop, contact))
    assert tap(client, code)["Location"].startswith("https://wa.me/")
