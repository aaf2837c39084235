"""The token pair: exchanged, stored encrypted, refreshed once however many workers want it, never lost by a kill."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from shopapp.lib import clock
from shopapp.models import Shop, ShopStatus
from shopapp.shopify import install, tokens
from shopapp.shopify.errors import AdminApiError
from shopapp.shopify.id_tokens import InvalidIdToken
from tests.factories import make_shop
from tests.shopapp.pretend import SHOP, pair

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at():
    with clock.frozen(NOW) as at:
        yield at


def stale_shop(**fields) -> Shop:
    return make_shop(access_token_expires_at=NOW + timedelta(minutes=4), **fields)


@pytest.mark.django_db
def test_the_first_load_exchanges_the_id_token_and_stores_the_pair_encrypted(shopify):
    shopify.will(pair())
    shop = install.install_or_refresh(SHOP, "the-id-token")
    assert shopify.asked[0]["path"] == f"/shops/{SHOP}/admin/oauth/access_token"
    assert shopify.bodies() == [
        {
            "client_id": "test-client-id",
            "client_secret": "test-client-secret",
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": "the-id-token",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
            "expiring": 1,
        }
    ]
    assert (shop.access_token, shop.refresh_token) == ("shpat_1", "shprt_1")
    assert shop.access_token_expires_at == NOW + timedelta(hours=1)
    assert shop.refresh_token_expires_at == NOW + timedelta(days=90)
    assert shop.scope_set == {"read_orders", "write_discounts"}
    assert (shop.status, shop.installed_at, shop.next_attempt_at) == ("installed", NOW, NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token, refresh_token FROM shopapp_shop")
        stored = cursor.fetchone()
    assert not any(secret in value for value in stored for secret in ("shpat_", "shprt_"))


@pytest.mark.django_db
def test_a_fresh_token_is_used_without_asking_anybody(shopify):
    assert tokens.access_token(make_shop()) == "test-access-token"
    assert shopify.asked == []


@pytest.mark.django_db
def test_a_token_is_refreshed_five_minutes_before_its_end(shopify):
    shopify.will(pair(2))
    shop = stale_shop()
    assert tokens.access_token(shop) == "shpat_2"
    assert shopify.bodies()[0]["grant_type"] == "refresh_token"
    assert shopify.bodies()[0]["refresh_token"] == "test-refresh-token"
    shop.refresh_from_db()
    assert (shop.refresh_token, shop.token_pair_saved_at, shop.refresh_lease_until) == ("shprt_2", NOW, None)


@pytest.mark.django_db
def test_a_lease_of_a_killed_worker_runs_out_and_the_next_one_refreshes(shopify, at, monkeypatch):
    monkeypatch.setattr(tokens, "WAIT_SECONDS", 0.0)
    shopify.will(pair(2))
    shop = stale_shop(refresh_lease_until=NOW + timedelta(seconds=30))
    with pytest.raises(AdminApiError) as refused:
        tokens.access_token(shop)
    assert (refused.value.code, refused.value.retryable) == ("REFRESHING", True)
    assert shopify.asked == []
    at.move(seconds=30)
    assert tokens.access_token(shop) == "shpat_2"


@pytest.mark.django_db
def test_a_spent_refresh_token_waits_for_the_merchant(shopify):
    shopify.will((400, {}, {"error": "invalid_grant"}))
    shop = stale_shop()
    with pytest.raises(AdminApiError) as refused:
        tokens.access_token(shop)
    assert refused.value.code == "NEEDS_OPENING"
    shop.refresh_from_db()
    assert (shop.status, shop.access_token, shop.refresh_token) == (ShopStatus.NEEDS_OPENING, "", "")
    with pytest.raises(AdminApiError):
        tokens.access_token(shop)
    assert len(shopify.asked) == 1
    shopify.will(pair(3))
    shop = install.install_or_refresh(SHOP, "the-id-token")
    assert (shop.status, shop.status_reason, shop.access_token) == ("installed", "", "shpat_3")
    assert shop.installed_at == NOW - timedelta(days=1)  # the same installation


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((500, {}, b"oops"), "HTTP_500"),
        ((429, {}, {}), "HTTP_429"),
        ((401, {}, {"error": "invalid_client"}), "INVALID_CLIENT"),
        ((200, {}, {"access_token": "x", "scope": ""}), "ODD_TOKEN_REPLY"),
        ((200, {}, b"<html>"), "ODD_TOKEN_REPLY"),
    ],
)
@pytest.mark.django_db
def test_a_refresh_that_fails_leaves_the_pair_and_gives_the_lease_back(shopify, answer, code):
    shopify.will(answer)
    shop = stale_shop()
    with pytest.raises(AdminApiError) as refused:
        tokens.access_token(shop)
    assert (refused.value.code, refused.value.retryable) == (code, True)
    shop.refresh_from_db()
    assert (shop.status, shop.refresh_token, shop.refresh_lease_until) == ("installed", "test-refresh-token", None)


@pytest.mark.django_db
def test_an_id_token_that_shopify_refuses_asks_for_another(shopify):
    shopify.will((400, {}, {"error": "invalid_subject_token"}))
    with pytest.raises(InvalidIdToken):
        install.install_or_refresh(SHOP, "old")
    assert not Shop.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_workers_that_want_a_token_at_once_cause_one_refresh(shopify):
    arrived, go = threading.Event(), threading.Event()

    def slowly(asked):
        arrived.set()
        go.wait(10)
        return pair(2)

    shopify.will(slowly)
    shop = stale_shop()
    got: list[str] = []

    def work():
        try:
            got.append(tokens.access_token(shop))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    assert arrived.wait(10)
    go.set()
    for worker in workers:
        worker.join(20)
    assert got == ["shpat_2"] * 4
    assert len(shopify.asked) == 1


@pytest.mark.django_db
def test_an_uninstalled_shop_drops_its_tokens_and_asks_for_none(shopify):
    shop = make_shop()
    assert install.mark_uninstalled(shop=shop, happened_at=NOW)
    assert (shop.status, shop.access_token, shop.refresh_token, shop.scopes) == ("uninstalled", "", "", "")
    with pytest.raises(AdminApiError) as refused:
        tokens.access_token(shop)
    assert (refused.value.code, refused.value.retryable) == ("UNINSTALLED", False)
    assert not install.mark_uninstalled(shop=shop, happened_at=NOW)


@pytest.mark.django_db
def test_a_reinstalled_shop_begins_anew_and_late_news_of_the_removal_is_ignored(shopify, at):
    shop = make_shop(backfill_done=60)
    install.mark_uninstalled(shop=shop, happened_at=NOW)
    at.move(hours=3)
    shopify.will(pair(5))
    shop = install.install_or_refresh(SHOP, "the-id-token")
    assert (shop.status, shop.installed_at, shop.uninstalled_at) == ("installed", NOW + timedelta(hours=3), None)
    assert (shop.backfill_done, shop.backfill_finished_at, shop.next_attempt_at) == (0, None, NOW + timedelta(hours=3))
    assert not install.mark_uninstalled(shop=shop, happened_at=NOW)
    shop.refresh_from_db()
    assert (shop.status, shop.access_token) == ("installed", "shpat_5")


@pytest.mark.django_db
def test_a_pair_obtained_after_the_removal_proves_that_the_app_is_back(shopify, at):
    shop = make_shop()  # its removal at 12:10 is told only at 14:00; it came back at 13:00
    at.move(hours=1)
    shopify.will(pair(5))
    shop = install.install_or_refresh(SHOP, "the-id-token")
    at.move(hours=1)
    assert not install.mark_uninstalled(shop=shop, happened_at=NOW + timedelta(minutes=10))
    assert shop.status == "installed"
