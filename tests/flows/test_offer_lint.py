"""An offer is an offer, whatever its message is called."""

import copy

import pytest

from post_purchase.flows import shelf
from post_purchase.flows.offer_lint import lint
from post_purchase.flows.troubles import warnings

OFFER = "Take {{ reward.percentage | number }}% off: {{ reward.code }}"


def document(purpose: str = "service", text: str = OFFER, news: str = "order_delivered") -> dict:
    return {
        "trigger": {"news": [news]},
        "start": "make",
        "steps": {
            "make": {"kind": "reward", "timeout": "P1D", "next": "offer"},
            "offer": {"kind": "send", "message": "offer"},
        },
        "messages": {"offer": {"purpose": purpose}, "hi": {"purpose": "marketing"}},
        "texts": {"en": {"messages": {"offer": {"text": "Hello"}, "hi": {"text": "A code?"}}},
                  "de": {"messages": {"offer": {"text": text}}}},
    }  # fmt: skip


def said(raw: dict) -> list[str]:
    return [str(one) for one in lint(raw)]


@pytest.mark.parametrize("key", shelf.library())
def test_no_ready_made_flow_offers_under_another_name(key):
    assert said(shelf.library()[key]) == []


def test_an_offer_that_calls_itself_an_answer_or_order_news_is_named():
    for purpose, called in (("service", "an answer"), ("utility", "order news")):
        (one,) = said(document(purpose))
        assert one.startswith(f"messages.offer.purpose: This names reward.percentage and is marked as {called}, but")
    assert said(document("marketing")) == said(document("review_request")) == []
    assert said(document(text="Your order {{ order.name }} has arrived; products and reward.code as words")) == []
    assert len(said(document(text="{% for one in products %}{{ one.title }}{% endfor %}"))) == 1
    for place in ({"url": "{{ products[0].url }}"}, {"template": {"parameters": [{"value": "{{ reward.code }}"}]}}):
        hidden = document(text="Hello")
        hidden["messages"]["offer"] |= place
        assert len(said(hidden)) == 1
    form = document(text="Hello")
    form["texts"]["de"]["messages"]["offer"]["forms"] = {"sms": OFFER}
    assert len(said(form)) == 1


def test_what_the_shopper_asked_for_is_an_answer():
    assert said(document(news="message_received")) == []
    asked = document() | {"start": "ask"}
    asked["steps"] = asked["steps"] | {
        "ask": {"kind": "ask", "message": "hi", "choices": {"yes": "make", "no": None}, "timeout": "P1D"}
    }
    assert said(asked) == []
    silent = copy.deepcopy(asked)
    silent["steps"]["ask"]["on_timeout"] = "make"
    assert len(said(silent)) == 1
    heard = copy.deepcopy(asked) | {"listeners": [{"news": ["order_paid"], "goto": "make"}]}
    assert len(said(heard)) == 1
    heard["listeners"][0]["news"] = ["media_stored"]
    assert said(heard) == []


def test_a_question_of_the_same_step_may_answer_the_answer_but_not_begin_with_it():
    review = document() | {"start": "review"}
    review["steps"] = {"review": {"kind": "collect_review", "question": "hi", "more_question": "offer"}}
    assert said(review) == []
    review["steps"]["review"]["reminder"] = "offer"
    assert len(said(review)) == 1


def test_nothing_breaks_it_and_the_merchant_reads_it():
    unknown = {"trigger": {"news": "x"}, "start": "a", "steps": {"a": {"kind": "send", "message": "b"}}}
    hollow = {"steps": None, "messages": None, "texts": {"en": None}}
    for broken in ({}, {"start": 4, "steps": {"a": 3}}, hollow, unknown):
        assert said(broken) == []
    assert any("nobody has asked here" in str(one) for one in warnings(document(), ["en", "de"], {}, {}))
