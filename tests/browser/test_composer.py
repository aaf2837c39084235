"""The answer is in reach on a phone at once; a product is shown by two presses."""

import pytest

from post_purchase.models import Message, Product
from tests.browser.conftest import SIZES
from tests.browser.test_pages_look import problems
from tests.pages.seed import seed

pytestmark = [pytest.mark.browser, pytest.mark.npm]


def test_on_a_phone_the_answer_and_the_newest_message_are_in_reach_at_once(admin, shop):
    rows = seed(shop)
    page = admin.page
    page.set_viewport_size(SIZES["phone"])
    admin.open(f"/app/conversations/{rows.conversation.pk}")
    send = page.locator("s-button", has_text="Send answer")
    send.wait_for()
    high = SIZES["phone"]["height"]
    page.wait_for_function("document.querySelector('.thread').style.scrollMarginBottom")
    answer, newest = page.locator(".composer").bounding_box(), page.locator(".thread > :last-child").bounding_box()
    assert answer["y"] + answer["height"] <= high
    assert answer["height"] < high / 2
    assert newest["y"] + newest["height"] <= answer["y"]
    assert not page.locator("s-text-field[name=later]").is_visible()
    page.locator("[data-more]").click()
    page.locator("s-text-field[name=later]").wait_for()
    assert problems(page) == []
    admin.photograph("composer-phone")


def test_a_product_is_shown_without_a_word(admin, shop):
    rows = seed(shop)
    Product.objects.update(variant_ids=[20], available=True)
    page = admin.page
    admin.open(f"/app/conversations/{rows.conversation.pk}")
    page.locator("summary", has_text="Product").click()
    page.locator("[data-card]").first.click()
    page.locator(".product-card").wait_for()
    assert page.locator(".composer").get_attribute("class") == "composer"  # folded, so that Send stands below it
    page.locator("s-button", has_text="Send answer").click()
    page.locator(".bubble", has_text="Add to cart").wait_for()
    assert Message.objects.filter(author="person").latest("pk").content["url_button"]["url"].endswith("/cart/20:1")
    assert not page.locator(".product-card").is_visible()
