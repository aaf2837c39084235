"""What a merchant sees before printing: the PDF's own pages as PNG, so that picture and print cannot differ."""

import io

from .card import Design
from .drawing_room import one_at_a_time
from .sheets import write_pdf

WIDEST = 1200  # pixels


@one_at_a_time
def preview(design: Design, sample_url: str, *, pixels: int = 700) -> list[bytes]:
    """A PNG for each side, the cover first. The longer edge has this many pixels."""
    import pypdfium2 as pdfium  # noqa: PLC0415 - megabytes that only printing needs

    out = io.BytesIO()
    write_pdf(out, design, [sample_url], sample_url=sample_url, alone=True)
    document = pdfium.PdfDocument(out.getvalue())
    pictures = []
    for page in document:
        longest = max(page.get_size())
        picture = page.render(scale=min(pixels, WIDEST) / longest).to_pil()
        png = io.BytesIO()
        picture.save(png, "PNG", optimize=True)
        pictures.append(png.getvalue())
    return pictures
