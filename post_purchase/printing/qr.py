"""QR codes as PNG and SVG bytes. In capitals, so the alphanumeric mode is used: a version smaller at the same level.

Sizes and level: performance.md, section 3b (level Q survives a stain on a quarter of the code).
Quiet zone of 4 modules: ISO/IEC 18004.
"""

import io
import math
import re
from collections.abc import Callable
from functools import cache
from html import escape
from typing import Any
from urllib.parse import urlsplit

import qrcode
from PIL import Image, ImageDraw, ImageFont
from qrcode.constants import ERROR_CORRECT_Q

QUIET = 4  # modules
MAX_MODULE_PX = 60
CAPTION_SIZE, CAPTION_LINE = 1.4, 2.0  # modules
MONOSPACE = 0.62  # a letter's width, of the size
_DARK = re.compile(rb"\x00+")


def capital_url(url: str) -> str:
    """`https://Host/c/code` as `HTTPS://HOST/C/CODE`. None of its parts cares about case."""
    return url.upper()


def matrix_of(url: str) -> list[list[bool]]:
    """Rows of modules, True is dark, without the quiet zone."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_Q, border=0)
    code.add_data(capital_url(url))
    code.make(fit=True)
    return [[bool(module) for module in row] for row in code.get_matrix()]


def quick_matrix(url: str) -> list[bytes]:
    """As `matrix_of`, twenty times faster, for batches: rows of bytes, 0 is dark (performance.md, section 3b)."""
    import zxingcpp  # noqa: PLC0415 - megabytes that only printing needs

    code = zxingcpp.create_barcode(capital_url(url), zxingcpp.BarcodeFormat.QRCode, ec_level="Q")
    image: Any = zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=False)  # a buffer, which its types hide
    flat = bytes(image)
    side = math.isqrt(len(flat))
    return [flat[start : start + side] for start in range(0, side * side, side)]


def pdf_squares(rows: list[bytes]) -> bytes:
    """PDF operators that fill the dark modules, one module a unit, from the top left corner, y down."""
    parts = [
        b"%d %d %d 1 re" % (run.start(), y, run.end() - run.start())
        for y, row in enumerate(rows)
        for run in _DARK.finditer(row)
    ]
    parts.append(b"f")
    return b"\n".join(parts)


def quick_svg(rows: list[bytes], *, caption: str = "", title: str = "") -> bytes:
    """As `qr_svg`, of a `quick_matrix`. `title` is for those who hear the page; without it, the caption."""
    path = "".join(
        f"M{run.start() + QUIET} {y + QUIET}h{run.end() - run.start()}v1h-{run.end() - run.start()}z"
        for y, row in enumerate(rows)
        for run in _DARK.finditer(row)
    )
    return _svg(len(rows), path, caption=caption, title=title, module_px=8)


def quick_png(rows: list[bytes], *, caption: str = "", module_px: int = 12) -> bytes:
    """As `qr_png`, of a `quick_matrix`."""
    side = len(rows)
    return _png(Image.frombytes("L", (side, side), b"".join(rows)), caption=caption, module_px=module_px)


def short_text(url: str) -> str:
    """What stands under the code for those who cannot scan: `HOST/C/AB3K-Q9ZT-7MXW-2LHC`."""
    parts = urlsplit(capital_url(url))
    folder, _, code = parts.path.rpartition("/")
    groups = "-".join(code[place : place + 4] for place in range(0, len(code), 4))
    return f"{parts.netloc}{folder}/{groups}"


def qr_png(url: str, *, module_px: int = 12, caption: bool = True) -> bytes:
    """A black-and-white PNG; `module_px` pixels a module (1 to 60). 12 px prints a code 3.8 cm wide at 300 dpi."""
    if not 1 <= module_px <= MAX_MODULE_PX:
        raise ValueError(f"A module is 1 to {MAX_MODULE_PX} pixels")
    rows = matrix_of(url)
    small = Image.new("L", (len(rows), len(rows)))
    small.putdata([0 if dark else 255 for row in rows for dark in row])
    return _png(small, caption=short_text(url) if caption else "", module_px=module_px)


def qr_svg(url: str, *, module_px: int = 8, caption: bool = True) -> bytes:
    """A scalable drawing, one path, on white; the title says where it leads, for those who hear the page."""
    rows = matrix_of(url)
    text = short_text(url)
    return _svg(len(rows), "".join(_runs(rows)), caption=text if caption else "", title=text, module_px=module_px)


def _png(code: Image.Image, *, caption: str, module_px: int) -> bytes:
    side = (code.width + 2 * QUIET) * module_px
    font = _caption_font(module_px)
    lines = _lines(caption, lambda text: font.getlength(text) <= side)
    step = int(module_px * CAPTION_LINE)
    strip = len(lines) * step + module_px if lines else 0
    picture = Image.new("L", (side, side + strip), 255)
    larger = code.resize((code.width * module_px, code.width * module_px), Image.Resampling.NEAREST)
    picture.paste(larger, (QUIET * module_px, QUIET * module_px))
    for number, line in enumerate(lines):
        ImageDraw.Draw(picture).text((side / 2, side + number * step), line, fill=0, font=font, anchor="mt")
    out = io.BytesIO()
    picture.convert("1", dither=Image.Dither.NONE).save(out, "PNG")
    return out.getvalue()


def _svg(modules: int, path: str, *, caption: str, title: str, module_px: int) -> bytes:
    side = modules + 2 * QUIET
    lines = _lines(caption, lambda text: len(text) * CAPTION_SIZE * MONOSPACE <= side)
    height = side + (math.ceil(len(lines) * CAPTION_LINE) + 1 if lines else 0)
    label = "".join(
        f'<text x="{side / 2}" y="{side + 1 + number * CAPTION_LINE:g}" '
        f'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="{CAPTION_SIZE}" text-anchor="middle" '
        f'fill="#000">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {height}" width="{side * module_px}" '
        f'height="{height * module_px}" role="img"><title>{escape(title or caption)}</title>'
        f'<rect width="{side}" height="{height}" fill="#fff"/>'
        f'<path fill="#000" shape-rendering="crispEdges" d="{path}"/>{label}</svg>'
    ).encode()


def _lines(caption: str, fits: Callable[[str], bool]) -> list[str]:
    """In one line where that has room; else the address and the code below each other, as far as they have."""
    folder, _, code = caption.rpartition("/")
    if not caption or fits(caption):
        return [caption] if caption else []
    return [line for line in (f"{folder}/", code) if fits(line)]


@cache
def _caption_font(module_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=max(8, int(module_px * 1.5)))


def _runs(rows: list[list[bool]]) -> list[str]:
    """Horizontal runs of dark modules: a quarter of the bytes that a rectangle per module would take."""
    parts = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            if not row[x]:
                x += 1
                continue
            start = x
            while x < len(row) and row[x]:
                x += 1
            parts.append(f"M{start + QUIET} {y + QUIET}h{x - start}v1h-{x - start}z")
    return parts
