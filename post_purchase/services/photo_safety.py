"""From bytes that anybody can send to a picture that anybody can open. Pure: bytes in, bytes out.

What a file claims to be is not asked. Its first bytes choose the one decoder that may look at it; only pixels are
kept, and written anew: place, camera, comments, and whatever was hidden behind the picture stay out.
"""

import io
from dataclasses import dataclass
from enum import StrEnum

from PIL import Image

MAX_BYTES = 15_000_000  # WhatsApp's own limit for pictures is 5 MB; mails may hold more
MAX_PIXELS = 40_000_000
MIN_SIDE = 48  # smaller: a tracking dot, an icon of a mail's signature
MAX_SIDE = 2560  # of what is kept
THUMBNAIL_SIDE = 480
MAX_SCANS = 500  # of a progressive JPEG; cameras write about ten, a bomb thousands
QUALITY = 85
ORIENTATION = 0x0112
TURNS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}
# What Pillow's readers raise on files that are broken, on purpose or not.
BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, EOFError)


class Fault(StrEnum):
    """Why a file is not kept; the value goes into "A file was not kept: ..."."""

    NOT_A_PHOTO = "it is not a JPEG, PNG, WebP or GIF picture"
    DAMAGED = "the picture is damaged or incomplete"
    TOO_LARGE = "it is larger than 15 MB"
    TOO_MANY_PIXELS = "it has more than 40 million pixels"
    TOO_SMALL = "it is too small to be a photo"
    UNKNOWN = "it is no picture, voice message, video or PDF that we know"  # this and the next: services.file_safety
    FILE_DAMAGED = "the file is damaged or incomplete"
    NOT_SENDABLE = "it is neither a JPEG, PNG, WebP or GIF picture nor a PDF"
    FILE_TOO_LARGE = "it is larger than 16 MB"


class PhotoRefused(Exception):
    def __init__(self, fault: Fault):
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True)
class SafePhoto:
    jpeg: bytes
    thumbnail: bytes  # JPEG, longest side at most THUMBNAIL_SIDE
    width: int  # of `jpeg`
    height: int


def make_safe(content: bytes) -> SafePhoto:
    """Raises PhotoRefused. Needs about four bytes of memory for each pixel of the file."""
    if len(content) > MAX_BYTES:
        raise PhotoRefused(Fault.TOO_LARGE)
    kind = sniff(content)
    if not kind:
        raise PhotoRefused(Fault.NOT_A_PHOTO)
    if kind == "JPEG" and content.count(b"\xff\xda") > MAX_SCANS:
        raise PhotoRefused(Fault.DAMAGED)
    try:
        with Image.open(io.BytesIO(content), formats=(kind,)) as image:
            _check_size(*image.size)
            turns = TURNS.get(_orientation(image), ())
            image.draft("RGB", (MAX_SIDE, MAX_SIDE))  # JPEG: decoded at a half or a quarter where that is enough
            image.load()
            _check_size(*image.size, drafted=True)
            pixels = _flat(image)
    except Image.DecompressionBombError as error:
        raise PhotoRefused(Fault.TOO_MANY_PIXELS) from error
    except BROKEN as error:
        raise PhotoRefused(Fault.DAMAGED) from error
    pixels.thumbnail((MAX_SIDE, MAX_SIDE))
    for turn in turns:
        pixels = pixels.transpose(turn)
    small = pixels.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return SafePhoto(jpeg=_jpeg(pixels), thumbnail=_jpeg(small), width=pixels.width, height=pixels.height)


def sniff(content: bytes) -> str:
    """Pillow's name of the format by the file's first bytes; "" for everything that we do not take."""
    if content[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if content[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    return ""


def _check_size(width: int, height: int, *, drafted: bool = False) -> None:
    if width * height > MAX_PIXELS:
        raise PhotoRefused(Fault.TOO_MANY_PIXELS)
    if not drafted and min(width, height) < MIN_SIDE:
        raise PhotoRefused(Fault.TOO_SMALL)


def _orientation(image: Image.Image) -> int:
    """1 to 8 (EXIF 2.32, 4.6.4). Broken EXIF is no reason to refuse the picture."""
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except BROKEN:
        return 1
    return found if isinstance(found, int) else 1


def _flat(image: Image.Image) -> Image.Image:
    """RGB pixels on white, and nothing else."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        flat = Image.new("RGB", layer.size, "white")
        flat.paste(layer, mask=layer.getchannel("A"))
        return flat
    flat = image.convert("RGB") if image.mode != "RGB" else image.copy()
    flat.info = {}  # else Pillow writes an old comment into the new file
    return flat


def _jpeg(pixels: Image.Image) -> bytes:
    out = io.BytesIO()
    pixels.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=False)
    return out.getvalue()
