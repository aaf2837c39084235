"""Print runs: made once whatever happens, stopped and gone on with, bound to parcels, each code good for one person."""

import csv
import io
import time
import zipfile
from datetime import timedelta
from pathlib import Path

import pypdfium2 as pdfium
import pytest
import zxingcpp
from django.conf import settings
from PIL import Image

from post_purchase.flows.editing import install_library, switch_on
from post_purchase.jobs.flows import handle_events
from post_purchase.jobs.printing import make_prints
from post_purchase.models import (
    FlowEvent,
    FlowRun,
    Link,
    OrderBinding,
    PrintBatch,
    PrintFile,
    PrintStatus,
    Product,
    Touchpoint,
)
from post_purchase.printing.sheets import PrintRefused
from post_purchase.services import bindings, packing, print_batches, print_designs, print_files, print_health
from post_purchase.services.links import link_for_order, link_url, shop_link, touchpoint_of
from post_purchase.services.privacy import erase_shop
from post_purchase.services.taps import forget, look_up
from post_purchase.touchpoints.routes import page_url, route_now
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import derived_code
from shopapp.lib.queue import Job
from tests import factories
from tests.pages.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def at(media):
    with clock.frozen(NOW) as at:
        yield at


@pytest.fixture
def shop(at):
    return factories.make_shop()


@pytest.fixture
def card(shop) -> Touchpoint:
    return touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)


def ordered(card, quantity=5, form="pdf", **options) -> PrintBatch:
    return print_batches.create_batch(touchpoint=card, quantity=quantity, name="Autumn", form=form, **options)


def content(file: PrintFile) -> bytes:
    file.refresh_from_db()
    found = print_files.content_of(file)
    assert found is not None, (file.status, file.error)
    with found:
        return found.read()


def place_of(file: PrintFile) -> Path:
    file.refresh_from_db()
    return Path(settings.MEDIA_ROOT) / file.file


def picture_codes(data: bytes) -> list[str]:
    pages = pdfium.PdfDocument(data)
    return [zxingcpp.read_barcode(page.render(scale=3).to_pil()).text for page in pages]


def test_a_batch_becomes_links_and_one_pdf_with_its_codes(card):
    batch = ordered(card)
    make_prints()
    file = batch.files.get()
    codes = [print_batches.code_of(batch, number) for number in range(1, 6)]
    assert picture_codes(content(file)) == [link_url(code).upper() for code in codes]
    links = Link.objects.filter(batch=batch).order_by("number")
    assert [link.number for link in links] == [1, 2, 3, 4, 5]
    assert [look_up(code, now=NOW).link_id for code in codes] == [link.pk for link in links]
    assert len(set(codes)) == 5
    assert (file.status, file.done, file.next_attempt_at) == ("ready", 5, None)
    assert not any(link.code for link in links)  # only hashes are stored


def test_another_form_of_the_same_batch_has_the_same_codes(card):
    batch = ordered(card, form="csv")
    for form in ("svg", "png"):
        print_batches.order_file(batch=batch, form=form)
    make_prints()
    rows = list(csv.DictReader(io.StringIO(content(batch.files.get(form="csv")).decode())))
    urls = [link_url(print_batches.code_of(batch, number)).upper() for number in range(1, 6)]
    assert [row["code_content"] for row in rows] == urls
    with zipfile.ZipFile(io.BytesIO(content(batch.files.get(form="png")))) as archive:
        pictures = [Image.open(io.BytesIO(archive.read(name))) for name in archive.namelist()]
    assert [zxingcpp.read_barcode(picture).text for picture in pictures] == urls
    with zipfile.ZipFile(io.BytesIO(content(batch.files.get(form="svg")))) as archive:
        assert len(archive.namelist()) == 5
        assert all(archive.read(name).startswith(b"<svg") for name in archive.namelist())
    assert Link.objects.filter(batch=batch).count() == 5


