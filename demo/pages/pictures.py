"""Pictures drawn by Pillow: the products, and a photo such as a shopper sends,
with a camera's EXIF and a place in it."""

import io
from functools import lru_cache

from PIL import Image, ImageDraw

GROUND = {7701: "#dfe8dc", 7702: "#efe6d8", 7703: "#eee0d0", 7704: "#f4ead2", 7705: "#e4e9dc", 7706: "#d9e4de"}
GPS = 0x8825
MAKE, MODEL, ORIENTATION = 0x010F, 0x0110, 0x0112


@lru_cache(maxsize=16)
def product_image(product: int) -> bytes:
    image = Image.new("RGB", (600, 600), GROUND.get(product, "#eeeeee"))
    draw = ImageDraw.Draw(image)
    draw.ellipse((110, 470, 490, 530), fill="#c9cfc4")
    shapes = {7701: _mug, 7702: _apron, 7703: _board, 7704: _candle, 7705: _soap, 7706: _throw}
    shapes.get(product, _soap)(draw)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def sample_photo(*, width: int = 1200, height: int = 900) -> bytes:
    """A JPEG with EXIF: a camera's name, an orientation, and where it was taken."""
    image = Image.new("RGB", (width, height), "#cdbfae")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 0.62, width, height), fill="#8a6a4c")
    draw.ellipse((width * 0.36, height * 0.3, width * 0.62, height * 0.78), fill="#5f7d63")
    draw.ellipse((width * 0.38, height * 0.27, width * 0.6, height * 0.38), fill="#3d2a1d")
    draw.arc((width * 0.55, height * 0.4, width * 0.72, height * 0.65), 270, 90, fill="#5f7d63", width=26)
    exif = Image.Exif()
    exif[MAKE], exif[MODEL], exif[ORIENTATION] = "Demo", "Phone 1", 6
    exif.get_ifd(GPS).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88, exif=exif)
    return out.getvalue()


def _mug(draw: ImageDraw.ImageDraw) -> None:
    draw.arc((380, 230, 500, 400), 270, 90, fill="#5f7d63", width=26)
    draw.rounded_rectangle((170, 180, 410, 500), 40, fill="#5f7d63")
    draw.ellipse((170, 150, 410, 220), fill="#4a634e")


def _apron(draw: ImageDraw.ImageDraw) -> None:
    draw.polygon(
        [(230, 110), (370, 110), (390, 230), (450, 260), (430, 510), (170, 510), (150, 260), (210, 230)], fill="#c8b08c"
    )
    draw.rounded_rectangle((230, 330, 370, 430), 12, fill="#b79c74")


def _board(draw: ImageDraw.ImageDraw) -> None:
    draw.rounded_rectangle((170, 200, 430, 510), 30, fill="#b4814e")
    draw.rounded_rectangle((265, 90, 335, 240), 30, fill="#b4814e")
    draw.ellipse((285, 110, 315, 140), fill="#eee0d0")


def _candle(draw: ImageDraw.ImageDraw) -> None:
    draw.rounded_rectangle((200, 240, 400, 510), 16, fill="#e9c46a")
    draw.line((300, 240, 300, 200), fill="#4a3a2a", width=6)
    draw.ellipse((280, 130, 320, 205), fill="#f2994a")


def _soap(draw: ImageDraw.ImageDraw) -> None:
    draw.rounded_rectangle((140, 270, 460, 500), 60, fill="#9aab6d")
    draw.rounded_rectangle((190, 320, 410, 450), 40, outline="#82925a", width=8)


def _throw(draw: ImageDraw.ImageDraw) -> None:
    draw.rounded_rectangle((130, 200, 470, 500), 40, fill="#3f6b5a")
    for place in range(150, 460, 40):
        draw.line((place, 220, place, 480), fill="#5c8a77", width=8)
