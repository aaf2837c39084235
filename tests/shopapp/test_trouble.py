"""What is kept of an error says what and where, and quotes nobody."""

from django.core.exceptions import ValidationError as ValidationFailed
from django.core.validators import validate_email
from pydantic import BaseModel, ValidationError

from shopapp.lib.http import HttpError
from shopapp.lib.trouble import describe


class Order(BaseModel):
    total: int


def test_an_error_is_named_with_its_place_and_without_its_text() -> None:
    try:
        {"order": 1}["maria@example.com"]
    except KeyError as error:
        words = describe(error)
    assert words.startswith("KeyError at shopapp/test_trouble.py:")
    assert words.endswith("in test_an_error_is_named_with_its_place_and_without_its_text")
    assert "maria" not in words


def test_the_place_is_the_last_line_of_our_own_code() -> None:
    try:
        validate_email("Maria Lang")
    except ValidationFailed as error:
        words = describe(error)
    assert "shopapp/test_trouble.py" in words
    assert "Maria" not in words


def test_a_payload_that_does_not_fit_is_told_by_its_fields() -> None:
    try:
        Order.model_validate({"total": "Maria"})
    except ValidationError as error:
        words = describe(error)
    assert words.startswith("ValidationError (total: int_parsing) at ")
    assert "Maria" not in words


def test_our_own_words_stay() -> None:
    assert describe(HttpError("Shopify cannot be reached", maybe_taken=False)) == "Shopify cannot be reached"
