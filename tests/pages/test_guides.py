"""Guides and products in the admin: what each write changes, and what it refuses."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from post_purchase.models import Product, ProductGuide, ProductSync, ShopSettings
from post_purchase.services.guide_pictures import address_of
from tests.factories import make_shop
from tests.pages.conftest import NOW

GUIDE = {"kind": "product", "value": "linen-apron", "language": "de", "title": "Waschen", "text": "Bei 40 Grad."}


def jpeg(*, exif: bool) -> bytes:
    picture, out, facts = Image.new("RGB", (120, 90), "#346"), io.BytesIO(), Image.Exif()
    if exif:
        facts[0x013B] = "Fern & Field, at home"  # who took it
    picture.save(out, "JPEG", exif=facts)
    return out.getvalue()


def product(shop, number=7702, handle="linen-apron", **fields) -> Product:
    return Product.objects.create(
        shop=shop, shopify_id=number, title=handle.title(), handle=handle, shopify_updated_at=NOW, **fields
    )


@pytest.mark.parametrize("value", ["linen-apron", "https://fern.example.com/products/Linen-Apron?variant=1"])
def test_a_guide_is_written_for_a_product_by_its_handle_or_address(owner, shop, value):
    product(shop)
    assert owner.post("/app/guides/add", GUIDE | {"value": value}).status_code == 200
    row = ProductGuide.objects.get()
    assert (row.kind, row.value, row.name, row.language, row.text) == (
        "product",
        "7702",
        "Linen-Apron",
        "de",
        "Bei 40 Grad.",
    )


def test_a_guide_for_a_tag_fits_however_the_tag_is_written(owner, shop):
    owner.post("/app/guides/add", GUIDE | {"kind": "tag", "value": " Hand  Made "})
    assert (ProductGuide.objects.get().value, ProductGuide.objects.get().name) == ("hand made", "Hand  Made")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"value": "no-such"}, "value"),
        ({"value": ""}, "value"),
        ({"kind": "collection"}, "kind"),
        ({"language": "xx"}, "language"),
        ({"text": " "}, "text"),
        ({"text": "x" * 2001}, "text"),
        ({"video_url": "javascript:alert(1)"}, "video_url"),
        ({"picture_url": "http://pictures.example.com/a.png"}, "picture_url"),
        ({"picture_url": 'https://x.example.com/"><script>'}, "picture_url"),
    ],
)
def test_what_is_no_guide_is_refused_at_its_field(owner, shop, changes, field):
    product(shop)
    answer = owner.post("/app/guides/add", GUIDE | changes)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert not ProductGuide.objects.exists()


def test_a_second_guide_for_the_same_thing_does_not_overwrite_the_first(owner, shop):
    product(shop)
    owner.post("/app/guides/add", GUIDE)
    assert list(owner.post("/app/guides/add", GUIDE | {"text": "Other"}).json()["errors"]) == ["value"]
    row = ProductGuide.objects.get()
    assert row.text == "Bei 40 Grad."
    owner.post(f"/app/guides/{row.pk}/save", {"text": "Bei 30 Grad.", "title": "", "kind": "tag", "value": "x"})
    row.refresh_from_db()
    assert (row.text, row.title, row.kind, row.value) == ("Bei 30 Grad.", "", "product", "7702")
    assert owner.post(f"/app/guides/{row.pk}/delete").status_code == 200
    assert not ProductGuide.objects.exists()


def test_a_picture_of_ones_own_is_made_safe_goes_along_and_goes_with_its_guide(owner, shop, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    product(shop)
    for language in ("de", "en"):
        owner.post("/app/guides/add", GUIDE | {"language": language, "picture_url": "https://cdn.example.com/a.png"})
    german, english = ProductGuide.objects.order_by("language")

    def upload(row: ProductGuide, content: bytes):
        return owner.post(f"/app/guides/{row.pk}/picture", {"picture": SimpleUploadedFile("a.jpg", content)})

    for wrong in (b"<svg onload=alert(1)>", b"\xff\xd8\xff broken", b""):
        assert upload(german, wrong).status_code == 422
    assert list(tmp_path.rglob("*.*")) == []
    assert address_of(german) == "https://cdn.example.com/a.png"
    secret = jpeg(exif=True)
    assert b"Fern" in secret
    for row in (german, english):
        assert upload(row, secret).status_code == 200
        row.refresh_from_db()
    [kept] = tmp_path.rglob("*.jpg")  # one file for both
    assert b"Fern" not in kept.read_bytes()
    address = address_of(german)
    assert address.startswith(f"{settings.APP_URL}/pictures/")
    path = address.removeprefix(settings.APP_URL)
    shown = Client().get(path)
    assert (shown.status_code, shown["Content-Type"], shown["X-Content-Type-Options"]) == (200, "image/jpeg", "nosniff")
    assert b"".join(shown.streaming_content) == kept.read_bytes()
    assert Client().get(path[:-1] + ("A" if path[-1] != "A" else "B")).status_code == 404
    page = owner.get(f"/app/guides/{german.pk}").content.decode()
    assert f'name="own_picture" value="{address}"' in page
    look = owner.post("/app/guides/preview", {"text": "Wash", "own_picture": address}).content.decode()
    assert f'<img src="{address}"' in look
    forged = owner.post("/app/guides/preview", {"text": "Wash", "own_picture": "https://evil.example.com/x"})
    assert "<img" not in forged.content.decode()
    owner.post(f"/app/guides/{german.pk}/save", {"text": "Bei 30 Grad."})
    german.refresh_from_db()
    assert address_of(german) == address
    owner.post(f"/app/guides/{german.pk}/picture")
    german.refresh_from_db()
    assert address_of(german) == ""
    assert kept.is_file()  # the English guide still shows it
    owner.post(f"/app/guides/{english.pk}/delete")
    assert not kept.exists()
    assert Client().get(path).status_code == 404


def test_another_shops_product_is_not_found(owner, shop):
    product(make_shop("rival-goods.myshopify.com"))
    assert owner.post("/app/guides/add", GUIDE).status_code == 422


def test_the_preview_shows_what_is_typed_as_text(owner, shop):
    form = {"title": "<b>Wash</b>", "text": "{{ order }} <script>", "video_url": "https://youtu.be/x", "language": "ar"}
    html = owner.post("/app/guides/preview", form).content.decode()
    assert "&lt;b&gt;Wash&lt;/b&gt;" in html
    assert "{{ order }} &lt;script&gt;" in html
    assert 'dir="rtl"' in html
    assert "https://youtu.be/x" in html
    half = owner.post("/app/guides/preview", {"text": "Wash", "picture_url": "https:"}).content.decode()
    assert "<img" not in half


def test_what_goes_well_with_a_product_is_chosen_in_order(owner, shop):
    apron, board, soap = product(shop), product(shop, 7703, "oak-board"), product(shop, 7705, "olive-soap")
    path = f"/app/products/{apron.pk}/companions"
    assert owner.post(path, {"handles": "olive-soap,\noak-board, olive-soap"}).status_code == 200
    apron.refresh_from_db()
    assert apron.chosen_ids == [soap.shopify_id, board.shopify_id]
    assert "olive-soap, oak-board" in owner.get(f"/app/products/{apron.pk}").content.decode()
    for wrong in ("no-such", "linen-apron", ",".join(f"p{number}" for number in range(11))):
        answer = owner.post(path, {"handles": wrong})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["handles"])
    apron.refresh_from_db()
    assert apron.chosen_ids == [soap.shopify_id, board.shopify_id]
    owner.post(path, {"handles": ""})
    apron.refresh_from_db()
    assert apron.chosen_ids == []


def test_metafields_are_named_and_fetched_anew_only_when_they_change(owner, shop):
    assert owner.post("/app/products/metafields", {"names": "custom.material, custom.size"}).status_code == 200
    assert ShopSettings.objects.get(shop=shop).product_metafields == ["custom.material", "custom.size"]
    sync = ProductSync.objects.get()
    assert sync.next_attempt_at == NOW
    ProductSync.objects.update(next_attempt_at=None)
    owner.post("/app/products/metafields", {"names": "custom.material custom.size"})
    sync.refresh_from_db()
    assert sync.next_attempt_at is None
    for wrong in ("material", "custom.", "a.b c.d", " ".join(f"custom.field{number}" for number in range(11))):
        assert owner.post("/app/products/metafields", {"names": wrong}).status_code == 422
    owner.post("/app/products/fetch")
    sync.refresh_from_db()
    assert sync.next_attempt_at == NOW


def test_products_are_found_and_the_page_says_how_fresh_they_are(owner, shop):
    product(shop)
    product(shop, 7703, "oak-board")
    product(shop, 7704, "gone", deleted_at=NOW)
    ProductSync.objects.create(shop=shop, synced_to=NOW, error="Shopify answered 500")
    page = owner.get("/app/products?q=oak").content.decode()
    assert "Oak-Board" in page
    assert "Linen-Apron" not in page
    assert "2 products, as they were at 24 Nov, 13:00" in page
    assert "Shopify answered 500" in page
