"""Cards from the Print menu: the address that Shopify's preview opens, and what stands on the paper."""

import pypdfium2 as pdfium
import pytest
import zxingcpp
from django.test import Client

from post_purchase.models import Link, Order, Touchpoint
from post_purchase.printing.sheets import PrintRefused
from post_purchase.services import links
from post_purchase.web.pages import print_action
from post_purchase.words import TouchpointKind
from shopapp.models import Shop
from tests.factories import make_contact, make_order, make_shop
from tests.pages.visitor import RIVAL
from tests.shopapp.pretend import SHOP, admin_claims, buyer_claims, sign

from .conftest import ask

PREPARE = "/api/admin/print"


@pytest.fixture
def orders(shop: Shop) -> list[Order]:
    return [make_order(shop, make_contact(shop)) for _ in range(2)]


def prepare(orders: list[Order], **more):
    return ask(PREPARE, {"ids": [order.gid for order in orders]}, **more)


def codes_on(pdf: bytes) -> list[str]:
    return [zxingcpp.read_barcode(page.render(scale=3).to_pil()).text for page in pdfium.PdfDocument(pdf)]


def test_each_order_gets_its_own_card_in_the_order_chosen_and_again_the_same(orders):
    chosen = orders[::-1]
    answer = prepare(chosen).json()
    assert answer["count"] == 2
    document = Client().get(answer["src"])
    assert (document.status_code, document["Content-Type"]) == (200, "application/pdf")
    assert document["Content-Disposition"].startswith("inline")
    assert (document["Cache-Control"], document["Access-Control-Allow-Origin"]) == ("no-store", "*")
    codes = [url.rsplit("/", 1)[-1] for url in codes_on(document.content)]
    assert [links.find_link(order.shop, code).order for order, code in zip(chosen, codes, strict=True)] == chosen
    again = Client().get(prepare(chosen).json()["src"])
    assert [url.rsplit("/", 1)[-1] for url in codes_on(again.content)] == codes
    assert Link.objects.filter(order__in=orders).count() == 2


def test_nothing_personal_stands_on_paper_or_in_the_address(orders):
    source = prepare(orders).json()["src"]
    pages = pdfium.PdfDocument(Client().get(source).content)
    words = source + "".join(page.get_textpage().get_text_range() for page in pages)
    for trace in ("Maria", "Lang", "maria@example.com", "10115", "Berlin"):
        assert trace not in words


def test_an_address_is_good_for_five_minutes(orders, at):
    source = prepare(orders[:1]).json()["src"]
    at.move(minutes=4)
    assert Client().get(source).status_code == 200
    at.move(minutes=2)
    late = Client().get(source)
    assert (late.status_code, "print again" in late.content.decode()) == (410, True)


def test_an_address_that_was_changed_opens_nothing(orders):
    source = prepare(orders[:1]).json()["src"]
    other = prepare(orders[1:]).json()["src"].rsplit(":", 1)[0]
    swapped = f"{other}:{source.rsplit(':', 1)[1]}"
    for changed in (source[:-3], swapped, "/api/admin/cards/x:y", "/api/admin/cards/"):
        answer = Client().get(changed)
        assert answer.status_code == 404, changed
        assert answer["Content-Type"] != "application/pdf"


def test_where_the_preview_carries_a_token_it_must_be_of_this_shop(orders):
    make_shop(RIVAL)
    source = prepare(orders[:1]).json()["src"]
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


def test_unknown_and_erased_orders_are_left_out(orders):
    Order.objects.filter(pk=orders[0].pk).update(redacted_at=orders[0].placed_at)
    ids = [order.gid for order in orders] + ["gid://shopify/Order/1", "gid://shopify/Product/1", "nonsense"]
    assert ask(PREPARE, {"ids": ids}).json()["count"] == 1


def test_orders_erased_after_the_address_was_made_are_not_printed(orders):
    source = prepare(orders).json()["src"]
    Order.objects.update(redacted_at=orders[0].placed_at)
    assert Client().get(source).status_code == 410


def test_a_shop_that_left_prints_nothing(orders):
    source = prepare(orders[:1]).json()["src"]
    Shop.objects.update(status="uninstalled")
    assert Client().get(source).status_code == 404


def test_a_card_that_could_not_be_read_is_refused_with_its_reason(orders, monkeypatch):
    source = prepare(orders[:1]).json()["src"]

    def refuse(*_: object) -> None:
        raise PrintRefused("The code is too small to be read.")

    monkeypatch.setattr(print_action, "insert_for_orders", refuse)
    assert Client().get(source).status_code == 422


def test_the_card_of_every_order_is_looked_at_before_the_preview_opens(orders):
    line = orders[1].lines.get()
    line.product_id = 4242
    line.save()
    pale = {"product_id": 4242, "code_color": "#e8e8e8"}
    shop = orders[0].shop
    Touchpoint.objects.create(shop=shop, kind=TouchpointKind.PACKAGE_INSERT, name="For everything")
    Touchpoint.objects.create(shop=shop, kind=TouchpointKind.PACKAGE_INSERT, name="For soap", options=pale)
    assert prepare(orders[:1]).status_code == 200
    answer = prepare(orders)
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("For soap: ")
    assert not Link.objects.exists()  # nothing was printed


def test_too_many_none_and_nonsense_are_refused(shop):
    many = [f"gid://shopify/Order/{number}" for number in range(1, 252)]
    assert ask(PREPARE, {"ids": many}).json() == {"error": "too_many"}
    assert ask(PREPARE, {"ids": []}).status_code == 422
    for body in ("", "[]", '{"ids": "x"}', '{"ids": [1]}', {"ids": ["x"] * 1001}):
        assert ask(PREPARE, body).status_code == 400, body


def test_the_address_of_many_orders_is_short_enough(shop):
    contact = make_contact(shop)
    ids = [5_870_000_000_000 + number * 7919 for number in range(250)]
    Order.objects.bulk_create(
        [
            Order(
                shop=shop,
                contact=contact,
                shopify_id=number,
                name=f"#{number}",
                currency="EUR",
                placed_at=shop.installed_at,
                shopify_updated_at=shop.installed_at,
            )
            for number in ids
        ]
    )
    answer = ask(PREPARE, {"ids": [f"gid://shopify/Order/{number}" for number in ids]}).json()
    assert answer["count"] == 250
    assert len(answer["src"]) < 4000
