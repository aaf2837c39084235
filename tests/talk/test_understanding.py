"""What shoppers ask, by word lists: pure, so no database."""

from time import process_time

import pytest

from bench.intents import Case, cases, score
from post_purchase.services.understanding import LANGUAGES, MAX_CHARACTERS, Context, understand


def names(text: str, language: str = "en") -> frozenset[str]:
    return understand(text, language).names


@pytest.mark.parametrize("file", ["development", "held_out"])
def test_labelled_sentences_are_understood_and_little_is_invented(file: str):
    given = cases(file)
    assert {case.language for case in given} == set(LANGUAGES)
    for language in LANGUAGES:
        own = [case for case in given if case.language == language]
        assert len(own) >= 20
        found = score(own, names)
        assert found.right / found.total >= 0.9, language
        assert found.invented <= 1, language


def test_the_score_counts_silence_and_invention_apart():
    given = [
        Case("en", frozenset({"where"}), "a"),
        Case("en", frozenset(), "b"),
        Case("en", frozenset({"cancel"}), "c"),
    ]
    found = score(given, lambda text, _: frozenset({"where"}) if text in "bc" else frozenset())
    assert (found.right, found.silent, found.wrong, found.invented) == (0, 1, 2, 2)


def test_slips_of_the_pen_cost_confidence():
    exact, slipped = understand("where is my parcel", "en"), understand("where is my pracel", "en")
    assert (exact.intent, slipped.intent) == ("where", "where")
    assert slipped.confidence < exact.confidence
    assert names("where is my pruckl") == frozenset()


def test_one_word_does_not_say_two_things():
    assert names("der Bote war grosso", "de") == frozenset()  # neither "Größe" nor "groß", and never both at once


def test_cancel_alone_is_about_the_order_only_where_one_may_be_cancelled():
    assert understand("Cancel please", "en", Context(may_cancel=True)).names == {"cancel"}
    assert understand("cancel", "en").names == {"stop"}


def test_several_questions_and_what_is_picked_out():
    found = understand("Where is #1001? Please cancel order DS-77, mail Ann@Example.com!", "en", Context(("DS-77",)))
    assert "cancel" in found.names
    assert found.slots == {"order_numbers": ("1001", "DS-77"), "emails": ("ann@example.com",)}


def test_thanks_around_a_question_are_only_polite():
    assert names("Thanks! When will it arrive?") == {"when"}


def test_what_is_refused_is_not_asked_in_any_other_language_either():
    assert names("No quiero cancelar nada", "es") == frozenset()
    assert names("please don't cancel my order") == frozenset()


def test_a_shopper_may_write_in_another_language_than_the_order():
    found = understand("Gdzie jest moja paczka?", "en")
    assert found.intent == "where"
    assert found.confidence < understand("Gdzie jest moja paczka?", "pl").confidence


def test_a_long_story_is_left_to_people():
    assert understand("where is my order " + "and so it went on " * 6, "en").intent == "other"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "where " * 200_000,
        "@" * 1_000_000,
        "a@a." * 250_000,
        "\u0301" * 100_000,
        "#" * 100_000,
        "\x00\ud800",
    ],
    ids=["letters", "words", "ats", "mails", "accents", "signs", "broken"],
)
def test_hostile_texts_are_read_up_to_a_bound(text: str):
    understand("warm", "en")
    began = process_time()
    found = understand(text, "xx-nowhere")
    assert found == understand(text[:MAX_CHARACTERS], "xx-nowhere")
    assert process_time() - began < 2
