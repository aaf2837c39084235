"""The merchant's words on the checkout pages: saved by language, shown to the shopper, and no other shop's."""

import pytest

from post_purchase.models import Publication, PublicationKind
from post_purchase.services.checkout_config import words_in
from post_purchase.services.links import touchpoint_of
from post_purchase.words import TouchpointKind
from tests.pages import polaris_lint

WORDS = {"language": "de", "heading": "Fragen?", "text": "Wir antworten <b>sofort</b>"}


@pytest.fixture
def address(shop) -> str:
    return f"/app/touchpoints/{touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE).pk}"


def test_words_are_saved_by_language_and_published(owner, shop, address):
    assert owner.post(f"{address}/checkout-words", WORDS).status_code == 200
    assert words_in(shop, "de-AT") == {"heading": "Fragen?", "text": "Wir antworten <b>sofort</b>"}
    assert words_in(shop, "fr") == {}
    assert Publication.objects.get(shop=shop, kind=PublicationKind.CHECKOUT).next_attempt_at is not None
    html = owner.get(address).content.decode()
    assert "Fragen?" in html
    assert "<b>sofort</b>" not in html
    owner.post(f"{address}/checkout-words", {"language": "de", "heading": "", "text": ""})
    assert words_in(shop, "de") == {}


def test_the_fields_name_their_language(owner, shop, address):
    owner.post(f"{address}/checkout-words", WORDS | {"language": "pt-BR"})
    html = owner.get(address).content.decode()
    assert 'label="Heading in English"' in html
    assert 'label="Text in Portuguese (Brazil)"' in html
    assert "Heading (" not in html


def test_one_tick_shows_the_shops_own_words_to_everybody(owner, shop, address):
    own = {"language": shop.settings.default_language, "heading": "Hey there", "text": ""}
    owner.post(f"{address}/checkout-words", own)
    assert words_in(shop, "ar") == {}
    owner.post(f"{address}/checkout-words", own | {"everywhere": "1"})
    assert words_in(shop, "ar") == {"heading": "Hey there"}
    owner.post(f"{address}/checkout-words", WORDS)  # another language's form says nothing of it
    assert words_in(shop, "ar") == {"heading": "Hey there"}
    html = owner.get(address).content.decode()
    assert html.count("Show my words in every language") == 1
    assert 'name="everywhere" value="1" checked' in html
    owner.post(f"{address}/checkout-words", own)
    assert words_in(shop, "ar") == {}


@pytest.mark.npm
def test_the_page_uses_only_components_that_shopify_has(owner, address):
    assert polaris_lint.problems(owner.get(address).content.decode()) == []


@pytest.mark.parametrize("change", [{"language": "<x>"}, {"heading": "x" * 81}, {"text": "x" * 301}])
def test_bad_words_are_refused_and_nothing_is_changed(owner, shop, address, change):
    assert owner.post(f"{address}/checkout-words", WORDS | change).status_code == 422
    assert words_in(shop, "de") == {}


def test_a_rival_a_wrong_kind_and_a_wrong_method(owner, rival, shop, address):
    card = touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)
    assert rival.post(f"{address}/checkout-words", WORDS).status_code == 404
    assert owner.post(f"/app/touchpoints/{card.pk}/checkout-words", WORDS).status_code == 404
    assert owner.get(f"{address}/checkout-words").status_code == 405
