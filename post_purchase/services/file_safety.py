"""Voice messages, videos and PDFs: told apart by their first bytes, freed of places, and never opened by us.

Pure: bytes in, bytes out. They are kept for a person of the team, who plays them in a player or takes them down.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .photo_safety import Fault, PhotoRefused

MAX_BYTES = 16_000_000  # WhatsApp's own limit for sound and videos
DEEPEST = 6  # boxes in boxes of an MP4
MOST_BOXES = 10_000
# ISO/IEC 14496-12: what holds other boxes on the way to the tracks.
HOLDERS = {b"moov", b"trak", b"mdia", b"moof", b"traf"}
# Free words about the film: where it was taken, with what, by whom. Nobody needs them to play it.
TELL_TALES = {b"udta", b"meta", b"uuid"}
STILL_PICTURES = (b"heic", b"heix", b"heif", b"mif1", b"msf1", b"avif", b"avis", b"crx ")
PLAYABLE = {
    ".ogg": "audio/ogg",
    ".mp3": "audio/mpeg",
    ".aac": "audio/aac",
    ".amr": "audio/amr",
    ".m4a": "audio/mp4",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".3gp": "video/3gpp",
}
TYPES = {**PLAYABLE, ".pdf": "application/pdf", ".jpg": "image/jpeg"}
CLAIMS = ("audio/", "video/", "application/pdf")  # of what is not meant as a photo


@dataclass(frozen=True)
class SafeFile:
    content: bytes
    suffix: str  # a key of TYPES


def is_claimed(claimed_type: str) -> bool:
    """The network says that this is sound, a video or a PDF."""
    return claimed_type.lower().startswith(CLAIMS)


def kind_of(claimed_type: str) -> str:
    """What the team's list says of a message without words."""
    kind = claimed_type.lower().partition("/")[0]
    if kind in ("audio", "video"):
        return "Voice message" if kind == "audio" else "Video"
    return "Document" if is_claimed(claimed_type) else "Photo"


def make_safe(content: bytes) -> SafeFile:
    """Raises PhotoRefused. What a file claims to be is not asked."""
    if len(content) > MAX_BYTES:
        raise PhotoRefused(Fault.FILE_TOO_LARGE)
    if content[:4] == b"OggS" and content[28:35] in (b"OpusHea", b"\x01vorbis"):  # RFC 3533, 7845
        return SafeFile(content, ".ogg")
    if content[:6] == b"#!AMR\n" or content[:9] == b"#!AMR-WB\n":
        return SafeFile(content, ".amr")
    if content[4:8] == b"ftyp":
        return _film(content)
    if content[:5] == b"%PDF-":
        if b"%%EOF" not in content[-2048:]:
            raise PhotoRefused(Fault.FILE_DAMAGED)
        return SafeFile(content, ".pdf")
    sound = _without_id3(content)
    if len(sound) > 4 and sound[0] == 0xFF and sound[1] & 0xF6 == 0xF0:
        return SafeFile(sound, ".aac")
    if len(sound) > 4 and sound[0] == 0xFF and sound[1] & 0xE0 == 0xE0 and _is_layer_three(sound):
        return SafeFile(sound, ".mp3")
    raise PhotoRefused(Fault.UNKNOWN)


def _without_id3(content: bytes) -> bytes:
    """Without the tag before an MP3, which may hold pictures and words of anybody (ID3v2.4, section 3.1)."""
    if content[:3] != b"ID3" or len(content) < 10:
        return content
    size = 0
    for byte in content[6:10]:
        size = size << 7 | byte & 0x7F
    return content[10 + size + (10 if content[5] & 0x10 else 0) :]


def _is_layer_three(sound: bytes) -> bool:
    version, layer, rate, sampling = sound[1] >> 3 & 3, sound[1] >> 1 & 3, sound[2] >> 4, sound[2] >> 2 & 3
    return version != 1 and layer == 1 and rate not in (0, 15) and sampling != 3


def _film(content: bytes) -> SafeFile:
    brand = content[8:12]
    if brand in STILL_PICTURES:
        raise PhotoRefused(Fault.UNKNOWN)
    film = bytearray(content)
    kinds: set[bytes] = set()
    moov = False
    for name, start, end in _boxes(film):
        if name in TELL_TALES:
            film[start - 4 : start] = b"free"
            film[start:end] = bytes(end - start)
        elif name == b"hdlr":
            kinds.add(bytes(film[start + 8 : start + 12]))
        moov = moov or name == b"moov"
    if not moov or not kinds & {b"vide", b"soun"}:
        raise PhotoRefused(Fault.FILE_DAMAGED)
    if b"vide" not in kinds:
        return SafeFile(bytes(film), ".m4a")
    return SafeFile(bytes(film), ".mov" if brand == b"qt  " else ".3gp" if brand[:3] == b"3gp" else ".mp4")


def _boxes(film: bytearray) -> Iterator[tuple[bytes, int, int]]:
    """(type, start of what is in it, end) of each box, holders before what they hold. Raises PhotoRefused."""
    waiting, seen = [(0, len(film), 0)], 0
    while waiting:
        at, end, depth = waiting.pop()
        while at < end:
            seen += 1
            if at + 8 > end or seen > MOST_BOXES or depth > DEEPEST:
                raise PhotoRefused(Fault.FILE_DAMAGED)
            size, name = struct.unpack_from(">I4s", film, at)
            start = at + 8
            if size == 1 and at + 16 <= end:
                (size,) = struct.unpack_from(">Q", film, start)
                start += 8
            elif size == 0 and depth == 0:
                size = end - at  # to the end of the file
            if size < start - at or at + size > end:
                raise PhotoRefused(Fault.FILE_DAMAGED)
            yield name, start, at + size
            if name in HOLDERS:
                waiting.append((start, at + size, depth + 1))
            at += size