def test_a_print_run_stays_as_it_was_ordered(card):
    batch = ordered(card)
    before = print_designs.design_of(card, options=batch.design)
    chosen = card.shop.settings
    chosen.brand_name, chosen.brand_color, chosen.default_language = "Another name", "#aa0000", "de"
    chosen.save()
    card.options |= {"texts": {"en": {"headline": "Another word"}}, "layout": "a6"}
    card.save()
    card = Touchpoint.objects.get(pk=card.pk)
    batch.refresh_from_db()
    assert print_designs.design_of(card, options=batch.design) == before
    assert print_designs.design_of(card).brand == "Another name"


def test_ordering_the_same_file_twice_makes_it_once(card):
    batch = ordered(card)
    first = print_batches.order_file(batch=batch, form="pdf")
    make_prints()
    again = print_batches.order_file(batch=batch, form="pdf")
    assert (first.pk, again.status) == (again.pk, PrintStatus.READY)
    assert batch.files.count() == 1


def test_a_card_that_phones_cannot_read_is_not_ordered(card):
    card.options = {"code_color": "#cccccc"}
    card.save()
    with pytest.raises(PrintRefused, match="too close to the paper's"):
        ordered(card)
    assert not PrintBatch.objects.exists()


@pytest.mark.parametrize("quantity", [0, -1, 50_001])
def test_a_batch_has_its_limits(card, quantity):
    with pytest.raises(PrintRefused, match="1 to 50,000"):
        ordered(card, quantity)


def test_what_does_not_fit_the_paper_is_refused_at_once(card):
    card.options = {"layout": "a5_fold"}
    card.save()
    with pytest.raises(PrintRefused, match="does not fit"):
        ordered(card, paper="postcard")


def test_stopped_in_the_middle_it_goes_on_with_the_same_codes(card, monkeypatch):
    monkeypatch.setattr(print_files, "NOTE_EVERY", 10)
    batch = ordered(card, 60, form="csv")
    file = batch.files.get()
    honest = print_files._note

    def stop_half_way(row, done):
        if done >= 30:
            print_batches.cancel_file(file=row)
        honest(row, done)

    monkeypatch.setattr(print_files, "_note", stop_half_way)
    make_prints()
    file.refresh_from_db()
    assert (file.status, file.next_attempt_at, print_files.content_of(file)) == ("cancelled", None, None)
    codes = set(Link.objects.filter(batch=batch).values_list("code_hash", flat=True))
    monkeypatch.setattr(print_files, "_note", honest)
    make_prints()  # nothing is due: stopped stays stopped
    file.refresh_from_db()
    assert file.status == "cancelled"
    print_batches.resume_file(file=file)
    make_prints()
    assert content(file).count(b"\n") == 61
    assert set(Link.objects.filter(batch=batch).values_list("code_hash", flat=True)) == codes
    assert len(list(place_of(file).parent.iterdir())) == 1  # no half file is left


