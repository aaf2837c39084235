"""Raw webhooks: an erasure finds those of the person, and reads no other shop's."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from post_purchase.jobs.privacy import answer_privacy_requests
from post_purchase.jobs.webhooks import process_webhooks
from post_purchase.services import privacy
from post_purchase.services.privacy import Person, erase_person
from shopapp.lib import clock
from shopapp.models import IncomingWebhook, Shop
from tests.factories import make_channel, make_contact, make_point, make_shop
from tests.shopify_door import ORDER, SHOP, deliver, payload

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MARIA = "4915112345678"
RIVAL = "rival.myshopify.com"


@pytest.fixture
def at():
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def shop(at) -> Shop:
    return make_shop()


def said(account_id: str, sender: str = MARIA, text: str = "Hello", number: int = 1) -> dict:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": account_id},
        "contacts": [{"profile": {"name": "Maria"}, "wa_id": sender}],
        "messages": [
            {"from": sender, "id": f"wamid.{account_id}.{number}", "timestamp": "1795000000", "type": "text"}
            | {"text": {"body": text}}
        ],
    }
    return {"id": f"waba-{account_id}", "changes": [{"field": "messages", "value": value}]}


def callback(*entries: dict, event_id: str = "1", **fields: object) -> IncomingWebhook:
    body = json.dumps({"object": "whatsapp_business_account", "entry": list(entries)}).encode()
    row = {"source": "whatsapp", "event_id": event_id, "body": body, "received_at": NOON, "next_attempt_at": NOON}
    return IncomingWebhook.objects.create(**(row | fields))


def test_shopifys_news_knows_whom_it_is_about(shop: Shop) -> None:
    about = [
        ("orders/create", payload("order"), f"order:{ORDER}"),
        ("fulfillments/create", payload("fulfillment"), f"order:{ORDER}"),
        ("fulfillment_events/create", payload("fulfillment_event"), f"order:{ORDER}"),
        ("refunds/create", payload("refund"), f"order:{ORDER}"),
        ("customers/data_request", payload("data_request"), f"customer:{payload('data_request')['customer']['id']}"),
        ("shop/update", payload("shop"), ""),
    ]
    for topic, body, subject in about:
        row = deliver(topic, body)
        assert (row.subject, row.done_at) == (subject, NOON), topic


def test_news_of_one_shop_is_kept_and_of_two_or_none_is_emptied(shop: Shop) -> None:
    make_channel(shop)
    make_channel(make_shop(RIVAL), account_id="222222")
    mine = callback(said("106540352242922"), event_id="mine")
    both = callback(said("106540352242922", number=2), said("222222"), event_id="both")
    nobodys = callback(said("999999"), event_id="nobodys")
    process_webhooks()
    for row in (mine, both, nobodys):
        row.refresh_from_db()
    assert (mine.shop, bytes(mine.body) != b"", mine.done_at) == (shop, True, NOON)
    assert (both.shop, bytes(both.body), both.done_at) == (None, b"", NOON)
    assert (nobodys.shop, bytes(nobodys.body)) == (None, b"")


def test_news_for_a_shop_that_is_not_here_is_emptied(shop: Shop) -> None:
    row = deliver("orders/create", payload("order"), shop="stranger.myshopify.com")
    assert (bytes(row.body), row.error) == (b"", "This shop does not have the app")


def test_an_erasure_reads_no_body_of_another_shop_and_none_of_shopifys(shop: Shop, monkeypatch) -> None:
    channel = make_channel(shop)
    rival = make_shop(RIVAL)
    make_channel(rival, account_id="222222")
    deliver("orders/create", payload("order"))
    deliver("orders/create", payload("order", id=2, customer=None, email="jo@example.com", contact_email=None))
    for number in range(3):
        callback(said("106540352242922", sender=f"491510000000{number}", number=number), event_id=f"other{number}")
        callback(said("222222", number=number), event_id=f"rival{number}")
    callback(said("106540352242922", number=9), event_id="maria")
    process_webhooks()
    point = make_point(make_contact(shop), phone="+" + MARIA)
    read: list[bytes] = []
    really = privacy._names_one_of
    monkeypatch.setattr(privacy, "_names_one_of", lambda body, needles: read.append(body) or really(body, needles))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        erase_person(Person(shop=shop, order_ids=(ORDER,), phone="+" + MARIA))
    assert channel.shop_id == point.shop_id == shop.pk
    assert len(read) == 4  # the shop's own callbacks
    assert not IncomingWebhook.objects.filter(event_id="maria").exists()
    assert IncomingWebhook.objects.filter(event_id__startswith="rival").count() == 3
    assert IncomingWebhook.objects.filter(event_id__startswith="other").count() == 3
    left = IncomingWebhook.objects.filter(topic="orders/create")
    assert [row.subject for row in left] == ["order:2"]
    assert len(asked) < 150  # one or two for each table that holds something of a person; none for each webhook


def test_a_callback_that_was_parked_unread_is_found(shop: Shop) -> None:
    make_channel(shop)
    parked = {"parked_at": NOON, "next_attempt_at": None}
    callback(said("106540352242922"), event_id="maria", **parked)
    callback(said("106540352242922", sender="4915199999999"), event_id="jo", **parked)
    erase_person(Person(shop=shop, phone="+" + MARIA))
    assert list(IncomingWebhook.objects.values_list("event_id", flat=True)) == ["jo"]


def test_after_shop_redact_no_raw_callback_of_its_channels_is_left(shop: Shop, at) -> None:
    make_channel(shop)
    rival = make_shop(RIVAL)
    make_channel(rival, account_id="222222")
    callback(said("106540352242922"), event_id="read")
    callback(said("222222"), event_id="rival")
    process_webhooks()
    parked = {"parked_at": NOON, "next_attempt_at": None}
    callback(said("106540352242922"), event_id="parked", **parked)
    callback(said("222222"), event_id="rival parked", **parked)
    deliver("app/uninstalled", payload("shop"), at=NOON)
    at.move(hours=48)
    deliver("shop/redact", payload("shop_redact"), at=clock.now())
    answer_privacy_requests()
    assert not Shop.objects.filter(domain=SHOP).exists()
    left = IncomingWebhook.objects.filter(source="whatsapp").values_list("event_id", flat=True)
    assert set(left) == {"rival", "rival parked"}
