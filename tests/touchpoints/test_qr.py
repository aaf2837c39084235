"""QR codes are read back by a decoder that shares nothing with the encoder."""

import io
import re

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from post_purchase.printing.qr import matrix_of, qr_png, qr_svg, short_text

URL = "https://app.example.test/c/AB3KQ9ZT7MXW2HHC"
READ = "HTTPS://APP.EXAMPLE.TEST/C/AB3KQ9ZT7MXW2HHC"


@pytest.mark.parametrize("module_px", [2, 3, 5, 8, 12, 20])
@pytest.mark.parametrize("caption", [True, False])
def test_a_png_is_read_back_at_every_size(module_px, caption):
    picture = Image.open(io.BytesIO(qr_png(URL, module_px=module_px, caption=caption)))
    found = zxingcpp.read_barcodes(picture)
    assert [code.text for code in found] == [READ]
    assert found[0].ec_level == "Q"


def test_a_png_is_one_bit_deep_and_small():
    data = qr_png(URL)
    picture = Image.open(io.BytesIO(data))
    assert (picture.mode, picture.width) == ("1", (29 + 8) * 12)
    assert len(data) < 2000


def test_capitals_make_the_code_a_version_smaller():
    assert len(matrix_of(URL)) == 29
    assert READ.upper() == READ


def test_a_stained_print_is_still_read():
    picture = Image.open(io.BytesIO(qr_png(URL, module_px=10, caption=False))).convert("L")
    middle = picture.width // 2
    ImageDraw.Draw(picture).ellipse([middle - 45, middle - 45, middle + 45, middle + 45], fill=255)
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [READ]


def test_four_modules_around_the_code_stay_white():
    picture = Image.open(io.BytesIO(qr_png(URL, module_px=1, caption=False))).convert("L")
    assert picture.size == (37, 37)
    assert all(
        picture.getpixel((x, y)) == 255 for x in range(37) for y in range(37) if not (4 <= x < 33 and 4 <= y < 33)
    )


def test_the_svg_draws_the_same_modules_and_names_the_address():
    svg = qr_svg(URL).decode()
    dark = set()
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1", svg):
        dark |= {(int(x) + step, int(y)) for step in range(int(width))}
    drawn = Image.new("L", (37, 37), 255)
    for spot in dark:
        drawn.putpixel(spot, 0)
    big = drawn.resize((370, 370), Image.Resampling.NEAREST)
    assert [code.text for code in zxingcpp.read_barcodes(big)] == [READ]
    assert "<title>APP.EXAMPLE.TEST/C/AB3K-Q9ZT-7MXW-2HHC</title>" in svg


def test_the_caption_is_for_people():
    assert short_text(URL) == "APP.EXAMPLE.TEST/C/AB3K-Q9ZT-7MXW-2HHC"


@pytest.mark.parametrize("module_px", [0, -1, 61])
def test_an_absurd_size_is_refused(module_px):
    with pytest.raises(ValueError, match="1 to 60 pixels"):
        qr_png(URL, module_px=module_px)
