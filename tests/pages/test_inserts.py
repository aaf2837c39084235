"""Designing a card, printing it, leading it elsewhere, print runs and packing: through the door of the admin."""

import base64
import io
import re

import pypdfium2 as pdfium
import pytest
import zxingcpp
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from post_purchase.models import PrintBatch, Product, Touchpoint
from post_purchase.services.links import link_url, shop_link, touchpoint_of
from post_purchase.services.taps import forget
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from tests import factories

FORM = {
    "language": "en",
    "layout": "square",
    "headline": "Hello!",
    "body": "Write to us.",
    "call": "Scan",
    "small": "{address}",
    "color": "#7a2048",
    "code_color": "#000000",
    "paper": "#ffffff",
    "product": "",
}


@pytest.fixture(autouse=True)
def files(media):
    return media


@pytest.fixture
def card(shop) -> Touchpoint:
    return touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)


def path(card: Touchpoint, verb: str = "") -> str:
    return f"/app/touchpoints/{card.pk}/card{verb}"


def test_a_card_is_saved_in_one_language_and_the_others_stay(owner, card):
    assert owner.post(path(card, "/save"), FORM).json()["toast"] == "Saved"
    assert owner.post(path(card, "/save"), FORM | {"language": "de", "headline": "Hallo!"}).status_code == 200
    card.refresh_from_db()
    assert card.options["layout"] == "square"
    assert card.options["texts"]["en"]["headline"] == "Hello!"
    assert card.options["texts"]["de"]["headline"] == "Hallo!"


def test_a_card_belongs_to_a_collection_of_the_shop(owner, shop, card):
    now = clock.now()
    kitchen = [{"id": 4401, "title": "Kitchen"}]
    Product.objects.create(
        shop=shop, shopify_id=700, title="Mug", handle="mug", collections=kitchen, shopify_updated_at=now
    )
    rival = factories.make_shop("cards-rival.myshopify.com")
    Product.objects.create(
        shop=rival, shopify_id=1, title="X", collections=[{"id": 9, "title": "Theirs"}], shopify_updated_at=now
    )
    factories.make_order(shop)  # with product 700
    assert owner.post(path(card, "/save"), FORM | {"collection_id": "4401"}).status_code == 200
    html = owner.get(path(card)).content.decode()
    assert '<s-option value="4401" selected>Kitchen</s-option>' in html
    assert "Theirs" not in html
    assert owner.post(path(card, "/save"), FORM | {"collection_id": "9"}).status_code == 422
    both = owner.post(path(card, "/save"), FORM | {"collection_id": "4401", "product": "mug"})
    assert both.json()["errors"]["collection_id"].startswith("A card is for a product or for a collection")
    card.refresh_from_db()
    assert (card.options["collection_id"], card.options["product_id"]) == (4401, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("layout", "poster"),
        ("color", "red"),
        ("color", "#12345"),
        ("language", "../etc"),
        ("headline", "x" * 121),
        ("product", "999"),
        ("collection_id", "999"),
    ],
)
def test_what_cannot_be_is_named_at_its_field_and_nothing_changes(owner, card, field, value):
    response = owner.post(path(card, "/save"), FORM | {field: value})
    assert (response.status_code, list(response.json()["errors"])) == (422, [field])
    card.refresh_from_db()
    assert card.options == {}


def test_the_preview_is_a_picture_of_what_is_typed_and_says_what_is_wrong(owner, card):
    html = owner.post(path(card, "/preview"), FORM | {"cover": "1"}).content.decode()
    pictures = re.findall(r"base64,([^\"]+)", html)
    assert len(pictures) == 2
    assert zxingcpp.read_barcode(Image.open(io.BytesIO(base64.b64decode(pictures[1])))).valid
    assert "Phones can read this card" in html
    html = owner.post(path(card, "/preview"), FORM | {"code_color": "#dddddd"}).content.decode()
    assert "It cannot be printed like this" in html
    assert "<script>" not in owner.post(path(card, "/preview"), FORM | {"headline": "<script>"}).content.decode()
    card.refresh_from_db()
    assert card.options == {}


def test_what_the_size_has_no_room_for_is_said_in_the_preview_and_at_its_field(owner, card):
    html = owner.post(path(card, "/preview"), FORM | {"layout": "round_sticker"}).content.decode()
    assert "Round sticker, 50 mm has no room for: your shop&#x27;s name, text, small print." in html
    assert 'data-unprinted="brand body small"' in html
    assert "Not everything is printed" not in owner.post(path(card, "/preview"), FORM).content.decode()
    page = owner.get(path(card)).content.decode()
    for name in ("headline", "body", "call", "small", "logo"):
        assert f'data-unprinted-field="{name}" hidden' in page


