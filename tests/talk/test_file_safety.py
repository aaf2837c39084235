"""Voice messages, videos and PDFs: known by their bytes, freed of places, and anything else refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.pages.pictures import sample_photo
from demo.pages.recordings import PLACE, SILENT_FRAME, opus_page, sample_film, sample_voice
from post_purchase.services import file_safety
from post_purchase.services.file_safety import make_safe
from post_purchase.services.photo_safety import Fault, PhotoRefused

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (sample_voice(), ".mp3"),
        (SILENT_FRAME * 3, ".mp3"),
        (opus_page() + b"more", ".ogg"),
        (b"\xff\xf1\x50\x80" + bytes(40), ".aac"),
        (b"#!AMR\n" + bytes(40), ".amr"),
        (sample_film(), ".mp4"),
        (sample_film(brand=b"qt  "), ".mov"),
        (sample_film(brand=b"3gp4"), ".3gp"),
        (sample_film(brand=b"M4A ", handler=b"soun"), ".m4a"),
        (PDF, ".pdf"),
    ],
)
def test_it_is_known_by_its_bytes(content, suffix):
    assert make_safe(content).suffix == suffix


def test_a_film_says_no_longer_where_it_was_taken_and_is_as_long_as_before():
    film = sample_film()
    safe = make_safe(film)
    assert film.count(PLACE) == 3
    assert PLACE not in safe.content
    assert len(safe.content) == len(film)  # every address in it still holds
    assert safe.content.endswith(b"pictures")
    assert make_safe(safe.content).content == safe.content


def test_a_voice_message_says_no_longer_whose_phone_it_was():
    assert b"Anna" in sample_voice()
    assert make_safe(sample_voice()).content[:2] == b"\xff\xfb"
    assert b"Anna" not in make_safe(sample_voice()).content


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", Fault.UNKNOWN),
        (b"<html>", Fault.UNKNOWN),
        (b"MZ\x90", Fault.UNKNOWN),
        (b"PK\x03\x04", Fault.UNKNOWN),
        (sample_photo(), Fault.UNKNOWN),  # a photo has its own way
        (b"\xff\xfe<\0h\0t\0", Fault.UNKNOWN),  # UTF-16 begins like an MP3
        (b"OggS" + bytes(24) + b"fishead\0", Fault.UNKNOWN),
        (sample_film(brand=b"heic"), Fault.UNKNOWN),
        (sample_film(handler=b"text"), Fault.FILE_DAMAGED),
        (sample_film()[:60], Fault.FILE_DAMAGED),
        (b"%PDF-1.7\nhalf", Fault.FILE_DAMAGED),
        (b"<html>" + PDF, Fault.UNKNOWN),
        (bytes(file_safety.MAX_BYTES + 1), Fault.FILE_TOO_LARGE),
    ],
)
def test_all_else_is_refused(content, fault):
    with pytest.raises(PhotoRefused) as refused:
        make_safe(content)
    assert refused.value.fault == fault


@given(at=st.integers(0, 200), byte=st.integers(0, 255), cut=st.integers(0, 300))
def test_any_damage_ends_in_a_file_without_a_place_or_a_refusal(at, byte, cut):
    film = bytearray(sample_film())
    film[at % len(film)] = byte
    with contextlib.suppress(PhotoRefused):
        make_safe(bytes(film[: len(film) - cut]))


@given(st.binary(max_size=400))
def test_no_film_makes_it_fail_in_another_way(content):
    with contextlib.suppress(PhotoRefused):
        make_safe(b"\0\0\0\x10ftypisom\0\0\0\0" + content)


def test_a_nest_of_boxes_ends():
    box = b""
    for _ in range(200):
        box = (len(box) + 8).to_bytes(4) + b"moov" + box
    with pytest.raises(PhotoRefused):
        make_safe(b"\0\0\0\x10ftypisom\0\0\0\0" + box)


def test_many_empty_boxes_end():
    with pytest.raises(PhotoRefused):
        make_safe(b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08free" * 1_000_000)
