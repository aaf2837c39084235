"""What fits what was bought, which guide is sent, and what a flow may ask of products."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from post_purchase.flows.facts import gather, load_order
from post_purchase.models import Order, Product, ProductGuide
from post_purchase.services.guides import folded, guide_for, save_guide
from post_purchase.services.recommendations import find
from shopapp.models import Shop
from tests import factories
from tests.products.conftest import NOON

pytestmark = pytest.mark.django_db
MUG, APRON, BOARD = 700, 701, 702  # what factories.make_order puts into an order


def product(shop: Shop, number: int, title: str = "", **fields: Any) -> Product:
    defaults = {
        "title": title or f"Product {number}",
        "handle": f"product-{number}",
        "price": "12.50",
        "variant_ids": [number * 10],
        "shopify_updated_at": NOON,
        "image_url": f"https://cdn.example.com/{number}.png",
    }
    return Product.objects.create(shop=shop, shopify_id=number, **(defaults | fields))


@pytest.fixture
def order(shop: Shop) -> Order:
    return load_order(factories.make_order(shop, factories.make_contact(shop)).pk)


def ids(found: list[dict[str, Any]]) -> list[int]:
    return [each["product_id"] for each in found]


def test_the_merchants_choice_comes_before_shopifys_before_what_others_bought(shop, order) -> None:
    product(shop, MUG, chosen_ids=[11], complementary_ids=[12, 11])
    for number in (11, 12, 13):
        product(shop, number)
    for _ in range(2):
        other = factories.make_order(shop)
        factories.OrderLine.objects.create(
            order=other,
            shopify_id=other.pk * 100 + 9,
            product_id=13,
            title="Product 13",
            quantity=1,
            current_quantity=1,
        )
    assert ids(find(by="compatible", order=order, contact=order.contact, limit=5)) == [11, 12, 13]
    assert ids(find(by="compatible", order=order, contact=order.contact, limit=1)) == [11]


def test_what_they_have_what_is_sold_out_and_what_we_do_not_know_is_left_out(shop, order) -> None:
    product(shop, MUG, chosen_ids=[MUG, 11, 12, 13, 14])
    product(shop, 11, available=False)
    product(shop, 12)
    product(shop, 14)
    earlier = factories.make_order(shop, order.contact)
    earlier.lines.update(product_id=14)
    rival = factories.make_shop("rival-goods.myshopify.com")
    product(rival, 13)
    assert ids(find(by="compatible", order=order, contact=order.contact, limit=5)) == [12]


def test_a_card_has_price_picture_and_a_link_that_fills_the_cart_with_the_code(shop, order) -> None:
    product(shop, MUG, chosen_ids=[11])
    product(shop, 11, "Oak coaster")
    [card] = find(by="compatible", order=order, contact=order.contact, limit=1, code="THANKS 7&x=1")
    assert card == {
        "product_id": 11,
        "title": "Oak coaster",
        "because": "Stoneware mug",
        "variant_id": 110,
        "url": "https://fern.example.com/products/product-11",
        "cart_url": "https://fern.example.com/cart/110:1?discount=THANKS%207%26x%3D1",
        "price": "12.50",
        "currency": "EUR",
        "image_url": "https://cdn.example.com/11.png",
    }


def test_the_same_again_keeps_the_very_variant_and_leaves_out_what_is_gone(shop, order) -> None:
    [card] = find(by="same_again", order=order, contact=order.contact, limit=3)
    assert (card["variant_id"], card["cart_url"]) == (800, "https://fern.example.com/cart/800:1")
    product(shop, MUG, available=False)
    assert find(by="same_again", order=order, contact=order.contact, limit=3) == []


def test_without_an_order_nothing_fits(shop) -> None:
    assert find(by="compatible", order=None, contact=None, limit=3) == []


def guide(shop: Shop, kind: str, value: str, text: str, language: str = "en") -> ProductGuide:
    return save_guide(shop=shop, kind=kind, value=value, name=value, language=language, text=text)


def test_the_products_own_guide_comes_before_its_tags_before_its_types(shop, order) -> None:
    product(shop, MUG, tags=["Hand Made"], product_type="Tableware")
    assert guide_for(order=order, language="en", default="en") is None
    guide(shop, "type", folded("TABLEWARE"), "of the type")
    assert guide_for(order=order, language="en", default="en")["text"] == "of the type"
    guide(shop, "tag", folded(" hand  made "), "of the tag")
    assert guide_for(order=order, language="en", default="en")["text"] == "of the tag"
    guide(shop, "product", str(MUG), "of the product")
    found = guide_for(order=order, language="en", default="en")
    assert (found["text"], found["product"]) == ("of the product", "Stoneware mug")


def test_the_shoppers_language_comes_first_then_the_shops_then_english(shop, order) -> None:
    guide(shop, "product", str(MUG), "English")
    assert guide_for(order=order, language="pt-BR", default="de")["text"] == "English"
    guide(shop, "product", str(MUG), "Deutsch", "de")
    assert guide_for(order=order, language="pt-BR", default="de")["text"] == "Deutsch"
    guide(shop, "product", str(MUG), "Português", "pt-BR")
    assert guide_for(order=order, language="pt-BR", default="de")["text"] == "Português"
    assert guide_for(order=order, language="fr-CA", default="de")["text"] == "Deutsch"


def test_another_shops_guide_is_never_sent(shop, order) -> None:
    guide(factories.make_shop("rival-goods.myshopify.com"), "product", str(MUG), "Theirs")
    assert guide_for(order=order, language="en", default="en") is None


def test_saving_a_guide_again_replaces_it(shop) -> None:
    guide(shop, "product", "700", "One")
    guide(shop, "product", "700", "Two")
    assert ProductGuide.objects.get().text == "Two"


def test_a_flow_may_ask_about_tags_types_and_metafields_of_what_was_bought(shop) -> None:
    order = load_order(factories.make_order(shop, lines=2).pk)
    product(shop, MUG, tags=["fragile"], product_type="Tableware", metafields={"custom.material": ["clay"]})
    product(shop, APRON, tags=["washable"], metafields={"custom.material": ["linen", "clay"]})
    facts = gather(shop=shop, order=order, contact=None, more=frozenset({"bought"}))
    assert facts["bought"] == {
        "lines": [
            {"title": "Stoneware mug", "product_id": MUG, "tags": ["fragile"], "type": "Tableware"},
            {"title": "Linen apron", "product_id": APRON, "tags": ["washable"], "type": ""},
        ],
        "tags": ["fragile", "washable"],
        "types": ["Tableware"],
        "metafields": {"custom": {"material": ["clay", "linen"]}},
    }
    assert "guide" not in facts


def test_products_and_guide_cost_two_queries_and_only_where_they_are_asked_for(shop, order) -> None:
    product(shop, MUG, tags=["fragile"])

    def queries(*more: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            gather(shop=shop, order=order, contact=order.contact, more=frozenset(more))
        return len(seen)

    bare = queries()
    assert (queries("bought") - bare, queries("guide") - bare, queries("bought", "guide") - bare) == (1, 2, 2)
