"""What people send is not what it says it is."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from demo.pages.pictures import sample_photo
from post_purchase.services import photo_safety
from post_purchase.services.photo_safety import Fault, PhotoRefused, make_safe


def picture(kind: str = "JPEG", *, mode: str = "RGB", size: tuple[int, int] = (300, 200), **more: object) -> bytes:
    """Red on the left, green on the right."""
    image = Image.new("RGB", size, "#cc2222")
    ImageDraw.Draw(image).rectangle((size[0] // 2, 0, size[0], size[1]), fill="#22cc22")
    out = io.BytesIO()
    image.convert(mode).save(out, kind, **more)
    return out.getvalue()


def opened(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg), formats=("JPEG",))
    image.load()
    return image


def is_red(image: Image.Image, x: int, y: int) -> bool:
    red, green, _ = image.getpixel((x, y))
    return red > 150 > green


def refusal(content: bytes) -> Fault:
    with pytest.raises(PhotoRefused) as refused:
        make_safe(content)
    return refused.value.fault


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_the_picture_stays_and_becomes_a_jpeg(kind):
    photo = make_safe(picture(kind))
    whole, small = opened(photo.jpeg), opened(photo.thumbnail)
    assert (photo.width, photo.height, whole.size, small.size) == (300, 200, (300, 200), (300, 200))
    assert is_red(whole, 40, 100)
    assert not is_red(whole, 260, 100)


def test_a_large_photo_is_made_smaller():
    photo = make_safe(picture(size=(5200, 3900)))
    assert (photo.width, photo.height) == (2560, 1920)
    assert opened(photo.thumbnail).size == (480, 360)


def test_place_camera_and_comment_are_gone():
    content = sample_photo()
    before = Image.open(io.BytesIO(content))
    assert dict(before.getexif().get_ifd(0x8825)) != {}
    photo = make_safe(content)
    for kept in (photo.jpeg, photo.thumbnail):
        assert dict(opened(kept).getexif()) == {}
        assert b"Exif" not in kept
        assert b"Phone 1" not in kept
    commented = make_safe(picture(comment=b"taken at home, Lindenstr. 4"))
    assert b"Lindenstr" not in commented.jpeg
    named = make_safe(picture("PNG", pnginfo=_text("Author", "Maria Lang")))
    assert b"Maria" not in named.jpeg


def _text(key: str, value: str) -> PngInfo:
    info = PngInfo()
    info.add_text(key, value)
    return info


@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [
        (1, (300, 200), (40, 100)),
        (2, (300, 200), (260, 100)),
        (3, (300, 200), (260, 100)),
        (4, (300, 200), (40, 100)),
        (5, (200, 300), (100, 40)),
        (6, (200, 300), (100, 40)),
        (7, (200, 300), (100, 260)),
        (8, (200, 300), (100, 260)),
        (99, (300, 200), (40, 100)),
    ],
)
def test_it_stands_upright_however_the_camera_was_held(orientation, size, red_at):
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = make_safe(picture(exif=exif))
    image = opened(photo.jpeg)
    assert image.size == size
    assert is_red(image, *red_at)
    assert not is_red(image, size[0] - red_at[0], size[1] - red_at[1])


def test_broken_exif_is_no_reason_to_refuse():
    content = picture(exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\xff\xff\xff\xff")
    assert make_safe(content).width == 300


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "I;16"])
def test_every_kind_of_png_becomes_plain_colour(mode):
    assert opened(make_safe(picture("PNG", mode=mode)).jpeg).mode == "RGB"


def test_what_was_see_through_becomes_white():
    out = io.BytesIO()
    Image.new("RGBA", (100, 100), (0, 0, 0, 0)).save(out, "PNG")
    assert opened(make_safe(out.getvalue()).jpeg).getpixel((50, 50)) == (255, 255, 255)


def test_a_print_file_in_four_inks_is_taken():
    assert opened(make_safe(picture(mode="CMYK")).jpeg).mode == "RGB"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7\n" + picture(),
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"PK\x03\x04" + b"\0" * 100,
        b"MZ" + b"\0" * 100,
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"\0\0\0\x18ftypheic" + b"\0" * 100,
        b"II*\0" + b"\0" * 100,
        b"8BPS\0\1" + b"\0" * 100,
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"\0" + picture(),
    ],
    ids=["nothing", "pdf", "svg", "html", "zip", "program", "sound", "heic", "tiff", "psd", "postscript", "shifted"],
)
def test_what_is_no_photo_is_refused_by_its_first_bytes(content):
    assert refusal(content) == Fault.NOT_A_PHOTO


@pytest.mark.parametrize(
    "payload", [b"PK\x03\x04evil.jar", b"<script>alert(1)</script>", b"%PDF-1.7 evil", b"<?php evil"]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_what_hides_behind_a_picture_does_not_come_along(kind, payload):
    photo = make_safe(picture(kind) + payload)
    assert payload not in photo.jpeg + photo.thumbnail
    hidden = picture(comment=payload) if kind == "JPEG" else picture(kind) + payload
    assert payload not in make_safe(hidden).jpeg


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_that_claims(width: int, height: int, data: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(6400, 6400), (30000, 30000), (65000, 65000), (2_000_000_000, 2_000_000_000)])
def test_a_bomb_is_refused_before_it_is_unpacked(size, monkeypatch):
    unpacked = []
    monkeypatch.setattr(Image.Image, "load", lambda self: unpacked.append(self))
    assert refusal(png_that_claims(*size)) in (Fault.TOO_MANY_PIXELS, Fault.DAMAGED)
    assert unpacked == []


def test_forty_million_pixels_are_the_limit():
    assert make_safe(picture(size=(8000, 5000))).width == 2560
    assert refusal(picture(size=(8000, 5001))) == Fault.TOO_MANY_PIXELS


def test_text_that_unpacks_to_much_is_refused():
    text = b"Comment\0\0" + zlib.compress(b"a" * 200_000_000, 9)
    plain = picture("PNG")
    assert refusal(plain[:33] + chunk(b"zTXt", text) + plain[33:]) == Fault.DAMAGED


def test_a_jpeg_of_thousands_of_scans_is_refused():
    content = picture(progressive=True)
    start = content.index(b"\xff\xda")
    end = content.index(b"\xff", start + 14)
    assert refusal(content[:end] + content[start:end] * 1000 + content[end:]) == Fault.DAMAGED


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_half_a_file_is_refused(kind):
    content = picture(kind, size=(900, 700)) if kind != "PNG" else png_that_claims(900, 700, b"\0" * 1000)
    half = content[: len(content) // 2] if kind != "PNG" else content
    assert refusal(half) == Fault.DAMAGED


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_any_damage_ends_in_a_photo_or_a_refusal(kind):
    content = picture(kind, size=(64, 64))
    for place in range(len(content)):
        broken = bytearray(content)
        broken[place] ^= 0xFF
        try:
            make_safe(bytes(broken))
        except PhotoRefused:
            continue


def test_too_many_bytes_are_not_looked_at():
    assert refusal(picture() + b"\0" * photo_safety.MAX_BYTES) == Fault.TOO_LARGE


def test_a_tracking_dot_is_no_photo():
    assert refusal(picture("GIF", size=(1, 1))) == Fault.TOO_SMALL
