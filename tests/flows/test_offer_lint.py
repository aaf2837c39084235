"""An offer is an offer, whatever its message is called."""

import copy

import pytest

from post_purchase.flows import shelf
from post_purchase.flows.editing import problems_of
from post_purchase.flows.message_rules import say_no_offer, set_purpose
from post_purchase.flows.offer_lint import findings, hints, lint, unasked_answers
from post_purchase.flows.offer_words import fold, terms
from post_purchase.flows.reshaping import CannotReshape

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
    assert hints(shelf.library()[key]) == unasked_answers(shelf.library()[key]) == []


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
    assert any("nobody has asked here" in str(one) for one in problems_of(document()))


SALE = "Only this weekend: 30% off everything! Buy now with the code SALE30."


def news(text: str, purpose: str = "utility", language: str = "en") -> dict:
    return {
        "trigger": {"news": ["order_delivered"]},
        "start": "hi",
        "steps": {"hi": {"kind": "send", "message": "hi"}},
        "messages": {"hi": {"purpose": purpose}},
        "texts": {language: {"messages": {"hi": {"text": text}}}},
    }


def words(raw: dict) -> list[str]:
    found = findings(raw).get("hi")
    return found.words if found else []


def test_a_sale_written_as_news_an_answer_or_a_request_for_a_review_is_stopped():
    for purpose, called in (("utility", "order news"), ("service", "an answer"), ("review_request", "a request for a")):
        (one,) = said(news(SALE, purpose))
        assert one.startswith("messages.hi.purpose: This reads like an offer (“")
        assert f"is marked as {called}" in one
    assert said(news(SALE, "marketing")) == []
    assert {"30%", "SALE30", "Only this weekend", "Buy now"} <= set(words(news(SALE)))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Hello! Everything at half price today."),
        ("en", "€10 off for you"),
        ("en", "Take 3 for 2"),
        ("en", "The mug was €30, now it is yours for €20"),
        ("en", "Look: https://fern.example.com/discount/HELLO"),
        ("en", "S\u200bA\u200bL\u200bE in our shop"),
        ("en", "ＤＩＳＣＯＵＮＴ inside"),
        ("de", "20 % auf alles, nur an diesem Wochenende"),
        ("de", "Jetzt kaufen und Rabattcode einlösen"),
        ("de", "Statt 49 € nur 29 €"),
        ("fr", "-30 % sur tout le site"),
        ("fr", "Profitez de nos SOLDES"),
        ("es", "Rebajas: compra ahora"),
        ("it", "Sconti fino al 50 per cento"),
        ("nl", "Korting op alles, koop nu"),
        ("pt-BR", "Cupom de 15 por cento, aproveite agora"),
        ("pl", "Wyprzedaz! Kup teraz"),
        ("sv", "Rea: köp nu till halva priset"),
        ("tr", "%30 İNDİRİM, hemen al"),
        ("tr", "%40 daha uygun"),
        ("ar", "خصومات ٣٠٪ على كل شيء"),
        ("ar", "استفد من الخصم الآن"),
        ("ja", "全品３０％オフのセール"),
        ("ja", "本日限り半額"),
        ("en", "Jetzt Gutschein sichern"),  # German words in a flow whose only language is called English
        ("da", "Spar 20 % med rabatkode"),
        ("en", "{% if order.name %}A sale{% endif %} for you"),
        ("en", "{{ contact.first_name | default: 'Buy now' }}"),
    ],
)
def test_offers_are_found_in_every_language_however_they_are_typed(language, text):
    assert words(news(text, language=language)), text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Your mug is 100% cotton-free and on its way."),
        ("en", "Your order {{ order.name }} was handed to DHL. The pick-up code is 4711."),
        ("en", "Wholesale and salesperson are no such words."),
        ("en", "The total is {{ order.total | money: order.currency }}; nothing more is due."),
        ("de", "Ihr Paket ist unterwegs und kommt am {{ parcel.day_expected | day }}."),
        ("en", "The delivery was €5 and is refunded."),
        ("fr", "Votre colis est en route ; il arrive demain."),
        ("sv", "Din order är nu klar."),
        ("it", "Il suo ordine è stato consegnato."),
        ("tr", "Siparişiniz yola çıktı."),
        ("ja", "ご注文の商品を発送しました。"),
        ("ar", "طلبك في الطريق إليك."),
    ],
)
def test_plain_news_is_left_in_peace(language, text):
    assert findings(news(text, language=language)) == {}


