"""The packing station with a hand scanner: it types faster than answers come, and no card goes with a wrong parcel."""

import pytest

from post_purchase.models import Link
from post_purchase.services.links import link_url, touchpoint_of
from post_purchase.services.print_batches import code_of, create_batch, make_codes
from post_purchase.words import TouchpointKind
from tests import factories

pytestmark = pytest.mark.browser


@pytest.fixture
def cards(shop) -> list[str]:
    """What the scanner reads on three cards."""
    card = touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)
    batch = create_batch(touchpoint=card, name="Run", quantity=3, form="csv")
    make_codes(batch)
    for number in (1001, 1002, 1003):
        factories.make_order(shop, name=f"#{number}", number=number)
    return [link_url(code_of(batch, number)).upper() for number in (1, 2, 3)]


def scan(page, text: str) -> None:
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def tied() -> dict[int, str]:
    links = Link.objects.filter(batch__isnull=False, order__isnull=False).select_related("order")
    return {link.number: link.order.name for link in links}


def test_pair_after_pair_goes_in_without_the_mouse(admin, shop, cards):
    page = admin.open("/app/pack")
    for card, order in zip(cards, ("#1001", "#1002", "#1003"), strict=True):
        scan(page, card)
        scan(page, order)
    page.wait_for_selector("#tied >> text=#1003")
    assert tied() == {1: "#1001", 2: "#1002", 3: "#1003"}
    assert not page.locator("#not-tied").is_visible()
    admin.photograph("packing")


def test_a_refused_pair_leaves_nothing_behind_for_the_next(admin, shop, cards):
    page = admin.open("/app/pack")
    for text in (cards[0], "#1001", cards[0], "#1002", cards[1], "#9999", cards[2], "#1003"):
        scan(page, text)
    page.wait_for_selector("#tied >> text=#1003")
    assert tied() == {1: "#1001", 3: "#1003"}
    refused = page.locator("#not-tied s-paragraph").all_inner_texts()
    assert [text.split(": ")[0][-5:] for text in refused] == ["#1002", "#9999"]
    assert "tied to order #1001 already" in refused[0]
    page.locator("[data-seen]").click()
    assert not page.locator("#not-tied").is_visible()
    scan(page, cards[1])
    scan(page, "#1002")
    page.wait_for_selector("#tied >> text=#1002")
    assert tied() == {1: "#1001", 2: "#1002", 3: "#1003"}


def test_enter_after_the_card_only_goes_on_to_the_order(admin, shop, cards):
    page = admin.open("/app/pack")
    scan(page, cards[0])
    admin.settle()
    assert page.evaluate("document.activeElement.getAttribute('name')") == "order"
    assert page.locator("#stand-in-toasts").count() == 0
    assert tied() == {}


def test_who_is_out_of_step_ties_nothing_to_the_wrong_parcel(admin, shop, cards):
    """The scanner is pressed twice, at a card and at an order; then an order is forgotten."""
    page = admin.open("/app/pack")
    for text in (cards[0], cards[0], "#1001", "#1001"):
        scan(page, text)
    page.wait_for_selector("#tied >> text=#1001")
    for text in (cards[1], cards[2], "#1003"):
        scan(page, text)
    page.wait_for_selector("#tied >> text=#1003")
    assert tied() == {1: "#1001", 3: "#1003"}
    [line] = page.locator("#not-tied s-paragraph").all_inner_texts()
    assert "Its order was not scanned" in line
    scan(page, cards[1])
    scan(page, "#1002")
    page.wait_for_selector("#tied >> text=#1002")
    assert tied() == {1: "#1001", 2: "#1002", 3: "#1003"}
