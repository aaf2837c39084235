"""What no database can keep is taken out at each door: NUL is an error 500 on PostgreSQL and none on SQLite."""

import json
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from post_purchase.models import Link, Message
from post_purchase.services import links
from post_purchase.words import TouchpointKind
from shopapp.lib.crypto import normalise_code
from shopapp.lib.storable import all_storable, storable
from tests.extension.conftest import TOKEN, ask
from tests.factories import make_channel, make_contact, make_conversation, make_order, make_shop
from tests.networks_door import callback, deliver, written
from tests.pages.visitor import Visitor
from tests.shopify_door import deliver as deliver_shopify
from tests.shopify_door import payload

pytestmark = pytest.mark.django_db
NUL = "\0"


def stored_with_nul() -> list[str]:
    """Every text in every table in which one stands."""
    found = []
    for model in apps.get_models():
        texts = [
            field.name
            for field in model._meta.local_fields
            if isinstance(field, models.CharField | models.TextField | models.JSONField)
        ]
        for row in model._default_manager.values(*texts) if texts else ():
            found += [f"{model.__name__}.{name}" for name, value in row.items() if "\\u0000" in json.dumps(value)]
    return found


def test_nul_and_half_pairs_are_taken_out_wherever_they_stand():
    assert storable("a\0b\ud83dc") == "abc"
    assert storable("\U0001f600é") == "\U0001f600é"
    assert all_storable({"a\0": ["\0", {"b": ("x\0", 1, None)}]}) == {"a": ["", {"b": ("x", 1, None)}]}


@pytest.mark.parametrize("door", ["thank-you", "order-status", "consent"])
@pytest.mark.parametrize("name", ["order_id", "checkout_token", "language", "country", "version"])
def test_a_nul_from_the_page_makes_no_error(client, media, door, name):
    shop = make_shop()
    make_channel(shop)
    body: dict[str, Any] = {"checkout_token": TOKEN, "language": "de", "country": "DE", "order_id": "1"}
    body |= {"kind": "whatsapp", "version": "1", "granted": True}
    body[name] = {"country": f"{NUL}D", "checkout_token": TOKEN + NUL}.get(name, f"d{NUL}e")
    response = ask(client, door, body)
    assert response.status_code in (200, 400, 409)
    assert stored_with_nul() == []


def test_a_nul_in_the_middle_changes_nothing_else(client, media):
    shop = make_shop()
    make_channel(shop)
    code = ask(client, "thank-you", {"checkout_token": TOKEN, "language": f"d{NUL}e", "country": f"D{NUL}E"}).json()
    link = links.find_link(shop, normalise_code(code["code"]))
    assert (link.language, link.country) == ("de", "DE")


@pytest.mark.parametrize("path", ["/c/{nul}", "/c/{code}{nul}", "/c/{code}?via={nul}", "/c/{code}?s={nul}"])
def test_a_tap_with_nul(client, media, path):
    shop = make_shop()
    make_channel(shop)
    _, code = links.shop_link(touchpoint=links.touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT))
    assert client.get(path.format(nul="%00", code=code)).status_code in (200, 302, 404)
    assert client.post("/c", {"code": f"{code}{NUL}"}).status_code in (303, 404)
    assert client.get("/unsubscribe/%00").status_code in (200, 404)
    assert Link.objects.count() == 1


def test_what_a_shopper_writes_in_a_chat(media):
    make_channel(make_shop())
    message = written(f"Hel{NUL}lo", id=f"wamid.{NUL}x")
    body = callback(message)
    body["entry"][0]["changes"][0]["value"]["contacts"][0]["profile"]["name"] = f"Ma{NUL}ria"
    row = deliver(body)
    assert (row.error, row.done_at is not None) == ("", True)
    assert Message.objects.get(direction="in").text == "Hello"
    assert stored_with_nul() == []


def test_an_order_with_nul_in_it(media):
    make_shop()
    order = payload("order", note=NUL, tags=f"a{NUL}b, c")
    order["shipping_address"]["city"] = f"Stock{NUL}holm"
    order["line_items"][0]["title"] = f"Mug{NUL}"
    assert deliver_shopify("orders/create", order).error == ""
    assert stored_with_nul() == []


def test_what_a_merchant_types_or_pastes(media):
    shop = make_shop()
    owner = Visitor(shop.domain)
    make_channel(shop)
    contact = make_contact(shop)
    talk = make_conversation(contact, order=make_order(shop, contact))
    assert owner.get(f"/app/conversations?q=a{'%00'}b").status_code == 200
    assert owner.get(f"/app/reviews?q={'%00'}").status_code == 200
    assert owner.post("/app/settings/brand", {"display_name": f"Fern{NUL}", "brand_color": "#112233"}).status_code < 500
    assert owner.post(f"/app/conversations/{talk.pk}/reply", {"text": f"Hi{NUL}"}).status_code < 500
    assert stored_with_nul() == []
