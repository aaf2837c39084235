"""How to place it: the page of a touchpoint opens Shopify's editor where Home does."""

import re

import pytest

from post_purchase.services.links import touchpoint_of
from post_purchase.words import TouchpointKind

PLACE = re.compile(r'data-block="([^"]+)".*?data-place="[^"]+" href="([^"]+)"', re.DOTALL)


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (TouchpointKind.THANK_YOU_PAGE, "purchase.thank-you.block.render"),
        (TouchpointKind.ORDER_STATUS_PAGE, "customer-account.order-status.block.render"),
        (TouchpointKind.STOREFRONT, "theme:chat-bubble"),
    ],
)
def test_a_block_is_placed_from_its_own_page_too(owner, shop, kind, target):
    html = owner.get(f"/app/touchpoints/{touchpoint_of(shop=shop, kind=kind).pk}").content.decode()
    [(block, link)] = PLACE.findall(html)
    assert target in block.split()
    assert link.startswith(f"https://{shop.domain}/admin/")
    assert (block, link) in PLACE.findall(owner.get("/app/").content.decode())


@pytest.mark.parametrize("kind", [TouchpointKind.PACKAGE_INSERT, TouchpointKind.EMAIL_BUTTON])
def test_what_is_no_block_has_no_such_button(owner, shop, kind):
    assert "data-block" not in owner.get(f"/app/touchpoints/{touchpoint_of(shop=shop, kind=kind).pk}").content.decode()
