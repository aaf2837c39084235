"""A rewarded review says so in the page's language where the flow that asked for it knows the words."""

import json

import pytest

from demo.pages.theme import ThemePage, draw_block
from post_purchase.flows.shelf import library, ready_made
from post_purchase.flows.wording import disclosure
from post_purchase.models import FlowVersion
from post_purchase.services.disclosure_words import translations
from post_purchase.services.review_page import MAX_DISCLOSURES, review_page

from .conftest import PRODUCT

DOCUMENT = library()["photo_review"]
LANGUAGES = sorted(DOCUMENT["texts"])


def stored(language: str, discount: int = 15) -> str:
    """The words as the flow stores them with a review."""
    facts = {
        "language": language,
        "default_language": "en",
        "timezone": "Europe/Berlin",
        "reward": {"percentage": discount},
    }
    return disclosure(ready_made("photo_review"), "disclosure", facts)[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ready_words_are_known_in_every_language_whichever_was_stored(language):
    said = translations(DOCUMENT, stored(language))
    assert len(LANGUAGES) == 12
    assert said == {each.split("-")[0]: stored(each) for each in LANGUAGES}


@pytest.mark.parametrize(
    "words", ["", "Maria got 10% off.", stored("en") + " And a mug.", stored("en").replace("15", "many")]
)
def test_words_that_the_flow_does_not_say_have_no_others(words):
    assert translations(DOCUMENT, words) == {}


def test_words_with_more_in_them_than_the_discount_stay_as_they_are():
    texts = {"en": {"words": {"note": "A gift: {{ gift }}"}}, "de": {"words": {"note": "Ein Geschenk: {{ gift }}"}}}
    assert translations({"texts": texts}, "A gift: {{ gift }}") == {}
    assert translations({"texts": texts}, "A gift: mug") == {}
    fixed = {"en": {"words": {"note": "Got a gift"}}, "de": {"words": {"note": "Bekam ein Geschenk"}}}
    assert translations({"texts": fixed}, "Bekam ein Geschenk") == {"en": "Got a gift", "de": "Bekam ein Geschenk"}


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "shown"), [("en", "en"), ("pt-BR", "pt-BR"), ("ar", "ar"), ("de-AT", "de")])
def test_a_page_says_it_in_its_own_language_and_the_proof_stays(give, shop, language, shown):
    kept = stored("de")
    first = give(language="de", disclosure=kept)
    FlowVersion.objects.filter(pk=first.run.version_id).update(document=DOCUMENT)
    give(language="de", disclosure=kept)
    give(language="de", disclosure="Ada bekam eine Tasse.")
    give(language="de", incentivised=False, disclosure="")
    page = json.loads(review_page(shop, PRODUCT))
    assert [each["said_in"] for each in page["reviews"]] == [-1, -1, 0, 0]
    assert [each["disclosure"] for each in page["reviews"]] == ["", "Ada bekam eine Tasse.", kept, kept]
    assert len(page["disclosures"]) == 1
    product = {"id": PRODUCT, "title": "Mug", "url": "/products/mug"}
    html = draw_block("reviews", ThemePage(language=language, product=product, reviews=page))
    tag = shown.split("-")[0]
    assert html.count(f'<span dir="auto" lang="{tag}">{stored(shown)}</span>') == 2
    assert html.count('<span dir="auto" lang="de">Ada bekam eine Tasse.</span>') == 1


@pytest.mark.django_db
def test_a_language_that_nobody_wrote_reads_the_stored_words(give, shop):
    kept = stored("de")
    first = give(language="de", disclosure=kept)
    FlowVersion.objects.filter(pk=first.run.version_id).update(document=DOCUMENT)
    page = json.loads(review_page(shop, PRODUCT))
    for words in page["disclosures"]:
        del words["en"]
    html = draw_block("reviews", ThemePage(product={"id": PRODUCT, "title": "Mug", "url": "/m"}, reviews=page))
    assert f'<span dir="auto" lang="de">{kept}</span>' in html


@pytest.mark.django_db
def test_many_different_discounts_leave_room_for_the_reviews(give, shop):
    for discount in range(1, 31):
        review = give(language="de", disclosure=stored("de", discount))
    FlowVersion.objects.filter(pk=review.run.version_id).update(document=DOCUMENT)
    page = json.loads(review_page(shop, PRODUCT))
    size = len(json.dumps(page["disclosures"], ensure_ascii=False, separators=(",", ":")).encode())
    assert MAX_DISCLOSURES * 0.9 < size <= MAX_DISCLOSURES
    assert len(page["reviews"]) == 30
    places = [each["said_in"] for each in page["reviews"]]
    assert places[0] == 0
    assert places[-1] == -1
    assert set(places) == {-1, *range(len(page["disclosures"]))}
