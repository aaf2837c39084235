"""Will phones read it? The card is drawn as it is printed, blurred and darkened as by a camera, and read back.

The reader is zxing-cpp. Sizes: 0.33 mm a module is 2.6 dots of a thermal printer (203 dpi);
quiet zone of 4 modules and the grades of symbol contrast: ISO/IEC 18004 and 15415. Level Q mends a quarter of the
codewords; a logo may take a small part of that, since stains and creases want the rest.
"""

import io
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageChops, ImageFilter

from .card import MM, Card, Design
from .colors import luminance
from .drawing_room import one_at_a_time
from .qr import QUIET, capital_url
from .sheets import write_pdf

THERMAL = 203  # dpi
RESOLUTIONS = {THERMAL: "a thermal printer", 300: "an office printer", 600: "a print shop"}
LEAST_MODULE = 0.33  # mm
LEAST_CONTRAST = 0.55  # of reflectance, paper less code: grade B of ISO/IEC 15415
MOST_COVERED = 0.08  # of the code's area, by a logo
BLUR = 0.33  # of a module: standard deviation of the camera's blur
DARK = 0.45  # of the light that is left in a dim room
SHADOW = 0.55  # of the light at the darker edge


@dataclass(frozen=True)
class ScanCheck:
    """`problems` are sentences for the merchant; none: it may be printed. `left_out`: what has no place there."""

    problems: tuple[str, ...]
    module: float  # mm
    read: tuple[str, ...]  # what was tried and read, for the page that shows the check
    left_out: tuple[str, ...] = ()  # names of room.NAMES

    @property
    def passed(self) -> bool:
        return not self.problems


@lru_cache(maxsize=16)  # a design is looked at many times: in each preview, when saved, ordered, printed
@one_at_a_time
def check(design: Design, sample_url: str) -> ScanCheck:
    """`sample_url` is an address as long as every one that will be printed."""
    import zxingcpp  # noqa: PLC0415 - megabytes that only printing needs

    out = io.BytesIO()
    card = write_pdf(out, design, [sample_url], sample_url=sample_url, alone=True)
    problems = [*card.problems, *_measures(card)]
    pictures = _Pictures(out.getvalue(), card)
    if pictures.whole_quiet_zone(300) is False:
        problems.append(
            "Something stands too close to the code: phones need a white border of four squares all around it."
        )
    read: list[str] = []
    unread: list[str] = []
    for dpi, printer in RESOLUTIONS.items():
        picture = pictures.code(dpi)
        if dpi == THERMAL:  # burns a dot or does not: modules become two or three dots wide
            picture = picture.point(lambda grey: 255 if grey > 127 else 0)
        pixels = card.module / 25.4 * dpi
        seen = {
            "as printed": picture,
            "blurred": picture.filter(ImageFilter.GaussianBlur(BLUR * pixels)),
            "in dim light": _dim(picture.filter(ImageFilter.GaussianBlur(BLUR * 0.7 * pixels))),
        }
        for how, image in seen.items():
            found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
            good = any(one.text == capital_url(sample_url) for one in found)
            (read if good else unread).append(f"{dpi} dpi ({printer}), {how}")
    if unread:
        problems.append(
            f"The code could not be read at {'; '.join(unread)}. Make the code darker, larger or free of a logo."
        )
    return ScanCheck(tuple(problems), card.module, tuple(read), card.left_out)


def _measures(card: Card) -> list[str]:
    design, problems = card.design, []
    if card.module < LEAST_MODULE:
        problems.append(
            f"The code is too small: its squares are {card.module:.2f} mm, and phones need {LEAST_MODULE} mm. "
            "Choose a larger layout."
        )
    contrast = luminance(design.paper) - luminance("#000000" if card.layout.mono else design.code_color)
    if contrast <= 0:
        problems.append(
            "The code is lighter than the paper. Many phones read only dark codes on light paper: swap them."
        )
    elif contrast < LEAST_CONTRAST:
        problems.append("The code's colour is too close to the paper's. Choose a darker code or a lighter paper.")
    if card.covered > MOST_COVERED:
        problems.append(
            f"The logo covers {card.covered:.0%} of the code, and {MOST_COVERED:.0%} is the most. "
            "Take it out of the code."
        )
    box, layout = card.boxes["code"], card.layout
    outside = min(box.x, box.y, layout.width - box.x - box.width, layout.height - box.y - box.height)
    if outside < 0:
        problems.append("The code's white border is cut off at the card's edge. Choose another layout.")
    return problems


class _Pictures:
    """The printed card as pictures, from the very PDF."""

    def __init__(self, pdf: bytes, card: Card) -> None:
        import pypdfium2 as pdfium  # noqa: PLC0415 - megabytes that only printing needs

        self.document = pdfium.PdfDocument(pdf)
        self.page = self.document[len(self.document) - 1]  # with a cover, the code is on the back
        self.card = card

    def code(self, dpi: int) -> Image.Image:
        """The code and what lies around it, in grey."""
        box, around = self.card.boxes["code"], 2 * self.card.module
        layout = self.card.layout
        edges = (
            max(0.0, box.x - around),
            max(0.0, layout.height - box.y - box.height - around),
            max(0.0, layout.width - box.x - box.width - around),
            max(0.0, box.y - around),
        )
        crop = tuple(edge * MM for edge in edges)
        picture: Image.Image = self.page.render(scale=dpi / 72, crop=crop, grayscale=True).to_pil().convert("L")
        return picture

    def whole_quiet_zone(self, dpi: int) -> bool:
        """Four modules all around show nothing but paper."""
        card = self.card
        whole = self.page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L")
        box, scale = card.boxes["code"], dpi / 25.4
        edges = (box.x * scale, box.y * scale, (box.x + box.width) * scale, (box.y + box.height) * scale)
        left, top, right, bottom = (round(edge) for edge in edges)
        zone = whole.crop((left + 1, top + 1, right - 1, bottom - 1))
        inner = int((QUIET - 0.35) * card.module * scale)
        paper = _grey(card.design.paper)
        difference = ImageChops.difference(zone, Image.new("L", zone.size, paper)).point(
            lambda value: 255 * (value > 24)
        )
        difference.paste(0, (inner, inner, zone.width - inner, zone.height - inner))
        return difference.getbbox() is None


def _grey(color: str) -> int:
    return Image.new("RGB", (1, 1), color).convert("L").getpixel((0, 0))  # type: ignore[return-value]


def _dim(picture: Image.Image) -> Image.Image:
    """Less light, and a shadow that falls over one side."""
    dim = picture.point(lambda value: value * DARK)
    shade = Image.linear_gradient("L").resize(dim.size).point(lambda value: 255 * (SHADOW + (1 - SHADOW) * value / 255))
    return ImageChops.multiply(dim, shade)
