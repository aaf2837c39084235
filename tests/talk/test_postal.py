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
        (
            "GB",
            "Flat 3, 12 High Street\nLeeds\nls1 4dy",
            Address("Flat 3, 12 High Street", "LS1 4DY", "Leeds", "", "GB"),
        ),
        ("GB", "221b Baker Street, London NW1 6XE", Address("221b Baker Street", "NW1 6XE", "London", "", "GB")),
        ("IT", "Via Garibaldi 5\n20121 Milano (MI)", Address("Via Garibaldi 5", "20121", "Milano", "MI", "IT")),
        ("IT", "Corso Cavour 12, 70121 Bari BA", Address("Corso Cavour 12", "70121", "Bari", "BA", "IT")),
        (
            "ES",
            "Carrer de Mallorca 401, 2º, 08013 Barcelona",
            Address("Carrer de Mallorca 401, 2º", "08013", "Barcelona", "B", "ES"),
        ),
        ("ES", "Gran Vía 28, 28013 Madrid", Address("Gran Vía 28", "28013", "Madrid", "M", "ES")),
        ("PT", "Rua Augusta 24, 1100-053 Lisboa", Address("Rua Augusta 24", "1100-053", "Lisboa", "", "PT")),
        (
            "TR",
            "Bağ Cd. 12, 34710 Kadıköy/İstanbul",
            Address("Bağ Cd. 12", "34710", "Kadıköy/İstanbul", "", "TR"),
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
        ("GB", "12 High Street, Leeds"),
        ("IT", "Via Garibaldi 5, 20121 Milano"),
        ("ES", "Gran Vía 28, 99013 Madrid"),
        ("", "Lindenweg 7, 10115 Berlin"),
    ],
)
def test_what_is_not_plain_is_left_to_people(country: str, text: str) -> None:
    assert parse(text, country) is None


def test_every_sample_is_itself_read() -> None:
    forms = load("postal")
    kinds = ("zip_city", "zip_city_province", "city_zip", "city_province_zip")
    countries = {country for kind in kinds for country in forms[kind]}
    assert countries == set(forms["samples"])
    assert [country for country in countries if parse(sample(country), country) is None] == []


def test_hostile_text_is_read_in_no_time() -> None:
    began = time.process_time()
    for text in ("1 " * 5000, ("a1, " * 60)[:250], "1" * 250, ("1 a" * 90)[:250]):
        for country in ("DE", "US", "GB", "IT"):
            assert parse(text, country) is None
    assert time.process_time() - began < 0.5
