"""What the blocks in the Shopify admin get, and who gets nothing."""

import pytest
from django.test import Client

from post_purchase.models import ContactPoint, Conversation, FlowEvent, Order, OrderBinding, Review
from post_purchase.services.consent import record_consent
from post_purchase.words import Purpose
from shopapp.models import Shop
from tests.factories import (
    make_channel,
    make_contact,
    make_conversation,
    make_message,
    make_order,
    make_point,
    make_shop,
)
from tests.flow_doors.conftest import make_flow
from tests.pages.visitor import RIVAL
from tests.shopapp.pretend import SHOP, admin_claims, buyer_claims, sign
from tests.talk.rows import make_run

from .conftest import NOW, ask

ORDER, CUSTOMER, START = "/api/admin/order", "/api/admin/customer", "/api/admin/start"


@pytest.fixture
def order(shop: Shop) -> Order:
    contact = make_contact(shop, shopify_customer_id=7001)
    return make_order(shop, contact)


def review_of(order: Order, **fields) -> Review:
    defaults = {"rating": 2, "text": "Came  with\na crack.", "product_title": "Mug", "incentivised": True}
    key = f"review:{Review.objects.count()}"
    said = defaults | {"disclosure": "Rewarded", "submitted_at": NOW, "dedupe_key": key} | fields
    return Review.objects.create(shop=order.shop, order=order, contact=order.contact, **said)


def gid(order: Order) -> dict[str, str]:
    return {"id": order.gid}


def test_the_order_block_gets_the_chat_the_flow_and_the_review(order):
    conversation = make_conversation(order.contact)
    message = make_message(conversation, "Where is it?", direction="in", channel=make_channel(order.shop))
    Conversation.objects.filter(pk=conversation.pk).update(
        last_text="Where is it?", last_message_at=NOW, unread=2, handed_off_at=NOW
    )
    run = make_run(order, order.contact)
    type(run).objects.filter(pk=run.pk).update(waiting_for="the delivery")
    review_of(order)
    answer = ask(ORDER, gid(order))
    assert answer.status_code == 200
    assert answer.json() == {
        "found": True,
        "conversation": {
            "path": f"conversations/{conversation.pk}",
            "channel": message.channel.get_kind_display() if message.channel else "",
            "last_text": "Where is it?",
            "last_at": NOW.isoformat(),
            "unread": 2,
            "state": "person",
        },
        "flows": [{"name": "Photo review", "state": "active", "detail": "the delivery"}],
        "reviews": [
            {
                "rating": 2,
                "text": "Came with a crack.",
                "product": "Mug",
                "photos": 0,
                "rewarded": True,
                "hidden": False,
            }
        ],
        "startable": [],
    }
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cache-Control"] == "no-store"
    assert not answer.cookies


def test_what_still_waits_is_not_shown_as_said(order):
    conversation = make_conversation(order.contact)
    channel = make_channel(order.shop)
    make_message(conversation, "It is on its way", channel=channel, status="delivered")
    make_message(conversation, "How do you like it?", channel=channel, status="held")
    Conversation.objects.filter(pk=conversation.pk).update(last_text="How do you like it?")
    assert ask(ORDER, gid(order)).json()["conversation"]["last_text"] == "It is on its way"


def test_the_chat_of_whoever_proved_the_order_comes_before_the_buyers(shop, order):
    make_conversation(order.contact)
    other = make_contact(shop, first_name="Ida")
    theirs = make_conversation(other)
    point = ContactPoint.objects.filter(contact=other).first() or make_point(other)
    OrderBinding.objects.create(point=point, order=order, method="code", bound_at=NOW)
    assert ask(ORDER, gid(order)).json()["conversation"]["path"] == f"conversations/{theirs.pk}"


def test_an_order_without_a_chat_and_one_that_we_do_not_know(order):
    assert ask(ORDER, gid(order)).json() == {
        "found": True,
        "conversation": None,
        "flows": [],
        "reviews": [],
        "startable": [],
    }
    assert ask(ORDER, {"id": "gid://shopify/Order/1"}).json() == {"found": False}


def test_the_customer_block_gets_the_chat_the_consent_and_the_reviews(order):
    point = make_point(order.contact)
    conversation = make_conversation(order.contact)
    for state in ("granted", "withdrawn"):
        record_consent(point=point, purpose=Purpose.MARKETING, state=state, method="checkbox", dedupe_key=state)
    review_of(order, status="hidden", rating=5)
    answer = ask(CUSTOMER, {"id": "gid://shopify/Customer/7001"}).json()
    assert answer["conversation"]["path"] == f"conversations/{conversation.pk}"
    assert answer["orders"] == 1
    assert {"channel": "WhatsApp", "offers": "withdrawn", "news": ""} in answer["consents"]
    assert [(each["rating"], each["hidden"]) for each in answer["reviews"]] == [(5, True)]
    assert ask(CUSTOMER, {"id": "gid://shopify/Customer/7002"}).json() == {"found": False}


