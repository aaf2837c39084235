"""Shopify's webhooks at both doors: the bare one in front of Django and the Django view."""

import base64
import hashlib
import hmac
import io
import sqlite3
import threading
import time
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from shopapp.lib import clock, queue
from shopapp.models import IncomingWebhook
from shopapp.web import intake, webhooks

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BODY = '{"id": 820982911946154508, "name": "#1001", "note": "Grüße"}'.encode()


def signature(body: bytes, secret: str = "test-client-secret") -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def meta(body: bytes = BODY, **changes: str | None) -> dict[str, str]:
    headers = {
        "HTTP_X_SHOPIFY_TOPIC": "orders/create",
        "HTTP_X_SHOPIFY_HMAC_SHA256": signature(body),
        "HTTP_X_SHOPIFY_SHOP_DOMAIN": "fern-and-field.myshopify.com",
        "HTTP_X_SHOPIFY_API_VERSION": "2026-10",
        "HTTP_X_SHOPIFY_WEBHOOK_ID": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "HTTP_X_SHOPIFY_EVENT_ID": "98880550-7158-44d4-b7cd-2c97c8a091b5",
        "HTTP_X_SHOPIFY_TRIGGERED_AT": "2026-11-24T11:59:58.877041743Z",
    } | {f"HTTP_X_SHOPIFY_{name}": value for name, value in changes.items()}
    return {name: value for name, value in headers.items() if value is not None}


def by_django(body: bytes, method: str = "POST", **headers: str) -> int:
    return Client().generic(method, "/webhooks/shopify", body, content_type="application/json", **headers).status_code


def by_door(body: bytes, method: str = "POST", **headers: str) -> int:
    told: list[str] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": webhooks.PATH,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    } | headers
    assert webhooks.door(environ, lambda status, headers: told.append(status)) == [b""]
    return int(told[0].split()[0])


@pytest.fixture(params=[by_django, by_door])
def deliver(request):
    return request.param


@pytest.mark.django_db
def test_a_genuine_webhook_is_stored_as_it_came(deliver):
    with clock.frozen(NOW):
        assert deliver(BODY, **meta()) == 200
    row = IncomingWebhook.objects.get()
    assert bytes(row.body) == BODY
    assert (row.source, row.account, row.topic) == ("shopify", "fern-and-field.myshopify.com", "orders/create")
    assert (row.event_id, row.webhook_id) == (meta()["HTTP_X_SHOPIFY_EVENT_ID"], meta()["HTTP_X_SHOPIFY_WEBHOOK_ID"])
    assert row.triggered_at == datetime(2026, 11, 24, 11, 59, 58, 877041, tzinfo=UTC)
    assert (row.received_at, row.next_attempt_at, row.attempts, row.done_at, row.headers) == (NOW, NOW, 0, None, {})


@pytest.mark.django_db
def test_fifty_deliveries_of_one_event_are_one_row(deliver):
    assert {deliver(BODY, **meta()) for _ in range(50)} == {200}
    assert IncomingWebhook.objects.count() == 1


@pytest.mark.django_db
def test_one_event_under_two_topics_or_of_two_shops_is_not_a_duplicate(deliver):
    deliver(BODY, **meta())
    deliver(BODY, **meta(TOPIC="orders/paid"))
    deliver(BODY, **meta(SHOP_DOMAIN="rival.myshopify.com"))
    assert IncomingWebhook.objects.count() == 3


@pytest.mark.django_db
def test_unknown_topics_and_shops_are_stored_and_answered_200(deliver):
    assert deliver(BODY, **meta(TOPIC="comets/sighted", SHOP_DOMAIN="nobody.myshopify.com")) == 200
    assert IncomingWebhook.objects.get().topic == "comets/sighted"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"HMAC_SHA256": signature(BODY, "another secret")}, 401),
        ({"HMAC_SHA256": signature(BODY + b" ")}, 401),
        ({"HMAC_SHA256": "ü"}, 401),
        ({"HMAC_SHA256": signature(BODY, "another secret"), "TOPIC": "customers/redact"}, 401),
        ({"HMAC_SHA256": None}, 400),
        ({"TOPIC": None}, 400),
        ({"SHOP_DOMAIN": None}, 400),
        ({"TOPIC": "x" * 101}, 400),
        ({"EVENT_ID": "x" * 129}, 400),
    ],
)
@pytest.mark.django_db
def test_a_forged_or_bent_webhook_leaves_nothing_behind(deliver, changes, status):
    assert deliver(BODY, **meta(**changes)) == status
    assert not IncomingWebhook.objects.exists()


