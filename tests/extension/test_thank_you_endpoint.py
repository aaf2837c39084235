"""POST /api/extension/thank-you: a shop's token is believed, the page's claims are not."""

import json

import pytest

from post_purchase.models import Link
from post_purchase.services import link_limits, links
from post_purchase.words import ChannelKind
from shopapp.lib.crypto import hash_secret, normalise_code
from shopapp.models import ShopStatus
from tests.extension import conftest
from tests.extension.conftest import TOKEN, buyer_token
from tests.factories import make_channel, make_order

pytestmark = pytest.mark.django_db
PATH = "/api/extension/thank-you"


def ask(client, body=None, token=None):
    return conftest.ask(client, "thank-you", body, token)


QUESTION = {
    "order_id": "gid://shopify/OrderIdentity/5123",
    "checkout_token": TOKEN,
    "language": "de",
    "country": "DE",
}


def test_the_page_gets_our_links_before_the_order_exists_and_they_join_later(client, shop):
    make_channel(shop)
    make_channel(shop, "email")
    response = ask(client, QUESTION)
    answer = response.json()
    link = Link.objects.get(checkout_token_hash=hash_secret(TOKEN))
    code = normalise_code(answer["code"])
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == "*"
    assert answer["channels"] == [
        {"kind": "whatsapp", "label": "WhatsApp", "url": f"https://app.example.test/c/{code}?via=whatsapp"},
        {"kind": "email", "label": "E-mail", "url": f"https://app.example.test/c/{code}?via=email"},
    ]
    assert answer["qr_url"] == f"HTTPS://APP.EXAMPLE.TEST/C/{code}"
    assert (answer["heading"], answer["text"], answer["expected"]) == ("", "", "")  # the block has its own words
    assert (link.order, link.order_shopify_id, link.language, link.country) == (None, 5123, "de", "DE")
    order = make_order(shop, shopify_id=5123, checkout_token_hash=hash_secret(TOKEN))
    links.join_order(order=order)
    assert links.find_link(shop, code).order == order


def test_asking_again_gives_the_same_answer_and_one_link(client, shop):
    make_channel(shop)
    assert ask(client, QUESTION).json() == ask(client, QUESTION).json()
    assert Link.objects.count() == 1


def made_up(number):
    return QUESTION | {"checkout_token": f"made-up-token-{number:012}"}


def test_one_page_cannot_make_links_without_end(client, shop):
    make_channel(shop)
    statuses = [ask(client, made_up(number)).status_code for number in range(300)]
    assert statuses == [200] * link_limits.PER_TOKEN + [429] * (300 - link_limits.PER_TOKEN)
    assert Link.objects.count() == link_limits.PER_TOKEN
    again = ask(client, made_up(0))  # what is there already always comes
    assert (again.status_code, again["Access-Control-Allow-Origin"]) == (200, "*")
    assert ask(client, made_up(301), token=buyer_token(jti="another page")).status_code == 200


def test_a_shop_that_is_flooded_with_fresh_tokens_gives_its_own_link(client, shop, monkeypatch):
    make_channel(shop)
    monkeypatch.setattr(link_limits, "PER_SHOP_AND_MINUTE", 3)
    codes = {ask(client, made_up(n), token=buyer_token(jti=f"page {n}")).json()["code"] for n in range(20)}
    assert len(codes) == 4
    assert Link.objects.filter(order=None).exclude(checkout_token_hash="").count() == 3
    assert Link.objects.count() == 4


def test_without_redis_the_page_still_gets_its_link(client, shop, monkeypatch):
    make_channel(shop)
    monkeypatch.setattr(link_limits.queue, "redis", broken_redis)
    assert ask(client, QUESTION).status_code == 200


def broken_redis():
    raise link_limits.queue.RedisError


