"""One card: what stands on it, where, and the PDF operators that draw it. Everything but the code is drawn once a file.

The side with the code carries logo, words, code, call, and the code in letters; the other side, where it is wanted, is
the cover: the colour, the logo and the headline.
"""

import io
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from PIL import Image

from .colors import fill, luminance, on
from .layouts import BLEED, Layout
from .pdf import PdfWriter, dictionary, number
from .places import Box, places
from .qr import QUIET, capital_url, pdf_squares, quick_matrix
from .room import ADDRESS, left_out
from .typesetting import LEADING, Block, Typesetter

MM = 72 / 25.4  # points
LEAST_TEXT = 5.0  # points; below, printed letters run together
LEAST_CAPTION = LEAST_TEXT - 0.6  # capitals and digits alone
LOGO_SHARE = 0.22  # of the code's side, where the logo stands in its middle
CODE_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-/.:"


@dataclass(frozen=True)
class Design:
    """What a merchant chose. Colours are "#rrggbb"; `logo` is a PNG or nothing."""

    layout: Layout
    language: str = "en"
    headline: str = ""
    body: str = ""
    call: str = ""  # beside the code: what a scan is good for
    small: str = ""  # {address} becomes the page where the code can be typed
    brand: str = ""  # where there is no logo
    color: str = "#1f6f5c"
    code_color: str = "#000000"
    paper: str = "#ffffff"
    logo: bytes = b""
    logo_in_code: bool = False
    cover: bool = False


