"""The door in front of Django answers as the view does, remembers for three seconds, and leaves the rest to Django."""

import io
import json
from datetime import timedelta

import pytest
from django.core.signals import request_started
from django.db import close_old_connections, connection

from post_purchase.jobs.scans import ingest_scans
from post_purchase.models import ChannelStatus, Link, Scan, ShopSettings
from post_purchase.services import links, taps
from post_purchase.web.public.links import front_door
from post_purchase.words import ChannelKind, TouchpointKind
from shopapp import wsgi
from shopapp.lib import clock
from shopapp.lib.crypto import grouped
from shopapp.models import ShopStatus
from tests.factories import make_channel, make_order, make_shop

pytestmark = pytest.mark.django_db
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
DESKTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36"


@pytest.fixture(autouse=True)
def one_connection():
    """As Django's own test client does: a request must not close the connection that holds the test's transaction."""
    request_started.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)


def environ_of(path, method="GET", query="", agent=PHONE, **headers):
    return {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "SERVER_NAME": "testserver",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_LENGTH": "0", "wsgi.input": io.BytesIO(b""),
        "wsgi.url_scheme": "http", "wsgi.errors": io.StringIO(), "REMOTE_ADDR": "127.0.0.1",
        "HTTP_USER_AGENT": agent,
    } | headers  # fmt: skip


def through(application, environ):
    told = []
    body = b"".join(application(environ, lambda status, headers: told.extend((status, headers))))
    return told[0], dict(told[1]), body


def spooled(media):
    """The lines that left the door, without what differs each time; the file is put away."""
    lines = [line for path in (media / "spool").glob("*.spool") for line in path.read_text().splitlines()]
    ingest_scans()
    return [
        {name: value for name, value in json.loads(line).items() if name not in ("scan_id", "at")} for line in lines
    ]


CASES = {
    "a phone": {},
    "capitals and groups": {"path": "/C/{grouped}"},
    "small letters": {"path": "/c/{lower}"},
    "HEAD": {"method": "HEAD"},
    "over TLS": {"HTTP_X_FORWARDED_PROTO": "https"},
    "over TLS, two proxies": {"HTTP_X_FORWARDED_PROTO": "https, http"},
    "plain behind a proxy": {"HTTP_X_FORWARDED_PROTO": "http", "wsgi.url_scheme": "https"},
    "from Poland": {"HTTP_ACCEPT_LANGUAGE": "pl-PL,pl;q=0.9,en;q=0.5"},
    "odd languages": {"HTTP_ACCEPT_LANGUAGE": "xx;q=abc,,;,de-AT" + ",a" * 500},
    "a link preview": {"agent": "WhatsApp/2.25.20.77 A"},
    "no agent": {"agent": ""},
    "Messenger asked for": {"query": "via=messenger"},
    "WhatsApp asked for": {"query": "via=whatsapp"},
    "a campaign's words": {"query": "utm_source=mail&via=nothing"},
    "a desktop that is asked": {"agent": DESKTOP, "HTTP_ACCEPT_LANGUAGE": "fr-FR"},
    "e-mail": {"query": "via=email"},
    "from an e-mail without its order": {"path": "/c/{code}-S"},
    "from an e-mail, the order is not known": {"path": "/c/0123456789ABCDEF0123-S-{code}"},
    "loaded ahead": {"HTTP_SEC_PURPOSE": "prefetch"},
    "unknown": {"path": "/c/AB3KQ9ZT7MXW2HHC"},
    "no code at all": {"path": "/c/"},
    "not a code": {"path": "/c/../../etc/passwd"},
    "not ASCII": {"path": "/c/\xc3\x84"},
    "POST": {"method": "POST"},
    "DELETE": {"method": "DELETE"},
}


@pytest.mark.parametrize("case", CASES)
def test_both_doors_give_the_same_answer_and_the_same_scan(shop, card, media, settings, case):
    settings.SECURE_HSTS_SECONDS = 31536000
    for kind in (ChannelKind.WHATSAPP, ChannelKind.MESSENGER, ChannelKind.EMAIL):
        make_channel(shop, kind)
    asked = {"path": "/c/{code}"} | CASES[case]
    asked["path"] = asked["path"].format(code=card, lower=card.lower(), grouped=grouped(card))
    through_django, through_door = (
        (through(application, environ_of(**asked)), spooled(media) if (media / "spool").is_dir() else [])
        for application in (wsgi.django_application, wsgi.application)
    )
    for (_, _, body), _ in (through_django, through_door):
        assert b"Traceback" not in body
    (status, headers, body), scans = through_django
    (door_status, door_headers, door_body), door_scans = through_door
    assert (door_status, door_headers, door_scans) == (status, headers, scans)
    if b"&amp;s=" not in body:  # the chooser holds the id of its own visit
        assert door_body == body


PLAIN = ["a phone", "HEAD", "over TLS", "from Poland", "a link preview", "small letters", "WhatsApp asked for"]


@pytest.mark.parametrize("case", PLAIN)
def test_a_plain_redirect_never_meets_djangos_handler(shop, card, monkeypatch, case):
    make_channel(shop)
    monkeypatch.setattr(wsgi, "django_application", None)
    asked = {"path": "/c/{code}"} | CASES[case]
    asked["path"] = asked["path"].format(code=card, lower=card.lower())
    status, headers, body = through(wsgi.application, environ_of(**asked))
    assert (status, body) == ("302 Found", b"")
    assert headers["Location"].startswith("https://wa.me/15550783881?text=")