def test_a_killed_worker_is_followed_by_another_after_its_lease(card, at, monkeypatch, settings):
    batch = ordered(card, 5, form="csv")
    file = batch.files.get()

    def killed(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(print_files, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        make_prints()
    monkeypatch.undo()
    make_prints()
    file.refresh_from_db()
    assert file.status == "making"  # leased
    folder = settings.MEDIA_ROOT / print_designs.folder_of(card.shop_id)
    name = derived_code("file", str(file.pk)).lower()
    (folder / f"{name}.1.part").write_bytes(b"half a file that kill -9 left")
    at.move(minutes=4)
    make_prints()
    assert [path.name for path in folder.iterdir()] == [f"{name}.csv"]
    assert content(file).count(b"\n") == 6
    assert Link.objects.filter(batch=batch).count() == 5


def test_an_erased_shop_leaves_no_file(shop, card, settings):
    ordered(card)
    make_prints()
    folder = settings.MEDIA_ROOT / print_designs.folder_of(shop.pk)
    assert list(folder.iterdir())
    shop.status = "uninstalled"
    shop.save()
    erase_shop(shop=shop, requested_at=clock.now())
    assert not folder.exists()
    assert not PrintBatch.objects.exists()


def test_two_workers_make_each_code_once(card):
    batch = ordered(card, 5)
    stale = PrintBatch.objects.get(pk=batch.pk)
    print_batches.make_codes(batch)
    print_batches.make_codes(stale)
    batch.refresh_from_db()
    assert (Link.objects.filter(batch=batch).count(), batch.made) == (5, 5)


def test_a_full_disk_keeps_the_order_and_says_so(card, monkeypatch, at):
    file = ordered(card).files.get()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(print_files, "_write", full)
    make_prints()
    file.refresh_from_db()
    assert (file.status, file.error) == ("making", "The file could not be written: No space left on device")
    monkeypatch.undo()
    at.move(minutes=4)
    make_prints()
    assert content(file)


def test_old_files_go_and_can_be_made_again(card, at):
    file = ordered(card).files.get()
    make_prints()
    path = place_of(file)
    assert path.is_file()
    at.move(days=15)
    assert print_files.forget_old() == 1
    assert not path.exists()
    file.refresh_from_db()
    print_batches.resume_file(file=file)
    make_prints()
    assert picture_codes(content(file))


def test_the_packer_binds_a_card_to_an_order_once(shop, card):
    batch = ordered(card)
    make_prints()
    order, other = factories.make_order(shop), factories.make_order(shop)
    scanned = link_url(print_batches.code_of(batch, 1)).upper()
    for _ in range(2):
        link = packing.bind_card(shop=shop, scanned=scanned, order=order)
    assert (link.order, link.language) == (order, "en")
    with pytest.raises(packing.CannotBind, match="tied to order"):
        packing.bind_card(shop=shop, scanned=scanned, order=other)
    with pytest.raises(packing.CannotBind, match="not one of your cards"):
        packing.bind_card(shop=shop, scanned="https://app.example.test/c/0000000000000000", order=other)
    _, everybody = shop_link(touchpoint=card)
    with pytest.raises(packing.CannotBind, match="same for everybody"):
        packing.bind_card(shop=shop, scanned=everybody, order=other)


def test_a_card_of_another_shop_cannot_be_bound(shop, card):
    batch = ordered(card)
    make_prints()
    rival = factories.make_shop("rival-goods.myshopify.com")
    with pytest.raises(packing.CannotBind, match="not one of your cards"):
        packing.bind_card(shop=rival, scanned=print_batches.code_of(batch, 1), order=factories.make_order(rival))


@pytest.mark.parametrize("text", ["#1001", "1001", " #1001 "])
def test_orders_are_found_as_they_stand_on_the_slip(shop, text):
    order = factories.make_order(shop, name="#1001", number=1001)
    factories.make_order(factories.make_shop("rival-goods.myshopify.com"), name="#1001", number=1001)
    assert packing.find_order(shop, text) == order
    assert packing.find_order(shop, "#9") is None


def test_the_first_who_uses_a_bound_card_hears_of_the_order_and_the_second_learns_nothing(shop, card):
    batch = ordered(card)
    make_prints()
    order = factories.make_order(shop)
    code = print_batches.code_of(batch, 1)
    packing.bind_card(shop=shop, scanned=code, order=order)
    first = factories.make_point(factories.make_contact(shop))
    second = factories.make_point(factories.make_contact(shop), address="DE.2")
    assert bindings.bind_by_code(point=first, code=code).order == order
    found = bindings.bind_by_code(point=second, code=code)
    assert (found.outcome, found.order) == ("second", None)
    assert not bindings.bound_orders(second).exists()


def test_an_unbound_card_asks_for_the_order_and_then_belongs_to_its_finder(shop, card):
    batch = ordered(card)
    make_prints()
    order = factories.make_order(shop, number=1001, shipping_zip="10115")
    code = print_batches.code_of(batch, 1)
    point = factories.make_point(factories.make_contact(shop))
    conversation = factories.make_conversation(point.contact)
    assert bindings.bind_by_code(point=point, code=code).outcome == "shop_wide"
    other = factories.make_point(factories.make_contact(shop), address="DE.2")
    assert bindings.bind_by_code(point=other, code=code).outcome == "second"
    message = factories.make_message(conversation, "1001 10115", direction="in", point=point)
    assert bindings.prove(point=point, text="1001 10115", message=message).order == order
    assert Link.objects.get(batch=batch, number=1).order == order
    assert not OrderBinding.objects.filter(point=other).exists()


def test_who_used_a_card_before_it_was_packed_never_gets_the_later_buyers_order(shop, card):
    batch = ordered(card)
    make_prints()
    code = print_batches.code_of(batch, 2)
    point = factories.make_point(factories.make_contact(shop))
    assert bindings.bind_by_code(point=point, code=code).outcome == "shop_wide"  # a plain chat
    order = factories.make_order(shop)
    with pytest.raises(packing.CannotBind, match=r"used before it was packed\. Throw it away and take a new one"):
        packing.bind_card(shop=shop, scanned=code, order=order)
    assert not bindings.bound_orders(point).exists()
    assert Link.objects.get(batch=batch, number=2).order is None
    assert bindings.bind_by_code(point=point, code=code).outcome == "shop_wide"
    packing.bind_card(shop=shop, scanned=print_batches.code_of(batch, 3), order=order)  # the new one


def test_a_card_used_by_somebody_whose_data_is_gone_is_refused_too(shop, card):
    batch = ordered(card)
    make_prints()
    code = print_batches.code_of(batch, 2)
    point = factories.make_point(factories.make_contact(shop))
    bindings.bind_by_code(point=point, code=code)
    point.delete()
    with pytest.raises(packing.CannotBind, match="used before it was packed"):
        packing.bind_card(shop=shop, scanned=code, order=factories.make_order(shop))


def test_a_card_whose_finder_has_proved_this_very_order_may_be_packed(shop, card):
    batch = ordered(card)
    make_prints()
    code, order = print_batches.code_of(batch, 2), factories.make_order(shop)
    point = factories.make_point(factories.make_contact(shop))
    bindings.bind_by_code(point=point, code=code)
    factories.bind(point, order, "proof")
    assert packing.bind_card(shop=shop, scanned=code, order=order).order == order


def test_one_person_cannot_use_up_a_stack_of_cards(shop, card, at):
    batch = ordered(card, 6)
    make_prints()
    point = factories.make_point(factories.make_contact(shop))
    codes = [print_batches.code_of(batch, number) for number in range(1, 7)]
    outcomes = [bindings.bind_by_code(point=point, code=code).outcome for code in codes[:5]]
    assert outcomes == ["shop_wide"] * 3 + ["too_many"] * 2
    assert bindings.bind_by_code(point=point, code=codes[0]).outcome == "shop_wide"  # their own goes on
    order = factories.make_order(shop)
    packing.bind_card(shop=shop, scanned=codes[4], order=order)  # what was refused is still good for a parcel
    other = factories.make_point(factories.make_contact(shop), address="DE.2")
    assert bindings.bind_by_code(point=other, code=codes[4]).order == order
    at.move(days=1, minutes=1)
    assert bindings.bind_by_code(point=point, code=codes[5]).outcome == "shop_wide"


def test_a_wrong_scan_is_taken_back_and_the_card_goes_with_another_order(shop, card):
    batch = ordered(card)
    make_prints()
    wrong, right = factories.make_order(shop), factories.make_order(shop, language="de")
    code = print_batches.code_of(batch, 1)
    link = packing.bind_card(shop=shop, scanned=code, order=wrong)
    for _ in range(2):
        packing.unbind_card(link=link)
    link.refresh_from_db()
    assert (link.order, link.order_shopify_id, link.language, link.packed_at) == (None, None, "", None)
    packing.bind_card(shop=shop, scanned=code, order=right)
    point = factories.make_point(factories.make_contact(shop))
    assert bindings.bind_by_code(point=point, code=code).order == right


def test_a_card_that_was_used_cannot_be_untied_and_it_says_who_must_be_told(shop, card):
    batch = ordered(card)
    make_prints()
    order = factories.make_order(shop, name="#1001")
    code = print_batches.code_of(batch, 1)
    link = packing.bind_card(shop=shop, scanned=code, order=order)
    point = factories.make_point(factories.make_contact(shop, first_name="Jo", last_name="Fox"))
    bindings.bind_by_code(point=point, code=code)
    with pytest.raises(
        packing.CannotBind, match=r"Jo Fox has used it and can see order #1001.*tell the buyer of #1001"
    ):
        packing.unbind_card(link=link)
    link.refresh_from_db()
    assert link.order == order


def test_the_flow_of_a_card_starts_once_for_an_order(shop, card):
    flow = next(one for one in install_library(shop) if one.key == "photo_review")
    switch_on(flow, "42")
    card.options = {"flow": "photo_review"}
    card.save()
    order = factories.make_order(shop)
    _, code = link_for_order(touchpoint=card, order=order)
    point = factories.make_point(factories.make_contact(shop))
    for _ in range(2):
        bindings.bind_by_code(point=point, code=code)
    _, everybody = shop_link(touchpoint=card)
    bindings.bind_by_code(point=point, code=everybody)
    started = FlowEvent.objects.filter(kind="started_by_hand")
    assert [event.data for event in started] == [{"flow": "photo_review", "touchpoint": card.pk}]
    handle_events()
    assert [(run.flow, run.order) for run in FlowRun.objects.filter(flow=flow)] == [(flow, order)]


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


def test_making_goes_on_where_time_ran_out(card, monkeypatch):
    ordered(card, 2)
    monkeypatch.setattr(print_files, "SECONDS", -1.0)
    before = time.monotonic()
    assert print_files.make_due() == 0
    assert time.monotonic() - before < 5
    assert PrintFile.objects.get().status == "waiting"


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


def test_a_print_run_has_a_language_that_is_checked_before(shop, card):
    card.options = {"texts": {"de": {"headline": "Donaudampfschifffahrt " * 40}}}
    card.save()
    with pytest.raises(PrintRefused, match="headline is too long"):
        ordered(card, 1, language="de")
    batch = ordered(card, 1, language="fr")
    make_prints()
    assert batch.design["card_language"] == "fr"
    assert "Merci" in pdfium.PdfDocument(content(batch.files.get()))[0].get_textpage().get_text_range()
    assert ordered(card, 1).design["card_language"] == "en"  # the shop's own


def test_the_print_action_speaks_the_orders_language_also_where_the_shop_did_not_name_it(shop, card):
    order = factories.make_order(shop, language="fr-CA")
    gid = [f"gid://shopify/Order/{order.shopify_id}"]

    def printed() -> str:
        return pdfium.PdfDocument(print_batches.insert_for_orders(shop, gid).pdf)[0].get_textpage().get_text_range()

    assert "Merci" in printed()
    card.options = {"texts": {"en": {"headline": "Howdy"}}}  # own words: ours would not be the merchant's any more
    card.save()
    assert "Howdy" in printed()


def test_one_shop_has_five_files_made_at_once_and_no_more(shop, card):
    batches = [ordered(card, 1, form="csv") for _ in range(5)]
    with pytest.raises(PrintRefused, match="5 files are being made already"):
        ordered(card, 1, form="csv")
    with pytest.raises(PrintRefused, match="5 files are being made already"):
        print_batches.order_file(batch=batches[0], form="png")
    assert (PrintBatch.objects.count(), PrintFile.objects.count()) == (5, 5)
    print_batches.order_file(batch=batches[0], form="csv")  # the same again is none more
    rival = factories.make_shop("rival-goods.myshopify.com")
    ordered(touchpoint_of(shop=rival, kind=TouchpointKind.PACKAGE_INSERT), 1, form="csv")
    print_batches.cancel_file(file=batches[0].files.get())
    ordered(card, 1, form="csv")


def test_print_runs_wait_in_a_queue_of_their_own():
    assert Job.MAKE_PRINTS.queue == "slow"
    others = [job.name for job in Job if job.queue == "slow" and job != Job.MAKE_PRINTS]
    assert others == []


@pytest.mark.parametrize("layout", ["a6", "square", "thermal_4x6", "a5_fold", "business_card", "round_sticker"])
def test_a_card_says_once_where_the_code_can_be_typed(shop, card, layout):
    card.options = {"layout": layout}
    card.save()
    gid = f"gid://shopify/Order/{factories.make_order(shop).shopify_id}"
    pages = pdfium.PdfDocument(print_batches.insert_for_orders(shop, [gid]).pdf)
    text = "".join(page.get_textpage().get_text_range() for page in pages)
    assert text.upper().replace("\r\n", "").count("APP.EXAMPLE.TEST/C") == 1
