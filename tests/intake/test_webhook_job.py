import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from post_purchase.intake.registry import TOPICS
from post_purchase.jobs import webhooks as job
from post_purchase.jobs.clean_up import clean_up
from post_purchase.models import FlowEvent, Message, Order
from shopapp.lib import clock
from shopapp.models import IncomingWebhook, Shop
from tests.factories import make_contact, make_conversation, make_message, make_shop
from tests.shopify_door import deliver, payload, post, process_webhooks

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def at():
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def shop(at) -> Shop:
    return make_shop()


def test_the_topics_are_those_that_shopify_is_asked_for() -> None:
    toml = tomllib.loads((Path(__file__).parents[2] / "shopify.app.toml").read_text())
    asked: set[str] = set()
    for subscription in toml["webhooks"]["subscriptions"]:
        asked |= set(subscription.get("topics", [])) | set(subscription.get("compliance_topics", []))
    assert asked == set(TOPICS)


def test_a_topic_that_nobody_reads_is_done_with_a_note(shop: Shop) -> None:
    row = deliver("carts/update", {"id": 1})
    assert (row.done_at, row.error) == (NOON, "Nobody here listens to this topic")


def test_an_unknown_shop_is_done_with_a_note(shop: Shop) -> None:
    row = deliver("orders/create", payload("order"), shop="stranger.myshopify.com")
    assert (row.done_at, row.error) == (NOON, "This shop does not have the app")
    assert Order.objects.count() == 0


def test_a_payload_that_does_not_fit_backs_off_and_is_parked_without_its_values(shop: Shop, at) -> None:
    row = deliver("orders/create", payload("order", updated_at="maria@example.com"))
    waits = [row.next_attempt_at - NOON]
    while row.parked_at is None:
        at.to(row.next_attempt_at)
        process_webhooks()
        before = row.next_attempt_at
        row.refresh_from_db()
        if row.next_attempt_at:
            waits.append(row.next_attempt_at - before)
    assert row.attempts == 14
    assert sum(waits, timedelta()) > timedelta(hours=30)  # a fault of ours can be mended meanwhile
    assert waits[:3] == [timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=45)]
    assert waits == sorted(waits)
    assert "updated_at" in row.error
    assert "maria" not in row.error


def test_a_row_that_kills_its_worker_takes_no_other_row_along(shop: Shop, at) -> None:
    for number in range(3):
        post("orders/create", payload("order", id=number + 1))
    assert len(job.claim_fresh()) == 3  # and the worker dies here
    process_webhooks()
    assert Order.objects.count() == 0  # leased
    at.move(seconds=61)
    assert [len(job.claim_again()) for _ in range(4)] == [1, 1, 1, 0]
    at.move(seconds=61)
    process_webhooks()
    assert Order.objects.count() == 3


def test_a_row_that_never_ends_is_parked(shop: Shop, at) -> None:
    post("orders/create", payload("order"))
    IncomingWebhook.objects.update(attempts=8)
    process_webhooks()
    row = IncomingWebhook.objects.get()
    assert (row.parked_at, row.next_attempt_at, row.done_at) == (NOON, None, None)
    assert Order.objects.count() == 0


def test_two_workers_never_claim_the_same_row(shop: Shop) -> None:
    for number in range(5):
        post("orders/create", payload("order", id=number + 1))
    assert len(job.claim_fresh()) == 5
    assert job.claim_fresh() == []


def test_a_flooding_shop_leaves_room_for_the_others(shop: Shop) -> None:
    for number in range(60):
        post("orders/create", payload("order", id=number + 1))
    post("orders/create", payload("order"), shop="quiet.myshopify.com")
    assert "quiet.myshopify.com" in {row.account for row in job.claim_fresh()}


def test_an_uninstall_stops_everything_at_once(shop: Shop) -> None:
    message = make_message(make_conversation(make_contact(shop)))
    deliver("app/uninstalled", payload("shop"), at=NOON)
    shop.refresh_from_db()
    message.refresh_from_db()
    assert (shop.status, shop.access_token, shop.uninstalled_at) == ("uninstalled", "", NOON)
    assert (message.status, message.reason) == ("suppressed", "The shop removed the app")
    assert message.next_attempt_at is None
    assert FlowEvent.objects.get().kind == "shop_uninstalled"
    row = deliver("orders/create", payload("order"))
    assert (row.error, Order.objects.count()) == ("The shop removed the app", 0)


def test_an_uninstall_of_an_earlier_installation_stops_nothing(shop: Shop) -> None:
    message = make_message(make_conversation(make_contact(shop)))
    deliver("app/uninstalled", payload("shop"), at=NOON - timedelta(days=2))
    shop.refresh_from_db()
    assert shop.status == "installed"
    assert Message.objects.get(pk=message.pk).status == "queued"
    assert FlowEvent.objects.count() == 0


def test_scopes_and_the_shops_facts_follow_shopify(shop: Shop) -> None:
    deliver("app/scopes_update", {"id": 1, "previous": [], "current": ["write_discounts", "read_orders"]})
    deliver("shop/update", payload("shop"))
    shop.refresh_from_db()
    assert shop.scope_set == {"read_orders", "write_discounts"}
    assert (shop.timezone, shop.country, shop.locale) == ("Europe/Vienna", "AT", "de")
    assert shop.primary_url == "https://fern.example.test"


def test_raw_news_is_kept_for_thirty_days(shop: Shop, at) -> None:
    deliver("orders/create", payload("order"))
    at.move(days=29)
    clean_up()
    assert IncomingWebhook.objects.count() == 1
    at.move(days=2)
    clean_up()
    assert IncomingWebhook.objects.count() == 0
    assert Order.objects.count() == 1