def test_a_page_behind_the_door_costs_no_second_look_up(shop, card, look_ups):
    for path in (f"/c/{card}", "/c/AB3KQ9ZT7MXW2HHC"):  # no channel: a page; unknown: another
        through(wsgi.application, environ_of(path))
    assert look_ups == [taps.OF_A_LINK, taps.OF_A_TOUCHPOINT, taps.OF_A_LINK]


def test_a_second_tap_within_three_seconds_asks_nothing(shop, card, look_ups):
    make_channel(shop)
    with clock.frozen(clock.now()) as at:
        for _ in range(3):
            assert through(wsgi.application, environ_of(f"/c/{card}"))[0] == "302 Found"
            at.move(milliseconds=999)
        assert look_ups == [taps.OF_A_LINK, taps.OF_A_TOUCHPOINT]
        at.move(milliseconds=3)
        through(wsgi.application, environ_of(f"/c/{grouped(card).lower()}"))
        assert look_ups == [taps.OF_A_LINK, taps.OF_A_TOUCHPOINT] * 2


def test_what_links_share_is_asked_for_once_and_nothing_is_older_than_three_seconds(shop, look_ups):
    touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE)
    codes = [
        links.link_for_order(
            touchpoint=touchpoint, order=make_order(shop, shopify_id=9000 + number, name=f"#{number}")
        )[1]
        for number in range(3)
    ]
    with clock.frozen(clock.now()) as at:
        assert taps.recall(codes[0], now=at.move(seconds=0)).channels == {}
        make_channel(shop)
        assert taps.recall(codes[1], now=at.move(seconds=2)).channels == {}
        assert look_ups == [taps.OF_A_LINK, taps.OF_A_TOUCHPOINT, taps.OF_A_LINK]
        assert list(taps.recall(codes[1], now=at.move(seconds=1)).channels) == ["whatsapp"]
        assert list(taps.look_up(codes[2], now=at.move(seconds=0)).channels) == ["whatsapp"]


def uninstalled(shop, card):
    shop.status = ShopStatus.UNINSTALLED
    shop.save(update_fields=["status"])


def expired(shop, card):
    Link.objects.filter(touchpoint__shop=shop).update(expires_at=clock.now())


def disconnected(shop, card):
    shop.channels.update(status=ChannelStatus.DISCONNECTED)


def gone(shop, card):
    Link.objects.filter(touchpoint__shop=shop).delete()


def led_elsewhere(shop, card):
    make_channel(shop, ChannelKind.MESSENGER)
    ShopSettings.objects.update_or_create(shop=shop, defaults={"channel_order": {"*": ["messenger"]}})


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (uninstalled, "410 Gone"),
        (expired, "410 Gone"),
        (disconnected, "200 OK"),
        (gone, "404 Not Found"),
        (led_elsewhere, "https://m.me/"),
    ],
)
def test_every_change_takes_effect_within_three_seconds(shop, card, change, answer):
    make_channel(shop)
    with clock.frozen(clock.now()) as at:
        assert through(wsgi.application, environ_of(f"/c/{card}"))[0] == "302 Found"
        change(shop, card)
        at.move(seconds=3)
        status, headers, _ = through(wsgi.application, environ_of(f"/c/{card}"))
    assert (headers.get("Location", "") if answer.startswith("https") else status).startswith(answer)


def test_a_clock_that_was_set_back_keeps_nothing_alive(shop, card, look_ups):
    with clock.frozen(clock.now()) as at:
        taps.recall(card, now=at.move(hours=2))
        taps.recall(card, now=at.move(hours=-2))
    assert look_ups == [taps.OF_A_LINK, taps.OF_A_TOUCHPOINT] * 2


def test_unknown_codes_are_not_remembered_and_memory_is_bounded(shop, look_ups, monkeypatch):
    monkeypatch.setattr(taps, "KEPT_AT_MOST", 3)
    now = clock.now()
    for _ in range(2):
        assert taps.recall("AB3KQ9ZT7MXW2HHC", now=now) is None
    assert (len(look_ups), taps._taps.found) == (2, {})
    touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE)
    for number in range(8):
        order = make_order(shop, shopify_id=9000 + number, name=f"#{number}")
        taps.recall(links.link_for_order(touchpoint=touchpoint, order=order)[1], now=now)
        assert 1 <= len(taps._taps.found) <= 3


def test_the_door_leaves_other_paths_alone():
    for path in ("/c", "/", "/cx/AB3KQ9ZT7MXW2HHC", "/app", "/chat/AB3KQ9ZT7MXW2HHC"):
        assert front_door(environ_of(path), None) is None


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps its prepared statements by itself")
def test_the_look_up_is_planned_once_per_connection(card):
    for _ in range(8):
        taps.look_up(card, now=clock.now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE %s", ["%_link l%"])
        plans = cursor.fetchall()
    assert len(plans) == 1
    assert plans[0][0] >= 1


def test_what_is_kept_is_young():
    assert timedelta(0) < taps.KEPT_FOR <= timedelta(seconds=5)


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_died_costs_no_tap(media):
    shop = make_shop()
    make_channel(shop)
    code = links.shop_link(touchpoint=links.touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT))[1]
    connection.connection.close()  # as after a restart of the database: Django still believes in it
    assert through(wsgi.application, environ_of(f"/c/{code}"))[0] == "302 Found"
    assert Scan.objects.count() == 0
    ingest_scans()
    assert Scan.objects.count() == 1
