"""Where nothing is, and where something broke: the merchant is told so inside the admin, and finds back."""

import pytest
from django.test import Client

from tests.pages.visitor import RIVAL, Visitor
from tests.shopapp.pretend import SHOP, admin_claims, sign

pytestmark = pytest.mark.django_db
GONE = ["/app/conversations/999999", "/app/flows/999999", "/app/nothing", "/app/reviews/x/y"]


def document(path: str, shop: str = SHOP, client: Client | None = None):
    return (client or Client()).get(f"{path}?shop={shop}&host=aG9zdA&id_token={sign(admin_claims(shop))}")


@pytest.mark.parametrize("path", GONE)
def test_what_is_gone_is_said_inside_the_admin_with_a_way_back(owner, shop, path):
    answer = document(path)
    text = answer.content.decode()
    assert answer.status_code == 404
    assert "This is no longer here" in text
    assert f'href="/app/conversations?shop={SHOP}&amp;host=aG9zdA"' in text
    assert "app-bridge.js" in text
    assert f"frame-ancestors https://{SHOP} https://admin.shopify.com" in answer["Content-Security-Policy"]
    assert "id_token" not in text
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("path", GONE[:3])
def test_the_pages_own_calls_get_a_page_and_its_forms_get_words(owner, shop, path):
    answer = owner.get(path)
    assert (answer.status_code, '<main id="page"' in answer.content.decode()) == (404, True)
    answer = owner.post(f"{path}/close")
    assert (answer.status_code, answer.json()["message"].startswith("This is no longer here")) == (404, True)


def test_another_shops_row_is_gone_too(owner, shop):
    rival = Visitor(RIVAL)
    assert rival is not None
    answer = document("/app/conversations/1", RIVAL)
    assert RIVAL in answer["Content-Security-Policy"]
    assert SHOP not in answer["Content-Security-Policy"]


@pytest.mark.parametrize("shop_name", ["", "evil.example", "x.myshopify.com.evil.example", "';script"])
def test_whoever_names_no_shop_gets_a_plain_line(shop_name):
    answer = Client().get("/app/nothing", {"shop": shop_name})
    assert (answer.status_code, answer.content.decode()) == (404, "This is no longer here")
    assert "frame-ancestors" not in answer.get("Content-Security-Policy", "")


def test_a_fault_of_ours_is_said_inside_the_admin(owner, shop, monkeypatch):
    def breaks(*args, **kwargs):
        raise ZeroDivisionError("of this test")

    monkeypatch.setattr("post_purchase.web.pages.home.page", breaks)
    client = Client(raise_request_exception=False)
    answer = document("/app", client=client)
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()
    assert f"https://{SHOP}" in answer["Content-Security-Policy"]
    assert "ZeroDivision" not in answer.content.decode()
