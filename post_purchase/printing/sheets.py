"""Pieces onto sheets, sheets into one PDF: a page each for a print shop, many on a page for office printers and labels.

A sheet with two sides comes as front, back, front, back, to be turned over like a leaf of a book: over its long edge,
or over the short one where it lies wide. The file tells that to the printer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO, Protocol

from .card import MM, Card, Design
from .layouts import BLEED, MARK, SLUG, Layout, Sheet, imposed, one_by_one
from .pdf import PdfWriter, number


class PrintRefused(Exception):
    """What was asked for cannot be printed; the text says why, for the merchant."""


class Begun(Protocol):
    """A file that was stopped: `state` of its Standing, and its bytes."""

    @property
    def state(self) -> dict[str, Any]: ...
    def copy(self, out: BinaryIO, *, start: int = 0) -> None: ...


class Standing:
    """How far a PDF has come, for whoever may stop it."""

    def __init__(self) -> None:
        self.done = 0
        self.head: list[int] = []  # length and checksum of what stands before the first page
        self.covers: dict[int, int] = {}
        self.pdf: PdfWriter | None = None

    def state(self) -> dict[str, Any]:
        covers = {str(count): place for count, place in self.covers.items()}
        pdf = self.pdf.state() if self.pdf else {}
        return {"done": self.done, "head": self.head, "covers": covers, "pdf": pdf}

    def begin(self, pdf: PdfWriter, out: BinaryIO, begun: Begun | None) -> None:
        """Where the beginning is written anew and is the same to the letter, what followed it is taken over."""
        self.pdf, self.head = pdf, [pdf.at, pdf.checksum]
        if begun is None or begun.state.get("head") != self.head:
            return
        begun.copy(out, start=pdf.at)
        pdf.go_on(begun.state["pdf"])
        self.done = begun.state["done"]
        self.covers = {int(count): place for count, place in begun.state["covers"].items()}


def sheet_for(layout: Layout, *, paper: str = "", marks: bool = False) -> Sheet:
    """`paper` empty: a page for each piece. Label stock has its own sheet whatever is asked."""
    if layout.sheet is not None:
        return layout.sheet
    if not paper:
        return one_by_one(layout, marks=marks)
    try:
        return imposed(layout, paper)
    except (ValueError, KeyError) as error:
        raise PrintRefused(f"{layout.name} does not fit on that paper. Choose one page for each piece.") from error


def write_pdf(
    out: BinaryIO,
    design: Design,
    urls: Iterable[str],
    *,
    sample_url: str,
    paper: str = "",
    marks: bool = False,
    alone: bool = False,
    title: str = "",
    notes: Mapping[str, str] | None = None,
    on_sheet: Callable[[int], None] | None = None,
    standing: Standing | None = None,
    begun: Begun | None = None,
) -> Card:
    """Write a PDF with one piece for each address. `alone`: also of label stock a page for each piece, to look at.

    `notes`: by address, a word for who packs. `on_sheet` hears how many pieces are done, and may raise to stop; then
    `standing` says what `begun` needs to go on there.

    Memory does not grow with the number of pieces. Returns the card, whose `problems` say what did not fit.
    """
    sheet = one_by_one(design.layout, marks=False) if alone else sheet_for(design.layout, paper=paper, marks=marks)
    card = Card(design, sample_url)
    with_cover = design.cover and design.layout.two_sided
    turned = sheet.turned_over if with_cover else ""
    pdf = PdfWriter(out, width=sheet.width * MM, height=sheet.height * MM, title=title, turned_over=turned)
    images = card.images(pdf)
    forms = {"Code": _form(pdf, card, card.draw_code_side("Logo"), sheet)}
    if with_cover:
        forms["Cover"] = _form(pdf, card, card.draw_cover("Logo"), sheet)
    cut = _crop_marks(design.layout, sheet, paper=paper, marks=marks)
    boxes = _page_boxes(design.layout, sheet, marks=marks and not paper and design.layout.sheet is None)
    standing = standing or Standing()
    standing.begin(pdf, out, begun)
    covers = standing.covers
    for batch in _batches(islice(urls, standing.done, None), sheet.pieces):
        contents = pdf.stream(
            cut
            + b"\n".join(_piece(card, sheet, place, url, (notes or {}).get(url, "")) for place, url in enumerate(batch))
        )
        front = contents
        if with_cover:  # the cover is the front; what differs is printed on the back
            count = len(batch)
            if count not in covers:
                covers[count] = pdf.stream(cut + b"\n".join(_cover(card, sheet, place) for place in range(count)))
            front = covers[count]
        pdf.page(front, boxes)
        if with_cover:
            pdf.page(contents, boxes)
        standing.done += len(batch)
        if on_sheet is not None:
            on_sheet(standing.done)
    fonts = card.write_fonts(pdf)
    objects = b"".join(b"/%b %d 0 R" % (name.encode(), place) for name, place in (images | forms).items())
    pdf.close(b"<</Font%b/XObject<<%b>>>>" % (fonts, objects))
    if card.typesetter.missing:
        letters = " ".join(sorted(card.typesetter.missing)[:10])
        card.problems.append(f"No font has these letters: {letters}. Leave them out.")
    return card


def _batches(urls: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(urls)
    while batch := list(islice(rest, size)):
        yield batch


def _form(pdf: PdfWriter, card: Card, ops: bytes, sheet: Sheet) -> int:
    """A side as a form. It takes its fonts from the page that draws it."""
    around = BLEED * MM if sheet.pieces == 1 or sheet.across > card.layout.width + BLEED else 0.0
    width, height = card.layout.width * MM, card.layout.height * MM
    corners = b" ".join(number(value) for value in (-around, -around, width + around, height + around))
    head = b"/Type/XObject/Subtype/Form/BBox[%b]/Resources %d 0 R" % (corners, pdf.resources)
    return pdf.stream(_round_clip(card, around) + ops, head)


def _round_clip(card: Card, around: float) -> bytes:
    if not card.layout.round:
        return b""
    radius = card.layout.width * MM / 2
    return _circle(radius, radius, radius + around) + b" W n\n"


def _circle(x: float, y: float, radius: float) -> bytes:
    """Four Bezier curves; 0.5523 is the usual handle."""
    k = radius * 0.5523
    points = [
        (x + radius, y),
        (x + radius, y + k, x + k, y + radius, x, y + radius),
        (x - k, y + radius, x - radius, y + k, x - radius, y),
        (x - radius, y - k, x - k, y - radius, x, y - radius),
        (x + k, y - radius, x + radius, y - k, x + radius, y),
    ]
    drawn = [
        b" ".join(number(value) for value in point) + (b" m" if not place else b" c")
        for place, point in enumerate(points)
    ]
    return b" ".join(drawn)


def _piece(card: Card, sheet: Sheet, place: int, url: str, note: str) -> bytes:
    layout = card.layout
    mirrored = card.design.cover and layout.two_sided
    left, top = sheet.corner_behind(place, layout.width) if mirrored else sheet.corner(place)
    x, y = left * MM, (sheet.height - top - layout.height) * MM
    return b"q 1 0 0 1 %b %b cm /Code Do %b Q" % (number(x), number(y), card.code(url, "Logo", note))


def _cover(card: Card, sheet: Sheet, place: int) -> bytes:
    left, top = sheet.corner(place)
    return b"q 1 0 0 1 %b %b cm /Cover Do Q" % (
        number(left * MM),
        number((sheet.height - top - card.layout.height) * MM),
    )


def _page_boxes(layout: Layout, sheet: Sheet, *, marks: bool) -> bytes:
    if not marks:
        return b""
    trim = [sheet.left, sheet.top, sheet.left + layout.width, sheet.top + layout.height]
    bleed = [trim[0] - BLEED, trim[1] - BLEED, trim[2] + BLEED, trim[3] + BLEED]
    shown = [b" ".join(number(value * MM) for value in box) for box in (trim, bleed)]
    return b"/TrimBox[%b]/BleedBox[%b]" % (shown[0], shown[1])


def _crop_marks(layout: Layout, sheet: Sheet, *, paper: str, marks: bool) -> bytes:
    """Lines that show where to cut and fold; outside the bleed. Label stock is cut already."""
    if layout.sheet is not None or not (marks or paper):
        return b""
    lines: list[tuple[float, float, float, float]] = []
    bottom = sheet.height - sheet.top - (sheet.rows - 1) * sheet.down - layout.height
    right = sheet.left + (sheet.columns - 1) * sheet.across + layout.width
    gap = BLEED + (SLUG - MARK if not paper else 0.5)
    for column in range(sheet.columns):
        for x in (sheet.left + column * sheet.across, sheet.left + column * sheet.across + layout.width):
            lines.append((x, bottom - gap - MARK, x, bottom - gap))
            lines.append((x, sheet.height - sheet.top + gap, x, sheet.height - sheet.top + gap + MARK))
        if layout.fold:
            x = sheet.left + column * sheet.across + layout.width / 2
            lines.append((x, sheet.height - sheet.top + gap, x, sheet.height - sheet.top + gap + MARK / 2))
            lines.append((x, bottom - gap - MARK / 2, x, bottom - gap))
    for place in range(sheet.rows):
        top = sheet.height - sheet.top - place * sheet.down
        for y in (top, top - layout.height):
            lines.append((sheet.left - gap - MARK, y, sheet.left - gap, y))
            lines.append((right + gap, y, right + gap + MARK, y))
    drawn = (b"%b %b m %b %b l" % tuple(number(value * MM) for value in line) for line in lines)
    return b"q 0 G 0.25 w " + b" ".join(drawn) + b" S Q\n"
