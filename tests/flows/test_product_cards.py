"""Several products that a flow has found go as cards, where the message names them and asks nothing."""

from typing import Any

import pytest

from post_purchase.channels.base import OutMessage
from post_purchase.flows.definition import FlowDocument
from post_purchase.flows.effects import Say
from post_purchase.flows.sample import sample_facts
from post_purchase.flows.wording import compose
from post_purchase.services.phrases import load
from tests.flows.test_definition import document

STORE = "https://fern.example.com"
NAMES_THEM = "These fit: {{ products | map: 'title' | join: ', ' }}"


def product(name: str, **more: Any) -> dict[str, Any]:
    page = {"url": f"{STORE}/products/{name}", "cart_url": f"{STORE}/cart/{name}:1?discount=TEN"}
    picture = {"image_url": f"https://cdn.example.com/{name}.jpg", "price": "24.00", "currency": "EUR"}
    return {"product_id": 1, "title": name} | page | picture | more


def said(*products: dict[str, Any], text: str = NAMES_THEM, language: str = "en", **more: Any) -> OutMessage:
    raw = document(texts={"en": {"messages": {"hello": {"text": text, "choices": {"yes": "Yes"}}}}})
    say = Say(key="a", step="a", message="hello", choices=more.pop("choices", ()))
    answers = {"products": list(products)} | more
    return compose(FlowDocument.model_validate(raw), say, sample_facts(language), answers).content


def test_each_product_is_a_card_with_its_price_and_page() -> None:
    message = said(product("mug"), product("pot"))
    assert message.text == "These fit: mug, pot"
    assert [card.model_dump() for card in message.cards] == [
        {
            "title": name,
            "text": "€24.00",
            "image_url": f"https://cdn.example.com/{name}.jpg",
            "url": f"{STORE}/products/{name}",
            "reply_id": "",
            "button": "View",
        }
        for name in ("mug", "pot")
    ]


def test_with_a_discount_the_link_is_the_cart_that_has_it() -> None:
    message = said(product("mug"), product("pot"), reward={"code": "TEN"})
    assert message.cards[0].url == f"{STORE}/cart/mug:1?discount=TEN"


@pytest.mark.parametrize(
    "message",
    [
        said(product("mug")),
        said(product("mug"), product("pot", image_url="")),
        said(product("mug"), product("pot", url="", cart_url="")),
        said(product("mug"), product("pot"), text="Thank you!"),
        said(product("mug"), product("pot"), choices=("yes",)),
        said(),
    ],
    ids=["one product", "no picture", "no page", "a text that does not name them", "a question", "none"],
)
def test_else_there_are_no_cards(message: OutMessage) -> None:
    assert message.cards == []


def test_a_product_without_a_price_is_shown_without_one() -> None:
    assert [card.text for card in said(product("mug", price=None), product("pot")).cards] == ["", "€24.00"]


def test_the_button_fits_every_network_in_every_language() -> None:
    assert {language for language, words in load("phrases")["see_product"].items() if len(words) > 20} == set()
