"""Cards print HOST/C in capitals, and people type what they read."""

import pytest

from post_purchase.services import links
from post_purchase.words import TouchpointKind
from shopapp.lib.crypto import grouped
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/c", "/c/", "/C", "/C/"])
def test_the_address_on_a_card_shows_the_form(client, path):
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("typed", ["{grouped}", "HTTPS://APP.EXAMPLE.TEST/C/{code}", "app.example.test/c/{code}/"])
def test_the_whole_address_may_be_typed_into_the_form(client, typed):
    shop = factories.make_shop()
    code = links.shop_link(touchpoint=links.touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT))[1]
    answer = client.post("/C/", {"code": typed.format(code=code, grouped=grouped(code))})
    assert (answer.status_code, answer["Location"]) == (303, f"/c/{code}")
    assert client.get(f"/C/{code}/").status_code in (200, 302)
