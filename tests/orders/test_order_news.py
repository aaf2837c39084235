from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from post_purchase.flows.facts import gather, load_order
from post_purchase.models import Contact, FlowEvent, Order, OrderLine
from post_purchase.services.shopify_values import MAX_MONEY, MAX_QUANTITY
from post_purchase.services.timezones import zone_for
from shopapp.lib import clock
from shopapp.lib.crypto import hash_secret
from shopapp.models import IncomingWebhook
from tests.factories import make_shop
from tests.shopify_door import ORDER, deliver, payload, post, process_webhooks

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def shop():
    with clock.frozen(NOON):
        yield make_shop(currency="EUR", country="SE")


def kinds() -> list[str]:
    return list(FlowEvent.objects.order_by("pk").values_list("kind", flat=True))


def test_a_paid_order_is_saved_as_the_shopper_saw_it() -> None:
    row = deliver("orders/create", payload("order"))
    order = Order.objects.get()
    assert (row.done_at, row.error) == (NOON, "")
    assert (order.shopify_id, order.name, order.number) == (ORDER, "#1001", 1001)
    assert (order.currency, order.total, order.subtotal) == ("SEK", Decimal("402.50"), Decimal("345.00"))
    assert (order.email, order.phone, order.language) == ("maria@example.com", "+46701234567", "sv-SE")
    assert (order.shipping_country, order.shipping_city, order.timezone) == ("SE", "Stockholm", "Europe/Stockholm")
    assert order.checkout_token_hash == hash_secret("c0ffee00c0ffee00c0ffee00c0ffee00")
    assert order.paid_at == order.placed_at == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    assert order.tags == ["gift", "first-order"]
    assert [(line.title, line.quantity, line.price) for line in order.lines.all()] == [
        ("Stoneware mug", 2, Decimal("115.00")),
        ("Linen apron", 1, Decimal("115.00")),
    ]
    assert (order.contact.first_name, order.contact.shopify_customer_id) == ("Maria", 115310627)
    assert kinds() == ["order_placed", "order_paid"]


def test_create_paid_and_updated_tell_the_flows_once() -> None:
    for topic in ("orders/paid", "orders/updated", "orders/create"):
        deliver(topic, payload("order"))
    assert Order.objects.count() == 1
    assert Contact.objects.count() == 1
    assert kinds() == ["order_placed", "order_paid"]


def test_the_same_webhook_fifty_times_is_one_row_and_one_order() -> None:
    for _ in range(50):
        assert post("orders/create", payload("order"), event_id="same") == 200
    process_webhooks()
    assert IncomingWebhook.objects.count() == 1
    assert Order.objects.count() == 1
    assert kinds() == ["order_placed", "order_paid"]


def test_an_older_payload_does_not_undo_a_newer_one() -> None:
    deliver("orders/updated", payload("order", updated_at="2026-11-20T11:00:00+01:00", tags="new"))
    deliver("orders/create", payload("order", financial_status="pending", tags="old"))
    order = Order.objects.get()
    assert (order.tags, order.financial_status) == (["new"], "paid")


def test_an_order_that_is_paid_later_is_told_when_it_is_paid() -> None:
    deliver("orders/create", payload("order", financial_status="pending"))
    assert kinds() == ["order_placed"]
    deliver("orders/paid", payload("order", updated_at="2026-11-20T11:30:00+01:00"))
    assert Order.objects.get().paid_at == datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    assert kinds() == ["order_placed", "order_paid"]


def test_an_order_without_personal_data_is_kept_without_a_contact() -> None:
    bare = payload("order", customer=None, email="", contact_email=None, phone=None, customer_locale=None)
    bare |= {"shipping_address": None, "billing_address": None, "order_status_url": None, "checkout_token": None}
    row = deliver("orders/create", bare)
    order = Order.objects.get()
    assert row.error == ""
    assert (order.contact, order.email, order.phone, order.timezone) == (None, "", "", "")
    assert Contact.objects.count() == 0
    assert kinds() == ["order_placed", "order_paid"]


def test_test_orders_and_counter_orders_are_kept_and_named() -> None:
    deliver("orders/create", payload("order", test=True, source_name="pos"))
    order = Order.objects.get()
    assert (order.test, order.is_point_of_sale) == (True, True)


def test_an_old_order_starts_nothing() -> None:
    old = {"created_at": "2026-11-10T10:00:00Z", "processed_at": "2026-11-10T10:00:00Z"}
    deliver("orders/updated", payload("order", **old))
    assert Order.objects.count() == 1
    assert kinds() == []


def test_a_cancelled_order_is_told_and_never_comes_back() -> None:
    deliver("orders/create", payload("order"))
    gone = {"cancelled_at": "2026-11-20T12:00:00+01:00", "cancel_reason": "customer"}
    deliver("orders/cancelled", payload("order", updated_at="2026-11-20T12:00:00+01:00", **gone))
    deliver("orders/updated", payload("order", updated_at="2026-11-20T12:10:00+01:00"))
    order = Order.objects.get()
    assert (order.cancelled_at, order.cancel_reason) == (datetime(2026, 11, 20, 11, 0, tzinfo=UTC), "")
    assert kinds() == ["order_placed", "order_paid", "order_cancelled"]


