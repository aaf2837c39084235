"""What else shoppers send, made by hand: a voice message and a video such as a phone writes, with a place in it."""

import struct

SILENT_FRAME = b"\xff\xfb\x90\xc4" + bytes(413)  # MPEG-1, layer III, 128 kbit/s at 44.1 kHz: 26 ms
PLACE = b"+52.5200+013.4050/"  # ISO 6709, as phones write it


def sample_voice(*, seconds: float = 2.0) -> bytes:
    """An MP3 of silence behind a tag with a name in it."""
    name = b"\x00Anna's phone"
    frame = b"TPE1" + struct.pack(">I", len(name)) + b"\0\0" + name
    return b"ID3\x03\0\0" + bytes([0, 0, 0, len(frame)]) + frame + SILENT_FRAME * max(1, int(seconds / 0.0261))


def opus_page() -> bytes:
    """The first page of an Ogg file, as WhatsApp's and Telegram's voice messages begin."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48000, 0, 0)
    return b"OggS\0\x02" + bytes(8) + struct.pack("<III", 1, 0, 0) + bytes([1, len(head)]) + head


def sample_film(*, brand: bytes = b"isom", handler: bytes = b"vide") -> bytes:
    """An MP4 of one empty track that says where it was taken, three times."""
    track = _box(b"trak", _box(b"mdia", _box(b"hdlr", bytes(8) + handler + bytes(13))) + _box(b"udta", PLACE))
    place = _box(b"udta", _box(b"\xa9xyz", struct.pack(">HH", len(PLACE), 0) + PLACE)) + _box(b"meta", PLACE)
    return _box(b"ftyp", brand + bytes(4) + brand) + _box(b"moov", track + place) + _box(b"mdat", b"pictures")


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content