def test_every_place_of_a_message_is_read():
    for place in ("subject", "preheader", "url_title", "template"):
        raw = news("Hello")
        raw["messages"]["hi"]["url"] = "{{ shop.url }}"
        raw["texts"]["en"]["messages"]["hi"][place] = "Buy now"
        assert words(raw) == ["Buy now"], place
    for place in ({"forms": {"sms": "Big sale"}}, {"choices": {"yes": "Big sale"}}):
        raw = news("Hello")
        raw["texts"]["en"]["messages"]["hi"] |= place
        assert words(raw) == ["sale"], place
    raw = news("Hello {{ words.more }}")
    raw["texts"]["en"]["words"] = {"more": "to our sale", "other": "Buy now"}
    assert words(raw) == ["sale"]


def test_a_word_that_may_be_kindness_is_told_and_stops_nothing():
    raw = news("We recommend to wash it by hand.")
    assert said(raw) == []
    assert [str(one) for one in hints(raw)] == [
        "messages.hi.purpose: Some may read an offer in this (“recommend”). If it is one, make it an offer"
    ]
    assert problems_of(raw)[0].path != "messages.hi.purpose"


def test_an_answer_to_nobody_is_told():
    (one,) = unasked_answers(news("Hello", "service"))
    assert str(one).startswith("messages.hi.purpose.asked: It is marked as an answer, but nobody has")
    written = news("Hello", "service") | {"trigger": {"news": ["message_received", "conversation_closed"]}}
    assert unasked_answers(written) == unasked_answers(news("Hello")) == []


def test_who_was_asked_for_offers_may_hear_the_word_but_no_pushing():
    asked = news("Would you like to hear of sales?", "marketing")
    asked["steps"] = {
        "hi": {"kind": "ask", "message": "hi", "choices": {"yes": "tell", "no": None}, "timeout": "P1D"},
        "tell": {"kind": "send", "message": "tell"},
    }
    asked["messages"]["tell"] = {"purpose": "service"}
    asked["texts"]["en"]["messages"]["tell"] = {"text": "We tell you when a sale opens."}
    assert said(asked) == []
    asked["texts"]["en"]["messages"]["tell"]["text"] = "The sale is open: 30% off."
    assert len(said(asked)) == 1
    asked["texts"]["en"]["messages"]["tell"]["text"] = "We tell you when a sale opens."
    asked["messages"]["hi"]["purpose"] = "utility"  # whether all is well, say: nobody has asked for offers
    assert [one.split(":")[0] for one in said(asked)] == ["messages.hi.purpose", "messages.tell.purpose"]


def test_a_false_alarm_is_answered_by_name_and_asked_again_when_the_sentence_changes():
    raw = news("The jug is 60% full. It is on its way.")
    answered, told = say_no_offer(raw, "hi", by="77", at="2026-11-25T22:00:00+00:00")
    assert (told, said(answered)) == (["60%"], [])
    assert {name: answered["messages"]["hi"]["no_offer"][name] for name in ("by", "at")} == {
        "by": "77", "at": "2026-11-25T22:00:00+00:00"
    }  # fmt: skip
    assert said(raw) != []
    spoken = answered["texts"]["en"]["messages"]["hi"]
    spoken["text"] = "The jug is 60%  full. It comes today."
    assert said(answered) == []
    spoken["text"] = "The jug is 60% off. It comes today."
    assert len(said(answered)) == 1
    with pytest.raises(CannotReshape):
        say_no_offer(news("Hello"), "hi", by="77", at="")
    valued = document("utility")
    assert said(say_no_offer(valued, "offer", by="7", at="")[0]) == []


def test_an_offer_by_one_click_takes_its_template_along_and_back():
    raw = news(SALE)
    raw["messages"]["hi"] |= {"template": {"name": "shop_hi"}, "no_offer": {"by": "7", "at": "", "said": []}}
    offer = set_purpose(raw, "hi", "marketing")
    assert offer["messages"]["hi"] == {
        "purpose": "marketing", "template": {"name": "shop_hi_offer", "category": "MARKETING"}
    }  # fmt: skip
    assert said(offer) == []
    back = set_purpose(offer, "hi", "utility")["messages"]["hi"]
    assert (back["template"]["name"], back["template"]["category"]) == ("shop_hi", "UTILITY")
    for bad in (("gone", "utility"), ("hi", "spam")):
        with pytest.raises(CannotReshape):
            set_purpose(raw, *bad)


def test_folding_finds_words_without_accents_and_in_capitals():
    for text, plain in (("RÉDUCTION", "reduction"), ("İNDİRİM", "indirim"), ("Zniżka", "znizka"), ("FIRSAT", "firsat")):
        assert fold(text) == plain
    assert [term.words for term in terms("Große RÉDUCTION heute", "fr")] == ["RÉDUCTION"]
