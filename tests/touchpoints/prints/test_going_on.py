"""Stopped in the middle: what there is of the file is kept, and it goes on there, in every form."""

import io
import zipfile
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from django.conf import settings

from post_purchase.jobs.printing import make_prints
from post_purchase.models import PrintFile
from post_purchase.printing import card as card_drawing
from post_purchase.services import print_batches, print_files, print_rest
from post_purchase.services.privacy import erase_shop
from shopapp.lib import clock
from tests.touchpoints.prints.runs import content, ordered, picture_codes, place_of

pytestmark = pytest.mark.django_db
CARDS, STOP = 60, 30
FORMS = ["csv", "svg", "png", "pdf"]


@pytest.fixture
def drawn(monkeypatch):
    """The addresses that were put into cards, in their order."""
    seen: list[str] = []
    for where in (print_files, card_drawing):
        honest = where.quick_matrix
        monkeypatch.setattr(where, "quick_matrix", lambda url, draw=honest: (seen.append(url), draw(url))[1])
    return seen


def stopped(card, monkeypatch, form: str, **options) -> PrintFile:
    """A file whose Stop was pressed after STOP cards."""
    file = ordered(card, CARDS, form=form, **options).files.get()
    with monkeypatch.context() as patch:
        honest = print_files._note

        def stop(row, done):
            if done >= STOP:
                print_batches.cancel_file(file=row)
            honest(row, done)

        patch.setattr(print_files, "NOTE_EVERY", 10)
        patch.setattr(print_files, "_note", stop)
        make_prints()
    file.refresh_from_db()
    return file


def entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("form", FORMS)
def test_it_goes_on_where_it_stood_and_is_the_same_as_without_a_stop(card, monkeypatch, drawn, form):
    card.options = {"cover": True, "layout": "a6", "color": "#7a2048"}
    card.save()
    file = stopped(card, monkeypatch, form, marks=form == "pdf")
    assert (file.status, file.done, print_files.content_of(file)) == ("cancelled", STOP, None)
    drawn.clear()
    print_batches.resume_file(file=file)
    make_prints()
    after = content(file)
    assert (file.status, file.done) == ("ready", CARDS)
    again = set(drawn) & {url for number, url in enumerate(print_batches.urls_of(file.batch)) if number < STOP}
    assert again == set()  # not one of them is drawn twice
    PrintFile.objects.filter(pk=file.pk).update(status="cancelled", file="")
    print_batches.resume_file(file=file)
    make_prints()
    straight = content(file)
    if form in ("svg", "png"):
        assert entries(after) == entries(straight)
        assert len(entries(after)) == CARDS
    else:
        assert after == straight
    assert [each.name for each in place_of(file).parent.iterdir()] == [Path(file.file).name]  # no half is left


def test_a_pdf_that_went_on_is_whole_for_another_reader(card, monkeypatch):
    file = stopped(card, monkeypatch, "pdf")
    print_batches.resume_file(file=file)
    make_prints()
    document = pdfium.PdfDocument(content(file))
    assert len(document) == CARDS
    codes = [url.upper() for url in print_batches.urls_of(file.batch)]
    assert picture_codes(content(file)) == codes


def test_stopped_twice_it_goes_on_twice(card, monkeypatch):
    file = stopped(card, monkeypatch, "csv")
    first = place_of(file).stat().st_size
    print_batches.resume_file(file=file)
    print_batches.cancel_file(file=file)
    make_prints()
    file.refresh_from_db()
    assert (file.status, place_of(file).stat().st_size) == ("cancelled", first)
    print_batches.resume_file(file=file)
    make_prints()
    assert content(file).count(b"\n") == CARDS + 1


@pytest.mark.parametrize("form", ["csv", "pdf"])
def test_what_would_not_be_continued_alike_begins_anew(card, monkeypatch, form, settings):
    file = stopped(card, monkeypatch, form)
    settings.APP_URL = "https://moved.example.test"
    print_batches.resume_file(file=file)
    make_prints()
    data = content(file)
    if form == "csv":
        assert data.count(b"HTTPS://MOVED.EXAMPLE.TEST/C/") == CARDS
    else:
        assert picture_codes(data) == [url.upper() for url in print_batches.urls_of(file.batch)]


def test_a_pdf_whose_beginning_would_be_another_begins_anew(card, monkeypatch):
    file = stopped(card, monkeypatch, "pdf")
    batch = file.batch
    batch.design = batch.design | {"color": "#123456"}
    batch.save()
    print_batches.resume_file(file=file)
    make_prints()
    assert picture_codes(content(file)) == [url.upper() for url in print_batches.urls_of(batch)]


@pytest.mark.parametrize("left", [b"", b"short", b"x" * 40])
def test_a_rest_that_is_broken_begins_anew(card, monkeypatch, left):
    file = stopped(card, monkeypatch, "csv")
    place_of(file).write_bytes(left)
    print_batches.resume_file(file=file)
    make_prints()
    assert content(file).count(b"\n") == CARDS + 1


def test_where_there_is_no_room_for_it_the_codes_alone_are_kept(card, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(print_rest.stored_files, "writing", full)
    file = ordered(card, CARDS, form="csv").files.get()
    file.status, file.attempts = "cancelled", 1
    file.save()
    print_rest.keep(file, io.BytesIO(b"rows"), {"done": 3})
    file.refresh_from_db()
    assert (file.file, file.done) == ("", 0)


def test_who_has_pressed_go_on_meanwhile_keeps_no_old_half(card):
    file = ordered(card, CARDS, form="csv").files.get()
    print_rest.keep(file, io.BytesIO(b"rows"), {"done": 3})
    file.refresh_from_db()
    assert (file.status, file.file) == ("waiting", "")
    make_prints()
    assert content(file).count(b"\n") == CARDS + 1
    assert len(list(place_of(file).parent.iterdir())) == 1


def test_a_half_that_nobody_goes_on_with_goes_after_two_weeks(card, monkeypatch, at):
    file = stopped(card, monkeypatch, "csv")
    half = place_of(file)
    assert half.is_file()
    at.move(days=15)
    assert print_files.forget_old() == 1
    assert not half.exists()
    print_batches.resume_file(file=file)
    make_prints()
    assert content(file).count(b"\n") == CARDS + 1


def test_an_erased_shop_leaves_no_half(card, monkeypatch):
    file = stopped(card, monkeypatch, "csv")
    folder = Path(settings.MEDIA_ROOT) / Path(file.file).parent
    assert folder.exists()
    card.shop.status = "uninstalled"
    card.shop.save()
    erase_shop(shop=card.shop, requested_at=clock.now())
    assert not folder.exists()