def test_a_card_that_cannot_be_read_is_kept_and_not_printed(owner, card):
    answer = owner.post(path(card, "/save"), FORM | {"code_color": "#dddddd"}).json()
    assert answer["toast"].startswith("Saved, but it cannot be printed yet: The code's colour")
    assert owner.get(path(card, "/print")).status_code == 422
    order = {"name": "Run", "quantity": "5", "form": "pdf"}
    assert owner.post(f"/app/touchpoints/{card.pk}/prints/order", order).status_code == 422
    assert not PrintBatch.objects.exists()


def test_the_card_for_everybody_is_printed_with_its_own_link(owner, card):
    owner.post(path(card, "/save"), FORM | {"layout": "business_card"})
    response = owner.get(path(card, "/print?marks=1"))
    assert response["Content-Type"] == "application/pdf"
    page = pdfium.PdfDocument(response.content)[0]
    assert zxingcpp.read_barcode(page.render(scale=3).to_pil()).text == link_url(shop_link(touchpoint=card)[1]).upper()
    assert len(pdfium.PdfDocument(owner.get(path(card, "/print?paper=a4")).content)) == 1
    assert owner.get(path(card, "/print?paper=wall")).status_code == 422


def test_a_logo_is_put_on_the_card_and_taken_away(owner, card):
    out = io.BytesIO()
    Image.new("RGB", (200, 80), "#d9642b").save(out, "PNG")
    upload = SimpleUploadedFile("logo.png", out.getvalue(), "image/png")
    assert owner.post(path(card, "/logo"), {"logo": upload}).status_code == 200
    card.refresh_from_db()
    assert card.options["logo"].startswith("print/")
    for bad in (b"<svg onload=alert(1)>", b"\x89PNG"):
        response = owner.post(path(card, "/logo"), {"logo": SimpleUploadedFile("logo.png", bad, "image/png")})
        assert (response.status_code, "cannot be opened" in response.json()["message"]) == (422, True)
    owner.post(path(card, "/logo"))
    card.refresh_from_db()
    assert "logo" not in card.options


def test_a_printed_card_is_led_to_a_page_and_back(owner, card, shop):
    factories.make_channel(shop)
    _, code = shop_link(touchpoint=card)
    owner.post(path(card, "/route"), {"page": f"https://{shop.domain}/pages/thanks", "channel": "", "language": ""})
    forget()
    response = Client().get(f"/c/{code}", HTTP_USER_AGENT="iPhone")
    assert (response.status_code, response["Location"]) == (302, f"https://{shop.domain}/pages/thanks")
    owner.post(path(card, "/route"), {"channel": "whatsapp"})
    forget()
    assert Client().get(f"/c/{code}", HTTP_USER_AGENT="iPhone")["Location"].startswith("https://wa.me/")


@pytest.mark.parametrize("page", ["https://evil.test/", "//evil.test/x", "javascript:alert(1)", "/\\evil.test"])
def test_a_card_cannot_be_led_to_somebody_elses_website(owner, card, page):
    response = owner.post(path(card, "/route"), {"page": page})
    assert (response.status_code, list(response.json()["errors"])) == (422, ["page"])
    card.refresh_from_db()
    assert card.options == {}


@pytest.mark.parametrize(("field", "value"), [("flow", "nobodys"), ("channel", "fax"), ("ends_on", "soon")])
def test_a_route_names_only_what_is_there(owner, card, field, value):
    response = owner.post(path(card, "/route"), {field: value})
    assert (response.status_code, list(response.json()["errors"])) == (422, [field])


def test_a_card_is_for_any_product_of_the_shop_and_keeps_one_that_is_gone(owner, card, shop):
    now = clock.now()
    rows = [
        Product(
            shop=shop,
            shopify_id=31 + number,
            title=f"Thing {number}",
            handle=f"thing-{number}",
            shopify_updated_at=now,
        )
        for number in range(2000)
    ]
    Product.objects.bulk_create(rows)
    assert owner.post(path(card, "/save"), FORM | {"product": "/products/thing-0?a=b"}).status_code == 200
    html = owner.get(path(card)).content.decode()
    assert 'value="thing-0"' in html
    assert "Thing 0." in html
    assert len(html) < 120_000  # however many products the shop has
    Product.objects.all().delete()
    html = owner.get(path(card)).content.decode()
    assert 'value="31"' in html
    assert "Product 31, not in your shop any more." in html
    assert owner.post(path(card, "/save"), FORM | {"product": "31"}).status_code == 200
    card.refresh_from_db()
    assert card.options["product_id"] == 31
    rival = factories.make_shop("cards-rival.myshopify.com")
    Product.objects.create(shop=rival, shopify_id=9, title="Theirs", handle="theirs", shopify_updated_at=now)
    assert owner.post(path(card, "/save"), FORM | {"product": "theirs"}).status_code == 422
    assert owner.post(path(card, "/save"), FORM | {"product": ""}).status_code == 200
    card.refresh_from_db()
    assert card.options["product_id"] is None
