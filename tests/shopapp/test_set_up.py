"""A new shop is set up by a job; a failed attempt waits longer each time; tokens of quiet shops are kept alive."""

from datetime import UTC, datetime, timedelta

import pytest

from post_purchase.jobs import shops as job
from post_purchase.models import Flow, ShopSettings
from shopapp.lib import clock
from shopapp.models import Shop
from tests.factories import make_shop
from tests.shopapp.pretend import pair, result

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db
DETAILS = {
    "shop": {
        "id": "gid://shopify/Shop/548380009",
        "name": "Fern & Field",
        "myshopifyDomain": "fern-and-field.myshopify.com",
        "contactEmail": "hello@fern.example.test",
        "ianaTimezone": "Europe/Berlin",
        "currencyCode": "EUR",
        "primaryDomain": {"url": "https://fern.example.test"},
        "shopAddress": {"countryCodeV2": "DE"},
        "plan": {"publicDisplayName": "Basic"},
    },
}


@pytest.fixture(autouse=True)
def at():
    with clock.frozen(NOW) as at:
        yield at


def test_a_new_shop_gets_its_facts_its_settings_and_its_flows(shopify):
    shopify.will(result(DETAILS))
    shop = make_shop(name="", timezone="UTC", country="", next_attempt_at=NOW, backfill_finished_at=None)
    ShopSettings.objects.all().delete()
    job.set_up_shop()
    shop.refresh_from_db()
    assert (shop.shopify_id, shop.name, shop.timezone, shop.country) == (
        548380009,
        "Fern & Field",
        "Europe/Berlin",
        "DE",
    )
    assert (shop.contact_email, shop.currency, shop.plan) == ("hello@fern.example.test", "EUR", "Basic")
    assert (shop.next_attempt_at, shop.set_up_error) == (None, "")
    assert shop.backfill_started_at == NOW
    assert ShopSettings.objects.filter(shop=shop).exists()
    assert Flow.objects.filter(shop=shop).exists()
    flows = Flow.objects.count()
    Shop.objects.update(next_attempt_at=NOW)
    job.set_up_shop()
    assert Flow.objects.count() == flows
    assert Shop.objects.get().next_attempt_at is None


def test_a_failed_attempt_says_why_and_waits_longer_each_time(shopify, at):
    shopify.will((502, {}, {}))
    shop = make_shop(next_attempt_at=NOW, attempts=0)
    job.set_up_shop()
    shop.refresh_from_db()
    assert (shop.set_up_error, shop.next_attempt_at) == ("Shopify answered 502", NOW + timedelta(seconds=30))
    job.set_up_shop()
    assert len(shopify.asked) == 1
    at.move(seconds=30)
    job.set_up_shop()
    shop.refresh_from_db()
    assert (shop.attempts, shop.next_attempt_at) == (2, NOW + timedelta(seconds=30 + 60))


def test_a_pair_older_than_a_week_is_renewed_and_a_younger_one_left_alone(shopify):
    quiet = make_shop(token_pair_saved_at=NOW - timedelta(days=7))
    make_shop("busy.myshopify.com", token_pair_saved_at=NOW - timedelta(days=6))
    make_shop("gone.myshopify.com", token_pair_saved_at=NOW - timedelta(days=30), status="uninstalled")
    shopify.will(pair(9))
    job.keep_tokens_alive()
    assert [asked["path"] for asked in shopify.asked] == [f"/shops/{quiet.domain}/admin/oauth/access_token"]
    quiet.refresh_from_db()
    assert (quiet.access_token, quiet.token_pair_saved_at) == ("shpat_9", NOW)


def test_one_shop_that_fails_does_not_keep_the_others_from_being_renewed(shopify):
    make_shop("first.myshopify.com", token_pair_saved_at=NOW - timedelta(days=9))
    second = make_shop("second.myshopify.com", token_pair_saved_at=NOW - timedelta(days=8))
    shopify.will((500, {}, {}), pair(9))
    job.keep_tokens_alive()
    second.refresh_from_db()
    assert second.access_token == "shpat_9"


def test_a_shop_that_was_closed_is_found_open_again(shopify):
    shop = make_shop(status="unavailable", status_reason="Shopify has locked this shop")
    shopify.will(result(DETAILS))
    job.keep_tokens_alive()
    shop.refresh_from_db()
    assert (shop.status, shop.status_reason) == ("installed", "")
