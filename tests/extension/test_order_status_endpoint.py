"""POST /api/extension/order-status: the bare state to whoever has the page, the rest to its customer."""

from datetime import UTC, datetime

import pytest

from post_purchase.models import FlowStatus, Link, Review
from post_purchase.services import links
from post_purchase.words import ParcelState, TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import hash_secret, normalise_code
from tests.extension.conftest import TOKEN, ask, buyer_token, signed_in
from tests.factories import make_channel, make_contact, make_order, make_parcel, make_shop

pytestmark = pytest.mark.django_db
CUSTOMER = 3_200_000_000_001
DAY = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def order(shop):
    make_channel(shop)
    contact = make_contact(shop, shopify_customer_id=CUSTOMER)
    return make_order(shop, contact, shopify_id=5123, name="#4711", checkout_token_hash=hash_secret(TOKEN))


@pytest.fixture
def parcel(order):
    parcel = make_parcel(order, ParcelState.IN_TRANSIT, estimated_delivery_at=DAY)
    parcel.events.create(state=ParcelState.IN_TRANSIT, city="Leipzig", happened_at=clock.now())
    return parcel


QUESTION = {"order_id": "gid://shopify/Order/5123", "checkout_token": TOKEN, "language": "en", "country": "DE"}
PERSONAL = ("4711", "Maria", "maria", "Leipzig", "Berlin", "DHL", "00340434161094042557", "tracking.example.test")


def test_not_signed_in_hears_the_state_and_the_day_and_nothing_personal(client, order, parcel):
    response = ask(client, "order-status", QUESTION)
    told = response.json()["order"]
    assert told == {
        "state": "in_transit",
        "expected": DAY.isoformat(),
        "text": "",
        "tracking_url": "",
        "sign_in": True,
        "review": False,
        "review_url": "",
    }
    assert [word for word in PERSONAL if word in response.content.decode()] == []
    assert response["Access-Control-Allow-Origin"] == "*"


def test_the_customer_who_signed_in_hears_where_it_is(client, order, parcel):
    told = ask(client, "order-status", QUESTION, signed_in(CUSTOMER)).json()["order"]
    assert told["text"].startswith("Your order #4711 is on its way with DHL. Last news: Leipzig, ")
    assert told["tracking_url"] == parcel.tracking_url
    assert told["sign_in"] is False


def test_the_customer_is_enough_where_the_page_has_no_checkout_token(client, order, parcel):
    answer = ask(client, "order-status", QUESTION | {"checkout_token": ""}, signed_in(CUSTOMER)).json()
    assert answer["order"]["text"]
    link = links.find_link(order.shop, normalise_code(answer["code"]))
    assert link.order == order
    assert link.touchpoint.kind == TouchpointKind.ORDER_STATUS_PAGE
    assert answer["consent"] is None  # a tick needs the token


def test_another_customer_with_the_order_id_learns_nothing(client, order, parcel):
    answer = ask(client, "order-status", QUESTION | {"checkout_token": ""}, signed_in(CUSTOMER + 1)).json()
    assert answer["order"] is None
    assert links.is_shop_wide(links.find_link(order.shop, normalise_code(answer["code"])))


def test_another_customer_who_has_the_page_hears_the_bare_state_only(client, order, parcel):
    response = ask(client, "order-status", QUESTION, signed_in(CUSTOMER + 1))
    assert response.json()["order"]["text"] == ""
    assert [word for word in PERSONAL if word in response.content.decode()] == []


def test_nobody_signed_in_with_only_an_order_id_learns_nothing(client, order, parcel):
    answer = ask(client, "order-status", QUESTION | {"checkout_token": "another-token-of-24-chars"}).json()
    assert answer["order"] is None


def test_without_protected_data_a_signed_in_customer_is_told_as_much_as_a_stranger(client, shop):
    make_channel(shop)
    order = make_order(shop, None, shopify_id=5123, checkout_token_hash=hash_secret(TOKEN), email="")
    make_parcel(order, ParcelState.OUT_FOR_DELIVERY)
    told = ask(client, "order-status", QUESTION, signed_in(CUSTOMER)).json()["order"]
    assert (told["state"], told["text"], told["sign_in"]) == ("out_for_delivery", "", True)


