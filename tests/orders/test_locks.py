"""An order's news and its shopper's message at the same moment. PostgreSQL only: SQLite has one writer at a time."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction

from post_purchase.channels.base import Inbound
from post_purchase.models import Contact, Order, OrderBinding
from post_purchase.services import bindings, consent, orders
from post_purchase.services.order_data import OrderData
from post_purchase.services.receiving import receive
from shopapp.models import Shop
from tests.factories import make_channel, make_contact, make_point, make_shop
from tests.privacy.test_suppressions import PHONE
from tests.shopify_door import ORDER, payload

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time"),
]
PATIENCE = 1.0  # seconds: how long one side waits for the other to come as far as it can


class Both:
    """Two pieces of work, each in a thread and a transaction of its own. `troubles`: what the database refused."""

    def __init__(self) -> None:
        self.troubles: list[str] = []
        self.locked, self.merged = threading.Event(), threading.Event()

    def run(self, *works) -> list[str]:
        threads = [threading.Thread(target=self._one, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
        return self.troubles

    def _one(self, work) -> None:
        try:
            with transaction.atomic():
                work()
        except DatabaseError as error:
            self.troubles.append(type(error.__cause__).__name__)
        finally:
            connection.close()


@pytest.fixture
def both(monkeypatch) -> Both:
    """The webhook stops when it holds the order and has not touched the contact; the chat when it holds the contact."""
    both = Both()
    contact_for_order, grant_order_news = orders.contact_for_order, consent.grant_order_news

    def webhook_has_the_order(*given):
        both.locked.set()
        both.merged.wait(PATIENCE)
        return contact_for_order(*given)

    def chat_has_the_contact(**given):
        both.merged.set()
        return grant_order_news(**given)

    monkeypatch.setattr(orders, "contact_for_order", webhook_has_the_order)
    monkeypatch.setattr(consent, "grant_order_news", chat_has_the_contact)
    return both


@pytest.fixture
def shop() -> Shop:
    return make_shop(installed_at=datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture
def order(shop: Shop) -> Order:
    return orders.save_order(shop=shop, data=OrderData.from_webhook(payload("order")))


def renamed() -> OrderData:
    """News that also changes the contact's row."""
    changed = payload("order", updated_at="2026-11-20T12:00:00+01:00")
    changed["customer"]["first_name"] = "Mary"
    return OrderData.from_webhook(changed)


def test_a_chat_that_is_bound_and_an_order_that_changes_do_not_block_each_other(shop, order, both: Both) -> None:
    point = make_point(make_contact(shop))
    OrderBinding.objects.create(point=point, order=order, method="merchant", bound_at=order.placed_at)
    both.locked.clear()
    both.merged.clear()

    def bind() -> None:
        assert both.locked.wait(10)
        bindings.bind(point=point, order=Order.objects.get(pk=order.pk), method="code")

    assert both.run(lambda: orders.save_order(shop=shop, data=renamed()), bind) == []
    point.refresh_from_db()
    order.refresh_from_db()
    assert point.contact_id == order.contact_id
    assert Contact.objects.get(pk=order.contact_id).first_name == "Mary"


def test_a_message_with_the_orders_number_and_its_news_do_not_block_each_other(shop, order, both: Both) -> None:
    channel = make_channel(shop)
    both.locked.clear()
    both.merged.clear()
    inbound = Inbound(
        account_id=channel.account_id,
        address=PHONE,
        provider_id="wamid.1",
        text=f"{order.number} {order.shipping_zip}",
        happened_at=order.placed_at,
    )

    def write() -> None:
        assert both.locked.wait(10)
        assert receive(channel=channel, inbound=inbound) is not None

    assert both.run(lambda: orders.save_order(shop=shop, data=renamed()), write) == []
    assert OrderBinding.objects.filter(order__shopify_id=ORDER, point__address=PHONE).exists()
    order.refresh_from_db()
    assert Contact.objects.get(pk=order.contact_id).first_name == "Mary"


def test_many_at_once_end_without_a_deadlock(shop, order) -> None:
    points = [make_point(make_contact(shop), address=f"DE.{number}") for number in range(3)]
    works = []
    for _ in range(4):
        works.append(lambda: orders.save_order(shop=shop, data=renamed()))
        for point in points:
            works.append(lambda point=point: bindings.bind(point=point, order=order, method="code"))
    assert Both().run(*works) == []
    assert OrderBinding.objects.filter(order=order, method="code").count() == 3
