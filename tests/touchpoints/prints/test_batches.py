"""Print runs: their codes, their files, and what stops them in the middle."""

import csv
import io
import time
import zipfile

import pypdfium2 as pdfium
import pytest
import zxingcpp
from PIL import Image

from post_purchase.jobs.printing import make_prints
from post_purchase.models import (
    Link,
    PrintBatch,
    PrintFile,
    PrintStatus,
    Touchpoint,
)
from post_purchase.printing.sheets import PrintRefused
from post_purchase.services import print_batches, print_designs, print_files
from post_purchase.services.links import link_url, touchpoint_of
from post_purchase.services.privacy import erase_shop
from post_purchase.services.taps import look_up
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import derived_code
from shopapp.lib.queue import Job
from tests import factories
from tests.pages.conftest import NOW
from tests.touchpoints.prints.runs import content, ordered, picture_codes, place_of

pytestmark = pytest.mark.django_db


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


def test_making_goes_on_where_time_ran_out(card, monkeypatch):
    ordered(card, 2)
    monkeypatch.setattr(print_files, "SECONDS", -1.0)
    before = time.monotonic()
    assert print_files.make_due() == 0
    assert time.monotonic() - before < 5
    assert PrintFile.objects.get().status == "waiting"


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