def test_another_shops_order_is_not_found(client, order):
    rival = make_shop("rival.myshopify.com")
    make_channel(rival, "email")
    token = buyer_token("rival.myshopify.com", sub=f"gid://shopify/Customer/{CUSTOMER}")
    assert ask(client, "order-status", QUESTION, token).json()["order"] is None


def test_an_order_that_has_not_come_yet_has_buttons_and_joins_later(client, shop):
    make_channel(shop)
    answer = ask(client, "order-status", QUESTION).json()
    assert answer["order"] is None
    assert [channel["kind"] for channel in answer["channels"]] == ["whatsapp"]
    order = make_order(shop, checkout_token_hash=hash_secret(TOKEN))
    links.join_order(order=order)
    assert Link.objects.get(touchpoint__kind=TouchpointKind.ORDER_STATUS_PAGE).order == order


def test_its_link_is_another_than_the_thank_you_pages(client, order):
    first, second = (ask(client, path, QUESTION).json()["code"] for path in ("thank-you", "order-status"))
    assert first != second


@pytest.mark.parametrize(
    ("parcels", "state"),
    [
        ((), "not_shipped"),
        (("delivered", "in_transit"), "in_transit"),
        (("delivered", "cancelled"), "delivered"),
        (("delivered", "delivered"), "delivered"),
        (("delayed",), "delayed"),
    ],
)
def test_the_parcel_furthest_behind_decides(client, order, parcels, state):
    for parcel in parcels:
        make_parcel(order, parcel)
    assert ask(client, "order-status", QUESTION).json()["order"]["state"] == state


def test_a_cancelled_order_says_so_and_promises_no_day(client, order, parcel):
    order.cancelled_at = clock.now()
    order.save()
    told = ask(client, "order-status", QUESTION).json()["order"]
    assert (told["state"], told["expected"], told["review"]) == ("cancelled", "", False)


def test_the_review_button_comes_with_the_delivery_and_goes_with_the_review(client, order):
    order.delivered_at = clock.now()
    order.save()
    make_parcel(order, ParcelState.DELIVERED)

    def offered():
        return ask(client, "order-status", QUESTION).json()["order"]["review"]

    assert offered() is False  # the shop does not ask for reviews
    order.shop.flows.create(key="photo_review", name="Reviews", status=FlowStatus.ON)
    assert offered() is True
    Review.objects.create(
        shop=order.shop, order=order, rating=2, dedupe_key="r1", submitted_at=clock.now(), text="too small"
    )
    assert offered() is False


@pytest.mark.parametrize(
    "language", ["en", "de", "fr", "es", "it", "pt-BR", "nl", "pl", "sv", "da", "tr", "ja", "ar", "xx"]
)
def test_every_language_gets_an_answer(client, order, parcel, language):
    answer = ask(client, "order-status", QUESTION | {"language": language}, signed_in(CUSTOMER)).json()
    assert "#4711" in answer["order"]["text"]
    assert answer["consent"] is None or answer["consent"]["question"]


def test_an_erased_order_tells_nothing(client, order, parcel):
    order.redacted_at = clock.now()
    order.save()
    assert ask(client, "order-status", QUESTION, signed_in(CUSTOMER)).json()["order"] is None


def test_an_admins_token_is_refused_and_makes_nothing(client, order):
    token = buyer_token(iss="https://fern-and-field.myshopify.com/admin", sub="42", sid="s1")
    assert ask(client, "order-status", QUESTION, token).status_code == 401
    assert Link.objects.count() == 0


def test_odd_questions(client, order):
    assert ask(client, "order-status", "not json").status_code == 400
    assert ask(client, "order-status", {"order_id": "x" * 200}).status_code == 400
    assert ask(client, "order-status", {"checkout_token": "x" * 5000}).status_code == 413
    assert client.options("/api/extension/order-status").status_code == 204
    assert (
        client.get("/api/extension/order-status", headers={"authorization": f"Bearer {buyer_token()}"}).status_code
        == 405
    )
