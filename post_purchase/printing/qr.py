"""QR codes as PNG and SVG bytes. In capitals, so the alphanumeric mode is used: a version smaller at the same level.

Sizes and level: performance.md, section 3b (level Q survives a stain on a quarter of the code).
Quiet zone of 4 modules: ISO/IEC 18004.
"""

import io
import math
import re
from functools import cache
from html import escape
from typing import Any
from urllib.parse import urlsplit

import qrcode
from PIL import Image, ImageDraw, ImageFont
from qrcode.constants import ERROR_CORRECT_Q

QUIET = 4  # modules
MAX_MODULE_PX = 60
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


def quick_svg(rows: list[bytes], caption: str) -> bytes:
    """As `qr_svg`, of a `quick_matrix`."""
    side = len(rows) + 2 * QUIET
    path = "".join(
        f"M{run.start() + QUIET} {y + QUIET}h{run.end() - run.start()}v1h-{run.end() - run.start()}z"
        for y, row in enumerate(rows)
        for run in _DARK.finditer(row)
    )
    text = escape(caption)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{side * 8}" height="{side * 8}" '
        f'role="img"><title>{text}</title><rect width="{side}" height="{side}" fill="#fff"/>'
        f'<path shape-rendering="crispEdges" d="{path}"/></svg>'
    ).encode()


def quick_png(rows: list[bytes], *, module_px: int = 12) -> bytes:
    """As `qr_png` without the caption, of a `quick_matrix`."""
    side = len(rows)
    whole = Image.new("L", (side + 2 * QUIET, side + 2 * QUIET), 255)
    whole.paste(Image.frombytes("L", (side, side), b"".join(rows)), (QUIET, QUIET))
    edge = (side + 2 * QUIET) * module_px
    out = io.BytesIO()
    whole.resize((edge, edge), Image.Resampling.NEAREST).convert("1").save(out, "PNG")
    return out.getvalue()


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
    side = (len(rows) + 2 * QUIET) * module_px
    font, height = _caption_font(module_px)
    text = short_text(url)
    strip = height if caption and font.getlength(text) <= side else 0
    picture = Image.new("1", (side, side + strip), 1)
    small = Image.new("1", (len(rows), len(rows)))
    small.putdata([not dark for row in rows for dark in row])
    code = small.resize((len(rows) * module_px, len(rows) * module_px), Image.Resampling.NEAREST)
    picture.paste(code, (QUIET * module_px, QUIET * module_px))
    if strip:
        ImageDraw.Draw(picture).text((side / 2, side), text, fill=0, font=font, anchor="mt")
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@cache
def _caption_font(module_px: int) -> tuple[ImageFont.FreeTypeFont | ImageFont.ImageFont, int]:
    """The caption's font and the height of its strip in pixels."""
    font = ImageFont.load_default(size=max(8, int(module_px * 1.5)))
    return font, int(font.getbbox("HTTPS/C-9")[3]) + 2 * module_px


def qr_svg(url: str, *, module_px: int = 8, caption: bool = True) -> bytes:
    """A scalable drawing, one path, on white; the title says where it leads, for those who hear the page."""
    rows = matrix_of(url)
    side = len(rows) + 2 * QUIET
    strip = 3 if caption else 0
    text = escape(short_text(url))
    path = "".join(_runs(rows))
    label = (
        f'<text x="{side / 2}" y="{side + 1}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="1.4" '
        f'text-anchor="middle" fill="#000">{text}</text>'
        if caption
        else ""
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side + strip}" width="{side * module_px}" '
        f'height="{(side + strip) * module_px}" role="img"><title>{text}</title>'
        f'<rect width="{side}" height="{side + strip}" fill="#fff"/>'
        f'<path fill="#000" shape-rendering="crispEdges" d="{path}"/>{label}</svg>'
    ).encode()


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
