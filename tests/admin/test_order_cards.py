"""Cards from the Print menu: the address that Shopify's preview opens, and what stands on the paper."""

import io
import re

import pytest
import zxingcpp
from django.test import Client
from PIL import Image

from post_purchase.models import Link, Order
from post_purchase.printing.qr import qr_png
from post_purchase.services import links
from post_purchase.services.bindings import Outcome, bind_by_code
from shopapp.models import Shop
from tests.factories import make_contact, make_order, make_point, make_shop
from tests.pages.visitor import RIVAL
from tests.shopapp.pretend import SHOP, admin_claims, buyer_claims, sign

from .conftest import ask

PREPARE = "/api/admin/print"


@pytest.fixture
def orders(shop: Shop) -> list[Order]:
    return [make_order(shop, make_contact(shop), language=language) for language in ("de", "ar", "en")]


def prepare(orders: list[Order], **more):
    return ask(PREPARE, {"ids": [order.gid for order in orders]}, **more)


def codes_on(html: str) -> list[str]:
    return re.findall(r'<p class="code" dir="ltr">([0-9A-Z-]+)</p>', html)


def test_each_order_gets_its_own_card_in_its_own_language_in_the_order_chosen(orders):
    chosen = [orders[2], orders[0], orders[1]]
    answer = prepare(chosen).json()
    assert answer["count"] == 3
    document = Client().get(answer["src"])
    html = document.content.decode()
    assert document.status_code == 200
    assert re.findall(r'class="order">(#\d+)<', html) == [order.name for order in chosen]
    assert "Wie möchten Sie chatten?" in html
    assert '<h2 lang="ar" dir="rtl">' in html
    codes = codes_on(html)
    assert len(set(codes)) == 3
    for order, code in zip(chosen, codes, strict=True):
        found = links.find_link(order.shop, code)
        assert found is not None
        assert found.order == order


def test_the_card_leads_to_that_order_and_only_for_whoever_comes_first(orders):
    html = Client().get(prepare(orders[:1]).json()["src"]).content.decode()
    [code] = codes_on(html)
    shopper, second = (make_point(make_contact(orders[0].shop), address=f"4915112345{number}") for number in range(2))
    assert bind_by_code(point=shopper, code=code).outcome == Outcome.BOUND
    assert bind_by_code(point=second, code=code).outcome == Outcome.SECOND


def test_the_picture_is_the_code(orders):
    html = Client().get(prepare(orders[:1]).json()["src"]).content.decode()
    title = re.search(r"<title>(APP\.EXAMPLE\.TEST/C/[0-9A-Z-]+)</title>", html)
    assert title
    url = f"https://app.example.test/c/{codes_on(html)[0].replace('-', '')}"
    [read] = zxingcpp.read_barcodes(Image.open(io.BytesIO(qr_png(url))).convert("L"))
    assert read.text == url.upper()
    assert read.text.split("//")[1] == title[1].replace("-", "")


def test_printing_again_gives_the_same_codes(orders):
    first, again = (codes_on(Client().get(prepare(orders).json()["src"]).content.decode()) for _ in range(2))
    assert first == again
    assert Link.objects.filter(order__in=orders).count() == 3


def test_nothing_personal_stands_on_paper_or_in_the_address(orders):
    answer = prepare(orders).json()
    html = Client().get(answer["src"]).content.decode()
    for trace in ("Maria", "Lang", "maria@example.com", "10115", "Berlin"):
        assert trace not in html
        assert trace not in answer["src"]


def test_an_address_is_good_for_five_minutes(orders, at):
    source = prepare(orders).json()["src"]
    at.move(minutes=4)
    assert Client().get(source).status_code == 200
    at.move(minutes=2)
    late = Client().get(source)
    assert (late.status_code, "print again" in late.content.decode()) == (410, True)


@pytest.mark.parametrize("change", ["cut", "swapped", "nonsense", "empty"])
def test_an_address_that_was_changed_opens_nothing(orders, change):
    source = prepare(orders[:1]).json()["src"]
    body, signature = source.rsplit(":", 1)
    other = prepare(orders[1:2]).json()["src"].rsplit(":", 1)[0]
    changed = {
        "cut": source[:-3],
        "swapped": f"{other}:{signature}",
        "nonsense": "/api/admin/cards/x:y",
        "empty": "/api/admin/cards/",
    }[change]
    answer = Client().get(changed)
    assert answer.status_code == 404
    assert codes_on(answer.content.decode()) == []
    assert body


def test_where_the_preview_carries_a_token_it_must_be_of_this_shop(orders):
    make_shop(RIVAL)
    source = prepare(orders).json()["src"]
    statuses = [
        Client().get(source, headers={"Authorization": f"Bearer {token}"}).status_code
        for token in (sign(admin_claims(SHOP)), sign(admin_claims(RIVAL)), sign(buyer_claims()), "x")
    ]
    assert statuses == [200, 401, 401, 401]
    assert Client().options(source).status_code == 204
    assert Client().post(source).status_code == 405


def test_a_rival_prints_no_card_of_ours(orders):
    make_shop(RIVAL)
    answer = prepare(orders, shop=RIVAL)
    assert (answer.status_code, answer.json()) == (422, {"error": "unknown"})
    assert Link.objects.count() == 0


def test_unknown_and_erased_orders_are_left_out(orders, shop):
    Order.objects.filter(pk=orders[0].pk).update(redacted_at=orders[0].placed_at)
    ids = [order.gid for order in orders] + ["gid://shopify/Order/1", "gid://shopify/Product/1", "nonsense"]
    assert ask(PREPARE, {"ids": ids}).json()["count"] == 2


def test_too_many_none_and_nonsense_are_refused(shop):
    many = [f"gid://shopify/Order/{number}" for number in range(1, 102)]
    assert ask(PREPARE, {"ids": many}).json() == {"error": "too_many"}
    assert ask(PREPARE, {"ids": []}).status_code == 422
    for body in ("", "[]", '{"ids": "x"}', '{"ids": [1]}', {"ids": ["x"] * 251}):
        assert ask(PREPARE, body).status_code == 400, body


def test_a_hundred_orders_fit_into_one_address(shop):
    contact = make_contact(shop)
    orders = [make_order(shop, contact, lines=0) for _ in range(100)]
    source = prepare(orders).json()["src"]
    assert len(source) < 4000
    assert len(codes_on(Client().get(source).content.decode())) == 100
