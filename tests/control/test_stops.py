"""Stop in any reasonable wording, in twelve languages, on sentences labelled by us; and what only sounds like it."""

from pathlib import Path

import pytest

from post_purchase.services.stops import Stop, heard_stop, wants_stop
from post_purchase.services.understanding import LANGUAGES

FOLDER = Path(__file__).resolve().parents[2] / "bench" / "sentences"


def labelled(name: str) -> list[tuple[str, bool, str]]:
    """(language, whether it is a stop, the sentence)"""
    found, language = [], ""
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            language = line.strip("[]")
        elif line and not line.startswith("#"):
            label, _, text = line.partition(" | ")
            found.append((language, label == "stop", text))
    return found


def test_every_sentence_that_the_lists_were_made_with_is_read_rightly():
    sentences = labelled("stops_development.txt")
    assert {language for language, _, _ in sentences} == set(LANGUAGES)
    assert [each for each in sentences if wants_stop(each[2]) != each[1]] == []


def test_sentences_that_the_lists_never_saw():
    """What is no STOP must never be one: it silences an order's news. Of the stops at most one in ten may slip."""
    sentences = labelled("stops_held_out.txt")
    assert [each for each in sentences if not each[1] and wants_stop(each[2])] == []
    stops = [each for each in sentences if each[1]]
    missed = [each for each in stops if not wants_stop(each[2])]
    assert len(missed) <= len(stops) // 10, missed


@pytest.mark.parametrize("text", ["stpo", "s t o p", "STOOP!", "unsubscibe", "Wrong number, stop"])
def test_a_stop_word_is_known_with_a_slip_of_the_pen_or_at_the_end(text: str):
    assert wants_stop(text)


@pytest.mark.parametrize("text", ["shop", "top!", "wrong size, swap for a large?", "Stop, I want another size"])
def test_what_is_only_written_like_one_is_none(text: str):
    assert not wants_stop(text)


def test_the_same_words_beside_an_order_are_mixed_and_without_a_thing_unclear():
    assert heard_stop("no more messages please") == Stop.SURE
    assert heard_stop("no more messages about my order please") == Stop.MIXED
    assert heard_stop("送らないで") == Stop.UNCLEAR
    assert heard_stop("why did you stop sending messages?") == Stop.NO
