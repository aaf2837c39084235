"""What becomes of a code on paper, and what stands beside it."""

import io
from datetime import timedelta

import pypdfium2 as pdfium
import pytest
from PIL import Image

from post_purchase.jobs.printing import make_prints
from post_purchase.models import (
    PrintBatch,
)
from post_purchase.services import print_batches, print_designs, print_health
from post_purchase.services.links import shop_link, touchpoint_of
from post_purchase.services.taps import forget, look_up
from post_purchase.touchpoints.routes import page_url, route_now
from post_purchase.words import TouchpointKind
from tests import factories
from tests.pages.conftest import NOW
from tests.touchpoints.prints.runs import ordered

pytestmark = pytest.mark.django_db


def test_a_printed_code_is_led_elsewhere_without_printing_again(shop, card):
    factories.make_channel(shop)
    factories.make_channel(shop, "messenger")
    batch = ordered(card)
    make_prints()
    code = print_batches.code_of(batch, 1)
    _, everybody = shop_link(touchpoint=card)
    card.options = {"channel": "messenger", "language": "fr"}
    card.save()
    PrintBatch.objects.filter(pk=batch.pk).update(route={"channel": "whatsapp"})
    forget()
    one, all_of_them = look_up(code, now=NOW), look_up(everybody, now=NOW)
    assert (one.route, one.language, all_of_them.route) == ("whatsapp", "fr", "messenger")
    PrintBatch.objects.filter(pk=batch.pk).update(route={"page": "/pages/thanks"})
    assert look_up(code, now=NOW).page == f"https://{shop.domain}/pages/thanks"


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "javascript:alert(1)",
        "/a\nb",
        "evil.test",
        "/@evil.test/../",
        "x" * 500,
    ],
)
def test_a_route_leads_to_the_shops_own_website_only(path):
    url = page_url(path, primary_url="https://fern.example.test/", domain="fern.myshopify.com")
    assert url == "" or url.startswith("https://fern.example.test/")


def test_a_campaign_that_is_over_starts_nothing_and_leads_on():
    options = {"flow": "photo_review", "ends_on": "2026-11-24", "page": "/campaign", "page_after": "/collections/new"}
    during = route_now(options, {}, now=NOW)
    after = route_now(options, {}, now=NOW + timedelta(days=2))
    assert (during.flow, during.page, during.ended) == ("photo_review", "/campaign", False)
    assert (after.flow, after.page, after.ended) == ("", "/collections/new", True)
    assert not route_now({"ends_on": "soon"}, {}, now=NOW).ended


def test_alarms_name_the_codes_on_paper_that_lead_nowhere(shop, card):
    assert print_health.troubles_of(shop) == []  # nothing is printed yet
    ordered(card)
    assert [(t.severe, "no chat channel" in t.text) for t in print_health.troubles_of(shop)] == [(True, True)]
    channel = factories.make_channel(shop)
    assert print_health.troubles_of(shop) == []
    card.options = {"channel": "messenger", "flow": "photo_review"}
    card.archived_at = NOW
    card.save()
    texts = " ".join(trouble.text for trouble in print_health.troubles_of(shop))
    assert "should lead to Messenger, which is not connected" in texts
    assert "a flow that is off" in texts
    card.options = {"ends_on": "2026-11-01"}
    card.save()
    assert ["campaign that is over" in trouble.text for trouble in print_health.troubles_of(shop)] == [True]
    channel.status = "disconnected"
    channel.save()
    assert any(trouble.severe for trouble in print_health.troubles_of(shop))


def test_a_logo_is_made_anew_and_what_is_none_is_refused(card):
    out = io.BytesIO()
    Image.new("RGB", (3000, 500), "#d9642b").save(out, "JPEG", exif=b"Exif\0\0secret")
    name = print_designs.save_logo(touchpoint=card, content=out.getvalue())
    data = print_designs.read_logo(card, name)
    picture = Image.open(io.BytesIO(data))
    assert (picture.format, picture.size, picture.getexif()) == ("PNG", (1000, 167), {})
    for bad in (b"<svg/>", b"", b"\x89PNG\r\n\x1a\n", b"x" * (5 * 1024 * 1024)):
        with pytest.raises(print_designs.LogoRefused):
            print_designs.save_logo(touchpoint=card, content=bad)
    rival = touchpoint_of(shop=factories.make_shop("rival-goods.myshopify.com"), kind=TouchpointKind.PACKAGE_INSERT)
    assert print_designs.read_logo(rival, name) == b""
    assert print_designs.read_logo(card, "../../etc/passwd") == b""


@pytest.mark.parametrize("language", sorted(print_designs.default_words()))
def test_the_ready_made_words_of_every_language_fit_the_cards(card, language):
    for layout in ("business_card", "avery_l7160", "a6"):
        card.options = {"layout": layout}
        design = print_designs.design_of(card, language=language)
        from post_purchase.printing.pictures import preview  # noqa: F401
        from post_purchase.printing.sheets import write_pdf

        done = write_pdf(
            io.BytesIO(), design, [print_designs.sample_url()], sample_url=print_designs.sample_url(), alone=True
        )
        assert done.problems == [], (layout, language)


@pytest.mark.parametrize("layout", ["a6", "square", "thermal_4x6", "a5_fold", "business_card", "round_sticker"])
def test_a_card_says_once_where_the_code_can_be_typed(shop, card, layout):
    card.options = {"layout": layout}
    card.save()
    gid = f"gid://shopify/Order/{factories.make_order(shop).shopify_id}"
    pages = pdfium.PdfDocument(print_batches.insert_for_orders(shop, [gid]).pdf)
    text = "".join(page.get_textpage().get_text_range() for page in pages)
    assert text.upper().replace("\r\n", "").count("APP.EXAMPLE.TEST/C") == 1