@pytest.mark.django_db
def test_the_old_secret_is_good_while_it_is_being_rotated(deliver, settings):
    old = meta(HMAC_SHA256=signature(BODY, "the-secret-before"))
    assert deliver(BODY, **old) == 401
    settings.SHOPIFY_API_SECRET_OLD = "the-secret-before"
    assert deliver(BODY, **old) == 200


def test_another_method_is_refused_without_looking(deliver):
    assert deliver(b"", "GET") == 405
    assert deliver(b"", "PUT") == 405


def test_a_body_that_is_too_large_is_refused_before_it_is_read(deliver):
    assert deliver(b"x" * (webhooks.MAX_BYTES + 1), **meta()) == 413


@pytest.mark.django_db
def test_an_event_without_id_is_known_by_its_webhook_id_or_its_body(deliver):
    deliver(BODY, **meta(EVENT_ID=None))
    deliver(BODY, **meta(EVENT_ID=None, WEBHOOK_ID=None, TRIGGERED_AT="yesterday"))
    ids = list(IncomingWebhook.objects.order_by("id").values_list("event_id", flat=True))
    assert ids == [meta()["HTTP_X_SHOPIFY_WEBHOOK_ID"], hashlib.sha256(BODY).hexdigest()]


@pytest.mark.django_db
def test_only_news_wakes_the_worker(deliver, monkeypatch):
    woken = []
    monkeypatch.setattr(intake, "wake", woken.append)
    deliver(BODY, **meta())
    deliver(BODY, **meta())
    assert woken == [queue.Job.PROCESS_WEBHOOKS]


@pytest.mark.django_db(transaction=True)
def test_redis_away_is_not_shopifys_business(deliver, monkeypatch):
    def away(name):
        raise queue.RedisError("away")

    monkeypatch.setattr(queue, "_queue", away)
    assert deliver(BODY, **meta()) == 200
    queue._waker.flush()
    assert IncomingWebhook.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_dead_connection_is_replaced_within_the_request(deliver, monkeypatch):
    tries = []
    real = intake._insert

    def once_broken(row):
        tries.append(1)
        if len(tries) == 1:
            raise DatabaseError("server closed the connection")
        return real(row)

    connection.ensure_connection()
    monkeypatch.setattr(intake, "_insert", once_broken)
    assert webhooks.accept(
        {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(BODY))} | meta(), io.BytesIO(BODY)
    ) == 200  # fmt: skip
    assert (len(tries), IncomingWebhook.objects.count()) == (2, 1)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_a_503_and_shopify_comes_again(deliver, monkeypatch):
    def broken(row):
        raise DatabaseError("away")

    monkeypatch.setattr(intake, "_insert", broken)
    assert deliver(BODY, **meta()) == 503


@pytest.fixture
def another_writer():
    """A connection of another process, as far as SQLite can tell, that holds the one write lock."""
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite has a single write lock")
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def usual_wait() -> int:
    with connection.cursor() as cursor:
        return cursor.execute("PRAGMA busy_timeout").fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_a_locked_database_is_a_503_well_within_shopifys_five_seconds(deliver, another_writer):
    connection.ensure_connection()  # as in a server that has been running
    started = time.monotonic()
    assert deliver(BODY, **meta()) == 503
    assert 1.9 < time.monotonic() - started < 4.5
    assert usual_wait() == 20000
    another_writer.execute("ROLLBACK")
    assert deliver(BODY, **meta()) == 200
    assert IncomingWebhook.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_short_lock_is_waited_for(deliver, another_writer):
    threading.Timer(0.5, another_writer.execute, ["ROLLBACK"]).start()
    started = time.monotonic()
    assert deliver(BODY, **meta()) == 200
    assert time.monotonic() - started > 0.4
    assert IncomingWebhook.objects.count() == 1
    assert usual_wait() == 20000
