"""Addresses written in one message: read where the form is plain, left to people where it is not."""

import time

import pytest

from post_purchase.services.phrases import load
from post_purchase.services.postal import Address, parse, sample


@pytest.mark.parametrize(
    ("country", "text", "wanted"),
    [
        ("DE", "Lindenweg 7, 10115 Berlin", Address("Lindenweg 7", "10115", "Berlin", "", "DE")),
        ("DE", "Lindenweg 7\n D-10115  Berlin.", Address("Lindenweg 7", "10115", "Berlin", "", "DE")),
        ("NL", "Lindestraat 7 1012ab Amsterdam", Address("Lindestraat 7", "1012AB", "Amsterdam", "", "NL")),
        ("FR", "7 rue des Lilas\n75011 Paris", Address("7 rue des Lilas", "75011", "Paris", "", "FR")),
        (
            "US",
            "7 Linden St, Apt 2, Springfield, IL 62704",
            Address("7 Linden St, Apt 2", "62704", "Springfield", "IL", "US"),
        ),
    ],
)
def test_a_plain_address(country: str, text: str, wanted: Address) -> None:
    assert parse(text, country) == wanted


@pytest.mark.parametrize(
    ("country", "text"),
    [
        ("DE", "Berlin"),
        ("DE", "Lindenweg, 10115 Berlin"),
        ("DE", "10115 Berlin"),
        ("DE", "Can it go to Lindenweg 7, 10115 Berlin?"),
        ("DE", "Maria Muster, c/o Otto, Haus B, Lindenweg 7, 10115 Berlin"),
        ("DE", "7 Linden Street, Springfield, IL 62704"),
        ("JP", "東京都千代田区千代田1-1"),
        ("", "Lindenweg 7, 10115 Berlin"),
    ],
)
def test_what_is_not_plain_is_left_to_people(country: str, text: str) -> None:
    assert parse(text, country) is None


def test_every_sample_is_itself_read() -> None:
    forms = load("postal")
    countries = {*forms["zip_city"], *forms["city_province_zip"]}
    assert countries == set(forms["samples"])
    assert [country for country in countries if parse(sample(country), country) is None] == []


def test_hostile_text_is_read_in_no_time() -> None:
    began = time.process_time()
    for text in ("1 " * 5000, ("a1, " * 60)[:250], "1" * 250, ("1 a" * 90)[:250]):
        assert parse(text, "DE") is None
        assert parse(text, "US") is None
    assert time.process_time() - began < 0.5