class Card:
    """A design, set. `problems` are plain sentences about what does not fit; the scan check adds its own.

    `left_out` names what the merchant wrote and this layout has no place for.
    """

    def __init__(self, design: Design, sample_url: str) -> None:
        self.design = design
        self.layout = design.layout
        self.typesetter = Typesetter(design.language)
        self.letters = self.typesetter.latin(bold=True).plain(CODE_LETTERS)
        self.problems: list[str] = []
        self.boxes = places(
            self.layout,
            words=bool(design.headline or design.body),
            logo=bool(design.logo or design.brand),
        )
        self.rtl = design.language.split("-")[0] in ("ar", "he", "fa", "ur")
        if self.rtl and not self.layout.round:
            self.boxes = {name: self._mirrored(box) for name, box in self.boxes.items()}
        self.modules = len(quick_matrix(sample_url))
        parts = urlsplit(capital_url(sample_url))
        self.address = f"{parts.netloc}{parts.path.rpartition('/')[0]}"  # HOST/C, the same on every piece
        code = self.boxes["code"]
        self.module = code.width / (self.modules + 2 * QUIET)  # mm
        self.where = self._where_to_type(self._groups(parts.path.rpartition("/")[2]))
        self.left_out = left_out(
            self.boxes,
            words={name: getattr(design, name) for name in ("headline", "body", "call", "small")},
            logo=bool(design.logo),
            brand=bool(design.brand),
            logo_in_code=design.logo_in_code,
            cover=design.cover and self.layout.two_sided,
        )
        self.small = design.small.replace("{address}", self.address)
        if not self.where and not self._address_is_in_small:
            if "small" in self.boxes:
                self.small = f"{self.small}\n{self.address}".strip()
            else:
                self.left_out += (ADDRESS,)

    def _mirrored(self, box: Box) -> Box:
        width = self.layout.width
        return Box(width - box.x - box.width, box.y, box.width, box.height)

    @cached_property
    def logo(self) -> Image.Image | None:
        if not self.design.logo:
            return None
        picture = Image.open(io.BytesIO(self.design.logo)).convert("RGBA")
        if not self.layout.mono:
            return picture
        white = Image.new("RGBA", picture.size, "#ffffff")
        white.alpha_composite(picture)
        return white.convert("L").convert("1").convert("RGBA")  # a thermal printer has no grey: dots

    @property
    def color(self) -> str:
        return "#000000" if self.layout.mono else self.design.color

    @property
    def covered(self) -> float:
        """The share of the code under the logo in its middle."""
        return (LOGO_SHARE * (self.modules + 2 * QUIET) / self.modules) ** 2 if self._logo_in_code else 0.0

    @property
    def _logo_in_code(self) -> bool:
        return self.design.logo_in_code and self.logo is not None

    def draw_code_side(self, image: str) -> bytes:
        """Everything on the side with the code that is the same on every piece."""
        design = self.design
        ops = [self._paper(design.paper)]
        words = {"headline": (design.headline, True, 30.0), "body": (design.body, False, 13.0)}
        words |= {"call": (design.call, True, 12.0), "small": (self.small, False, 8.0)}
        for name, (text, bold, largest) in words.items():
            box = self.boxes.get(name)
            if box is None or not text:
                continue
            if name in ("headline", "body"):
                largest = min(largest, max(9.0, box.width * 0.32) if bold else max(7.5, box.width * 0.17))
            color = self.color if name == "headline" and luminance(self.color) < 0.4 else on(design.paper)
            middle = name == "call" or not (self.layout.wide or self.layout.fold)
            ops.append(self._text(name, text, box, bold=bold, largest=largest, color=color, middle=middle))
        if box := self.boxes.get("logo"):
            ops.append(self._brand(box, image, design.paper, middle=not self.layout.wide))
        return b"\n".join(part for part in ops if part)

    def draw_cover(self, image: str) -> bytes:
        """The other side: colour, logo, headline. Of a fold card the outside, whose right half is the front."""
        width, height, edge = self.layout.width, self.layout.height, self.layout.margin
        left = width / 2 if self.layout.fold and not self.rtl else 0.0
        front = width / 2 if self.layout.fold else width
        ground = "#ffffff" if self.layout.mono else self.design.color
        box = Box(left + edge, height * 0.2, front - 2 * edge, height * 0.26)
        words = Box(left + edge, height * 0.52, front - 2 * edge, height * 0.3)
        ops = [self._paper(ground), self._brand(box, image, ground, middle=True)]
        if self.design.headline:
            ops.append(
                self._text(
                    "cover",
                    self.design.headline,
                    words,
                    bold=True,
                    largest=max(24.0, words.width * 0.38),
                    color=on(ground),
                    middle=True,
                )
            )
        return b"\n".join(part for part in ops if part)

    def code(self, url: str, image: str, note: str = "") -> bytes:
        """What differs from piece to piece: the code, the same in letters, and a note for who packs (the order)."""
        box, design = self.boxes["code"], self.design
        ops = []
        if design.code_color != "#000000" or design.paper != "#ffffff":
            ops.append(b"%b %b" % (fill(design.paper), self._rectangle(box)))
        start = QUIET * self.module
        left, top = (box.x + start) * MM, (self.layout.height - box.y - start) * MM
        unit = number(self.module * MM)
        black = "#000000" if self.layout.mono else design.code_color
        squares = pdf_squares(quick_matrix(url))
        ops.append(b"q %b 0 0 -%b %b %b cm %b\n%b Q" % (unit, unit, number(left), number(top), fill(black), squares))
        if self._logo_in_code:
            ops.append(self._logo_on_code(box, image))
        ops.append(self._caption(capital_url(url).rpartition("/")[2]))
        if note and not self.layout.round:
            ops.append(self._note(note))
        return b"\n".join(ops)

    def images(self, pdf: PdfWriter) -> dict[str, int]:
        """The logo, written once."""
        if self.logo is None:
            return {}
        width, height = self.logo.size
        size = b"/Width %d/Height %d/BitsPerComponent 8" % (width, height)
        alpha = self.logo.getchannel("A").tobytes()
        mask = pdf.stream(alpha, b"/Type/XObject/Subtype/Image/ColorSpace/DeviceGray" + size)
        pixels = self.logo.convert("RGB").tobytes()
        head = b"/Type/XObject/Subtype/Image/ColorSpace/DeviceRGB/SMask %d 0 R" % mask
        return {"Logo": pdf.stream(pixels, head + size)}

    def write_fonts(self, pdf: PdfWriter) -> bytes:
        return dictionary({font.name: font.write(pdf) for font in self.typesetter.fonts.values() if font.used})

    def _note(self, note: str) -> bytes:
        """In the upper corner, small, away from everything else."""
        edge = self.layout.margin * 0.5
        width = self.layout.width * 0.4
        block = self.typesetter.block(note[:40], width=width * MM, height=20, largest=6, smallest=4)
        wide = block.lines[0].width / 1000 * block.size / MM
        left = edge if self.rtl else self.layout.width - edge - wide
        return fill(on(self.design.paper)) + b"\n" + self._lines(block, Box(left, edge * 0.6, wide, 3), middle=False)

    @property
    def _address_is_in_small(self) -> bool:
        return "small" in self.boxes and "{address}" in self.design.small

    def _where_to_type(self, groups: str) -> list[str]:
        """The lines above the code in letters: the address, in two lines where it is long. Empty: there is no room.

        In a circle the line below makes room for a long address.
        """
        if self._address_is_in_small:
            return []
        box = self.boxes["caption"]
        ways = [([self.address], box), *((lines, box) for lines in _halves(self.address))]
        if self.layout.round:
            low = Box(box.x, box.y, box.width, self.layout.width * 0.14)
            ways += [(lines, low) for lines in _halves(self.address)]
        for lines, room in ways:
            if self._caption_size([*lines, groups], room) >= LEAST_CAPTION:
                if room is not box:
                    self.boxes["caption"] = room
                    del self.boxes["call"]
                return lines
        return []

    @staticmethod
    def _groups(code: str) -> str:
        return "-".join(code[place : place + 4] for place in range(0, len(code), 4))

    def _caption(self, code: str) -> bytes:
        """The code in groups of four; above it where to type it, where the small print does not say it."""
        box = self.boxes["caption"]
        lines = [*self.where, self._groups(code)]
        size = self._caption_size(lines, box)
        if self.where and size < LEAST_CAPTION:  # a code of wide letters
            size = LEAST_CAPTION
        width = box.width * MM
        if size < LEAST_CAPTION:
            self._say(
                f"The code in letters would be {size:.1f} points high, too small to read. Choose a larger layout."
            )
        name = self.typesetter.latin(bold=True).name.encode()
        ops = [fill(on(self.design.paper)), b"BT /%b %b Tf" % (name, number(size))]
        y = (self.layout.height - box.y) * MM - size
        for line in lines:
            wide = sum(self.letters[letter][1] for letter in line) / 1000 * size
            x = box.x * MM + (width - wide) / 2
            glyphs = b"".join(b"%04X" % self.letters[letter][0] for letter in line)
            ops.append(b"1 0 0 1 %b %b Tm <%b> Tj" % (number(x), number(y), glyphs))
            y -= size * LEADING
        ops.append(b"ET")
        return b" ".join(ops)

    def _caption_size(self, lines: list[str], box: Box) -> float:
        per_em = max(sum(self.letters[letter][1] for letter in line) for line in lines) / 1000
        return min(box.height * MM / len(lines) / LEADING, box.width * MM / per_em, 10.0)

    def _text(self, name: str, text: str, box: Box, *, bold: bool, largest: float, color: str, middle: bool) -> bytes:
        block = self.typesetter.block(
            text, width=box.width * MM, height=box.height * MM, largest=largest, smallest=LEAST_TEXT, bold=bold
        )
        if not block.fits:
            what = {"headline": "headline", "body": "text", "call": "line beside the code", "small": "small print"}
            self._say(f"The {what.get(name, 'headline')} is too long for this layout. Shorten it.")
        return fill(color) + b"\n" + self._lines(block, box, middle=middle)

    def _lines(self, block: Block, box: Box, *, middle: bool) -> bytes:
        ops = []
        size = block.size
        baseline = (self.layout.height - box.y) * MM - size
        if middle and not (self.layout.wide or self.layout.fold):
            baseline -= max(0.0, (box.height * MM - block.height) / 2)
        for line in block.lines:
            wide = line.width / 1000 * size
            spare = box.width * MM - wide
            x = box.x * MM + (spare / 2 if middle else spare if block.rtl else 0)
            for run in line.runs:
                ops.append(b"BT /%b %b Tf" % (run.font.name.encode(), number(size)))
                for glyph in run.glyphs:
                    at = number(x + glyph.x / 1000 * size), number(baseline + glyph.y / 1000 * size)
                    ops.append(b"1 0 0 1 %b %b Tm <%04X> Tj" % (*at, glyph.gid))
                ops.append(b"ET")
                x += run.width / 1000 * size
            baseline -= size * LEADING
        return b"\n".join(ops)

    def _brand(self, box: Box, image: str, ground: str, *, middle: bool) -> bytes:
        """The logo as large as it fits, or the shop's name where there is none."""
        if self.logo is None:
            if not self.design.brand:
                return b""
            color = self.color if ground == self.design.paper and luminance(self.color) < 0.4 else on(ground)
            largest = min(max(26.0, box.width * 0.4), box.height * MM * 0.7)
            return self._text("brand", self.design.brand, box, bold=True, largest=largest, color=color, middle=middle)
        width, height = self.logo.size
        scale = min(box.width / width, box.height / height)
        wide, high = width * scale, height * scale
        spare = box.width - wide
        left = box.x + (spare / 2 if middle else spare if self.rtl else 0)
        return self._image(image, Box(left, box.y + (box.height - high) / 2, wide, high))

    def _logo_on_code(self, box: Box, image: str) -> bytes:
        assert self.logo is not None
        side = box.width * LOGO_SHARE
        width, height = self.logo.size
        scale = side * 0.84 / max(width, height)
        middle_x, middle_y = box.x + box.width / 2, box.y + box.height / 2
        ground = Box(middle_x - side / 2, middle_y - side / 2, side, side)
        wide, high = width * scale, height * scale
        picture = Box(middle_x - wide / 2, middle_y - high / 2, wide, high)
        return b"%b %b\n%b" % (fill(self.design.paper), self._rectangle(ground), self._image(image, picture))

    def _image(self, name: str, box: Box) -> bytes:
        values = (box.width * MM, box.height * MM, box.x * MM, (self.layout.height - box.y - box.height) * MM)
        wide, high, x, y = (number(value) for value in values)
        return b"q %b 0 0 %b %b %b cm /%b Do Q" % (wide, high, x, y, name.encode())

    def _rectangle(self, box: Box) -> bytes:
        values = (box.x * MM, (self.layout.height - box.y - box.height) * MM, box.width * MM, box.height * MM)
        return b"%b %b %b %b re f" % tuple(number(value) for value in values)

    def _paper(self, color: str) -> bytes:
        """The ground, with its bleed; white is the paper's own."""
        if color.lower() == "#ffffff":
            return b""
        around = BLEED * MM
        values = (-around, -around, self.layout.width * MM + 2 * around, self.layout.height * MM + 2 * around)
        return b"%b %b %b %b %b re f" % (fill(color), *(number(value) for value in values))

    def _say(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def _halves(address: str) -> list[list[str]]:
    """In two lines: broken after the dot, hyphen or slash that is nearest to the middle; else just in the middle."""
    middle = len(address) / 2
    places = [place + 1 for place, letter in enumerate(address[:-1]) if letter in ".-/"]
    cuts = [min(places, key=lambda place: abs(place - middle), default=int(middle)), int(middle)]
    return [[address[:cut], address[cut:]] for cut in cuts]