def test_somebody_elses_order_id_gives_only_the_shop_wide_link(client, shop):
    make_channel(shop)
    order = make_order(shop, shopify_id=777, email="maria@example.com")
    for claim in (
        {"order_id": "gid://shopify/Order/777"},
        {"order_id": "gid://shopify/Order/777", "checkout_token": "x"},
    ):
        code = normalise_code(ask(client, claim).json()["code"])
        assert links.find_link(shop, code).order is None
        assert links.is_shop_wide(links.find_link(shop, code))
    wrong = QUESTION | {"order_id": "gid://shopify/Order/777", "checkout_token": "another-token-of-24-chars"}
    code = normalise_code(ask(client, wrong).json()["code"])
    links.join_order(order=order)
    assert links.find_link(shop, code).order is None


def test_the_answer_holds_nothing_personal_of_an_order_that_is_there(client, shop):
    make_channel(shop)
    make_order(shop, checkout_token_hash=hash_secret(TOKEN), name="#4711", email="maria@example.com", phone="+4930123")
    text = ask(client, QUESTION).content.decode()
    for secret in ("4711", "maria", "4930123", "Berlin", "10115"):
        assert secret not in text


def test_the_shipping_country_of_the_order_wins_over_the_pages(client, shop):
    make_channel(shop)
    make_channel(shop, "messenger")
    make_order(shop, checkout_token_hash=hash_secret(TOKEN), shipping_country="PL")
    assert [channel["kind"] for channel in ask(client, QUESTION).json()["channels"]] == ["messenger", "whatsapp"]


def test_a_shop_without_channels_gets_an_empty_list(client, shop):
    assert ask(client, QUESTION).json()["channels"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("not json", 400),
        ("[]", 400),
        (b"\xff\xfe", 400),
        (json.dumps({"order_id": 5}), 400),
        (json.dumps({"order_id": "x" * 200}), 400),
        (json.dumps({"checkout_token": "x" * 5000}), 413),
        (json.dumps({"order_id": None, "checkout_token": None, "surprise": [1]}), 200),
        (json.dumps({"order_id": "gid://shopify/Order/" + "9" * 40, "checkout_token": TOKEN}), 200),
        (json.dumps({"checkout_token": TOKEN, "language": "xx-YY", "country": "??"}), 200),
    ],
)
def test_odd_questions_get_a_plain_answer_that_the_page_may_read(client, shop, body, status):
    response = ask(client, body)
    assert response.status_code == status
    assert response["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        buyer_token(secret="another-secret"),
        buyer_token(exp=1_600_000_000),
        buyer_token(iss="https://fern-and-field.myshopify.com/admin", sub="42", sid="s1"),
    ],
)
def test_a_bad_token_gets_401_with_cors_and_makes_nothing(client, shop, token):
    response = ask(client, QUESTION, token=token)
    assert response.status_code == 401
    assert response["Access-Control-Allow-Origin"] == "*"
    assert Link.objects.count() == 0


def test_a_shop_that_is_gone_makes_nothing(client, shop):
    shop.status = ShopStatus.UNINSTALLED
    shop.save(update_fields=["status"])
    assert ask(client, QUESTION).status_code == 404
    assert Link.objects.count() == 0


def test_the_preflight_needs_no_token(client, shop):
    response = client.options(PATH, headers={"origin": "null", "access-control-request-method": "POST"})
    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Access-Control-Allow-Headers"] == "Authorization, Content-Type"


def test_only_post_is_answered(client, shop):
    response = client.get(PATH, headers={"authorization": f"Bearer {buyer_token()}"})
    assert response.status_code == 405
    assert response["Access-Control-Allow-Origin"] == "*"


def test_few_buttons_are_shown_and_e_mail_is_always_among_them(client, shop):
    for kind in (ChannelKind.SMS, ChannelKind.EMAIL, ChannelKind.TELEGRAM, ChannelKind.INSTAGRAM):
        make_channel(shop, kind)
    make_channel(shop, ChannelKind.MESSENGER)
    make_channel(shop)
    kinds = [channel["kind"] for channel in ask(client, QUESTION).json()["channels"]]
    assert len(kinds) == 3
    assert "email" in kinds
