"""Cards printed for orders: each its own, in its language, and the same ones again."""

from datetime import timedelta

import pypdfium2 as pdfium
import pytest

from post_purchase.models import (
    Link,
    Product,
    Touchpoint,
)
from post_purchase.services import print_batches
from post_purchase.services.links import link_for_order, link_url, touchpoint_of
from post_purchase.services.taps import look_up
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from tests import factories
from tests.pages.conftest import NOW
from tests.touchpoints.prints.runs import picture_codes

pytestmark = pytest.mark.django_db


def test_inserts_for_orders_are_in_their_order_and_language_and_repeat_the_same_codes(shop, card):
    settings = shop.settings
    settings.languages = ["en", "de"]
    settings.save()
    german = factories.make_order(shop, language="de-AT")
    english = factories.make_order(shop)
    gids = [f"gid://shopify/Order/{order.shopify_id}" for order in (english, german, english)]
    gone = "gid://shopify/Order/1"
    shop.refresh_from_db()
    first = print_batches.insert_for_orders(shop, [*gids, gone])
    assert (first.printed, first.missing) == (2, (gone,))
    codes = [link_for_order(touchpoint=card, order=order)[1] for order in (english, german)]
    assert picture_codes(first.pdf) == [link_url(code).upper() for code in codes]
    assert "Danke" in pdfium.PdfDocument(first.pdf)[1].get_textpage().get_text_range()
    assert picture_codes(print_batches.insert_for_orders(shop, gids).pdf) == picture_codes(first.pdf)


def test_inserts_take_the_card_of_the_product(shop, card):
    mugs = Touchpoint.objects.create(
        shop=shop,
        kind="package_insert",
        name="Mugs",
        options={"product_id": 700, "texts": {"en": {"headline": "Mugs!"}}},
    )
    order = factories.make_order(shop)
    printed = print_batches.insert_for_orders(shop, [f"gid://shopify/Order/{order.shopify_id}"])
    assert "Mugs!" in pdfium.PdfDocument(printed.pdf)[0].get_textpage().get_text_range()
    assert link_for_order(touchpoint=mugs, order=order)[0].touchpoint == mugs


def test_a_products_card_comes_before_its_collections_and_that_before_the_shops(shop, card):
    order = factories.make_order(shop)  # with product 700
    product = Touchpoint(pk=9, options={"product_id": 700})
    collection = Touchpoint(pk=8, options={"collection_id": 4401})
    other = Touchpoint(pk=7, options={"collection_id": 4499})
    inside = {700: {4401, 4402}}
    assert print_batches.card_for(order, [other, card, collection, product], inside) is product
    assert print_batches.card_for(order, [other, card, collection], inside) is collection
    assert print_batches.card_for(order, [other, card], inside) is card
    assert print_batches.card_for(order, [other, card, collection], {}) is card
    kitchen = [{"id": 4401, "title": "Kitchen"}]
    Product.objects.create(shop=shop, shopify_id=700, title="Mug", collections=kitchen, shopify_updated_at=NOW)
    words = {"texts": {"en": {"headline": "Cook!"}}}
    Touchpoint.objects.create(shop=shop, kind="package_insert", name="Kitchen", options={"collection_id": 4401} | words)
    printed = print_batches.insert_for_orders(shop, [f"gid://shopify/Order/{order.shopify_id}"])
    assert "Cook!" in pdfium.PdfDocument(printed.pdf)[0].get_textpage().get_text_range()


def test_inserts_of_another_shops_orders_are_not_printed(shop, card):
    rival = factories.make_shop("rival-goods.myshopify.com")
    order = factories.make_order(rival)
    printed = print_batches.insert_for_orders(shop, [f"gid://shopify/Order/{order.shopify_id}", "nonsense"])
    assert (printed.printed, printed.pdf, len(printed.missing)) == (0, b"", 2)


def test_codes_printed_for_orders_live_two_years_and_printing_again_renews_them(shop, card, at):
    order = factories.make_order(shop)
    gid = [f"gid://shopify/Order/{order.shopify_id}"]
    print_batches.insert_for_orders(shop, gid)
    link = Link.objects.get(touchpoint=card, order=order)
    assert link.expires_at == NOW + timedelta(days=730)
    at.move(days=729)
    _, code = link_for_order(touchpoint=card, order=order)  # an order's news comes: nothing is printed, nothing renewed
    link.refresh_from_db()
    assert link.expires_at == NOW + timedelta(days=730)
    assert not look_up(code, now=clock.now()).expired
    at.move(days=30)
    assert look_up(code, now=clock.now()).expired
    assert picture_codes(print_batches.insert_for_orders(shop, gid).pdf) == [link_url(code).upper()]
    assert not look_up(code, now=clock.now()).expired
    link.refresh_from_db()
    assert link.expires_at == clock.now() + timedelta(days=730)


@pytest.mark.parametrize(
    ("kind", "days"),
    [("package_insert", 730), ("packing_slip", 730), ("email_button", 730), ("thank_you_page", 60)],
)
def test_what_shoppers_keep_lives_longer_than_a_page(shop, kind, days):
    link, _ = link_for_order(
        touchpoint=touchpoint_of(shop=shop, kind=TouchpointKind(kind)), order=factories.make_order(shop)
    )
    assert link.expires_at == NOW + timedelta(days=days)


def test_the_print_action_speaks_the_orders_language_also_where_the_shop_did_not_name_it(shop, card):
    order = factories.make_order(shop, language="fr-CA")
    gid = [f"gid://shopify/Order/{order.shopify_id}"]

    def printed() -> str:
        return pdfium.PdfDocument(print_batches.insert_for_orders(shop, gid).pdf)[0].get_textpage().get_text_range()

    assert "Merci" in printed()
    card.options = {"texts": {"en": {"headline": "Howdy"}}}  # own words: ours would not be the merchant's any more
    card.save()
    assert "Howdy" in printed()