def test_an_order_first_heard_of_as_cancelled_starts_nothing() -> None:
    deliver("orders/cancelled", payload("order", cancelled_at="2026-11-20T12:00:00+01:00"))
    assert kinds() == ["order_cancelled"]


def test_refunds_add_up_whichever_way_they_come() -> None:
    deliver("orders/create", payload("order"))
    first = payload("refund")
    rest = payload("refund", id=77, transactions=[{"kind": "refund", "status": "success", "amount": "287.50"}])
    deliver("refunds/create", first)
    assert Order.objects.get().refunded == Decimal("115.00")
    deliver("orders/updated", payload("order", updated_at="2026-11-20T11:00:00+01:00", refunds=[first]))
    deliver("refunds/create", first)
    deliver("refunds/create", rest)
    order = Order.objects.get()
    assert order.refunded == Decimal("402.50")
    told = FlowEvent.objects.filter(kind="order_refunded").order_by("pk").values_list("key", "data__full")
    assert list(told) == [(f"order_refunded:{order.pk}:509562969", False), (f"order_refunded:{order.pk}:77", True)]


def test_a_failed_refund_pays_nothing_back() -> None:
    deliver("orders/create", payload("order"))
    failed = [{"kind": "refund", "status": "failure", "amount": "115.00"}]
    deliver("refunds/create", payload("refund", transactions=failed))
    assert Order.objects.get().refunded == Decimal("0")


def test_a_line_taken_out_by_an_edit_counts_no_more() -> None:
    deliver("orders/create", payload("order"))
    edited = payload("order", updated_at="2026-11-20T11:00:00+01:00")
    edited["line_items"][1]["current_quantity"] = 0
    edited["line_items"].append(edited["line_items"][0] | {"id": 5003, "title": "Oak board"})
    deliver("orders/updated", edited)
    lines = OrderLine.objects.values_list("title", "quantity", "current_quantity")
    assert list(lines) == [("Stoneware mug", 2, 2), ("Linen apron", 1, 0), ("Oak board", 2, 2)]


def test_a_second_order_of_the_same_customer_has_the_same_contact() -> None:
    deliver("orders/create", payload("order"))
    deliver("orders/create", payload("order", id=2, name="#1002", checkout_token="other"))
    assert Contact.objects.count() == 1
    assert Order.objects.filter(contact=Contact.objects.get()).count() == 2


@pytest.mark.parametrize(
    ("country", "province", "zone"),
    [
        ("US", "NY", "America/New_York"),
        ("US", "HI", "Pacific/Honolulu"),
        ("US", "", ""),
        ("CA", "NL", "America/St_Johns"),
        ("AU", "QLD", "Australia/Brisbane"),
        ("ES", "GC", "Atlantic/Canary"),
        ("ES", "M", "Europe/Madrid"),
        ("PT", "PT-20", "Atlantic/Azores"),
        ("DE", "", "Europe/Berlin"),
        ("BR", "AM", "America/Manaus"),
        ("RU", "KHA", "Asia/Vladivostok"),
        ("ID", "BA", "Asia/Makassar"),
        ("XX", "", ""),
    ],
)
def test_the_zone_follows_country_and_province(country: str, province: str, zone: str) -> None:
    assert zone_for(country, province) == zone
    assert not zone or ZoneInfo(zone)


def test_a_nul_in_a_name_keeps_no_order_out() -> None:
    odd = payload("order", tags="gi\0ft, a")
    odd["customer"]["first_name"] = "Ma\0ria"
    odd["line_items"][0]["title"] = "Mug\0"
    row = deliver("orders/create", odd)
    order = Order.objects.get()
    assert (row.error, order.contact.first_name, order.lines.all()[0].title) == ("", "Maria", "Mug")
    assert order.tags == ["gift", "a"]


@pytest.mark.parametrize(
    ("quantity", "price"),
    [(10**12, "1e30"), (-3, "-1e30"), (10**40, "0.001"), (1, "99999999999999.999"), (2**31, "9e26")],
)
def test_numbers_beyond_all_measure_are_cut_down_and_stop_nothing(quantity, price) -> None:
    news = payload("order", total_price=price, subtotal_price=price)
    for name in ("total_price_set", "subtotal_price_set"):
        news[name] = {"presentment_money": {"amount": price, "currency_code": "SEK"}}
    line = news["line_items"][0]
    line |= {"quantity": quantity, "current_quantity": quantity, "price": price}
    line["price_set"] = {"presentment_money": {"amount": price, "currency_code": "SEK"}}
    news["order_number"] = abs(quantity)
    row = deliver("orders/create", news)
    assert (row.error, row.done_at) == ("", NOON)
    order = Order.objects.get()
    stored = order.lines.order_by("shopify_id").first()
    assert abs(order.total) <= MAX_MONEY
    assert (0 <= stored.quantity <= MAX_QUANTITY, abs(stored.price) <= MAX_MONEY) == (True, True)
    facts = gather(shop=order.shop, order=load_order(order.pk), contact=order.contact)
    assert facts["order"]["total"] == str(order.total)
    parcel = payload("fulfillment", line_items=[{"id": line["id"], "quantity": quantity}])
    assert deliver("fulfillments/create", parcel).error == ""