@pytest.mark.parametrize("path", [ORDER, CUSTOMER])
def test_a_rival_shop_learns_nothing(order, path):
    make_shop(RIVAL)
    body = gid(order) if path == ORDER else {"id": "gid://shopify/Customer/7001"}
    assert ask(path, body, shop=RIVAL).json() == {"found": False}


@pytest.mark.parametrize("path", [ORDER, CUSTOMER, "/api/admin/print"])
@pytest.mark.parametrize(
    "token",
    [
        "",
        "x.y.z",
        "buyer",
        "old",
        "forged",
        "without sid",
    ],
)
def test_nobody_without_a_staff_token_comes_in(order, path, token):
    made = {
        "buyer": lambda: sign(buyer_claims()),
        "old": lambda: sign(admin_claims(exp=int(NOW.timestamp()) - 60)),
        "forged": lambda: sign(admin_claims(), "another-secret-of-the-right-length"),
        "without sid": lambda: sign(admin_claims(sid=None)),
    }
    answer = ask(path, gid(order), token=made[token]() if token in made else token)
    assert answer.status_code == 401
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "conversation" not in answer.content.decode()


def test_a_token_in_the_address_is_no_token(order):
    path = f"{ORDER}?id_token={sign(admin_claims())}"
    assert ask(path, gid(order), token="").status_code == 401


def test_a_shop_that_left_and_one_that_never_came(order):
    assert ask(ORDER, gid(order), shop="stranger.myshopify.com").status_code == 404
    Shop.objects.filter(domain=SHOP).update(status="uninstalled")
    assert ask(ORDER, gid(order)).status_code == 404


@pytest.mark.parametrize(
    "body", ["", "[]", "{", '{"id": 5}', '{"id": "gid://shopify/Product/1"}', '{"id": "gid://shopify/Order/1x"}']
)
def test_what_cannot_be_read_is_refused_with_a_word(shop, body):
    answer = ask(ORDER, body)
    assert (answer.status_code, answer.json()) == (400, {"error": "The id of one order is needed"})


def test_other_methods_and_the_browsers_question_before(shop):
    before = Client().options(ORDER, headers={"Origin": "https://extensions.shopifycdn.com"})
    assert (before.status_code, before["Access-Control-Allow-Headers"]) == (204, "Authorization, Content-Type")
    token = {"Authorization": f"Bearer {sign(admin_claims())}"}
    assert Client().get(ORDER, headers=token).status_code == 405
    assert ask(ORDER, "x" * 20_000).status_code == 413


def test_a_block_costs_few_queries(order, django_assert_max_num_queries):
    conversation = make_conversation(order.contact)
    for number in range(20):
        make_message(conversation, f"Message {number}")
        review_of(order)
    with django_assert_max_num_queries(11):
        assert len(ask(ORDER, gid(order)).json()["reviews"]) == 3


def test_a_flow_is_started_from_the_order_once_for_each_click(order):
    make_flow(order.shop, key="hello", subject="order")
    assert ask(ORDER, gid(order)).json()["startable"] == [{"key": "hello", "name": "Ask for a photo"}]
    wanted = gid(order) | {"flow": "hello", "key": "click-1"}
    for _ in range(2):
        assert ask(START, wanted).json() == {"started": True}
    [event] = FlowEvent.objects.filter(kind="started_by_hand")
    assert (event.order, event.contact, event.data) == (order, order.contact, {"flow": "hello"})
    unknown = ask(START, gid(order) | {"flow": "no-such", "key": "click-2"})
    assert (unknown.status_code, unknown.json()["error"]) == (422, "refused")
    assert "There is no flow with this key" in unknown.json()["message"]
    assert ask(START, {"id": "gid://shopify/Order/1", "flow": "hello", "key": "k"}).json() == {"error": "unknown"}
    for broken in ({}, {"id": 4}, gid(order) | {"flow": ["x"]}, gid(order) | {"key": "k" * 65}):
        assert ask(START, broken).status_code == 400
    make_shop(RIVAL)
    assert ask(START, wanted | {"key": "theirs"}, shop=RIVAL).status_code == 422
    assert ask(START, wanted | {"key": "nobody"}, token="").status_code == 401
    assert FlowEvent.objects.filter(kind="started_by_hand").count() == 1
