"""Ordering print runs, and reading what came of them."""

from pathlib import Path

import pypdfium2 as pdfium
import zxingcpp
from django.conf import settings

from post_purchase.models import (
    PrintBatch,
    PrintFile,
)
from post_purchase.services import print_batches, print_files


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
