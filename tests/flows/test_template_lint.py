"""What is said of a message template before Meta says it."""

import copy

import pytest

from post_purchase.flows import shelf
from post_purchase.flows.team_templates import team_specs, team_templates
from post_purchase.flows.template_lint import body_problems, lint, promotional_words
from post_purchase.flows.templates import specs_of, template_specs
from post_purchase.flows.troubles import warnings
from post_purchase.services.templates import why_unfit
from tests.factories import make_shop

LANGUAGES = ["ar", "de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt-BR", "sv", "tr"]
GOOD = "Your order {{1}} is on its way with {{2}} today."


def document(body: str = GOOD, *, category: str = "UTILITY", purpose: str = "utility", sample: str = "1001") -> dict:
    parameters = [{"name": "order", "value": "x", "sample": sample}, {"name": "carrier", "value": "y", "sample": "DHL"}]
    template = {"name": "doorstep_x", "category": category, "parameters": parameters}
    return {
        "messages": {"hello": {"purpose": purpose, "template": template}},
        "texts": {"en": {"messages": {"hello": {"text": "Hello", "template": body}}}},
    }


@pytest.mark.parametrize("key", shelf.library())
def test_every_ready_made_template_is_as_meta_wants_it(key):
    assert [str(problem) for problem in lint(shelf.library()[key])] == []


@pytest.mark.parametrize("key", shelf.library())
def test_every_ready_made_template_is_handed_to_meta_in_every_language(key):
    """Japanese names the order before the product: the numbers need not stand in a row."""
    specs = specs_of(shelf.ready_made(key), [])
    assert [(spec.name, spec.language, why) for spec in specs if (why := why_unfit(spec))] == []


@pytest.mark.parametrize("spec", team_specs([]), ids=lambda spec: f"{spec.name}-{spec.language}")
def test_the_teams_own_templates_are_as_meta_wants_them(spec):
    assert why_unfit(spec) == ""
    assert list(body_problems(spec.body, spec.category, spec.language)) == []


@pytest.mark.django_db
def test_the_teams_own_templates_speak_every_language_and_go_to_meta_with_the_others():
    by_name: dict[str, list[str]] = {}
    for spec in template_specs(make_shop()):
        by_name.setdefault(spec.name, []).append(spec.language)
    assert {name: sorted(languages) for name, languages in by_name.items()} == dict.fromkeys(
        team_templates(), LANGUAGES
    )


def test_no_two_flows_give_one_name_to_two_templates_or_one_body_to_two_names():
    names: dict[tuple[str, str], str] = {}
    bodies: dict[tuple[str, str], str] = {}
    for raw in shelf.library().values():
        for message, spec in raw["messages"].items():
            if "template" not in spec:
                continue
            name = spec["template"]["name"]
            for language, spoken in raw["texts"].items():
                if body := spoken["messages"].get(message, {}).get("template"):
                    assert names.setdefault((name, language), body) == body
                    assert bodies.setdefault((body, language), name) == name


def test_every_message_that_comes_by_itself_has_a_template_or_says_why_not():
    """An answer goes inside the window. What comes days later needs a template, or is only said in an open chat."""
    without = {
        f"{key}.{message}"
        for key, raw in shelf.library().items()
        for message, spec in raw["messages"].items()
        if spec["purpose"] != "service" and "template" not in spec
    }
    assert without == {"photo_review.remind_photo", "thank_you.welcome"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{{1}} is your order, with {{2}} today.", "may not begin or end with a value"),
        ("Your order {{1}} is on its way with {{2}}.", "may not begin or end with a value"),
        ("Your order {{1}} {{2}} is on its way today.", "two values may not stand side by side"),
        ("Your order {{1}} is on its way today with them.", "must use each of {{1}} to {{2}}"),
        ("Your order {{name}} and {{1}} on {{2}} today is here.", "write values as {{1}}, {{2}}"),
        ("Order {{1}} by {{2}} now", "has too few words for so many values"),
        (GOOD + "\n\n\nBye", "more than one empty line in a row is refused"),
        (GOOD + "\tBye", "tabs and long gaps are refused"),
        (GOOD + "     Bye", "tabs and long gaps are refused"),
        (GOOD + "🎁" * 11, "has more than 10 emojis"),
        (GOOD + " x" * 600, "is longer than 1024 characters"),
        (GOOD + " Get 10% off your next order!", "reads like an offer to Meta (“% off”)"),
        (GOOD + " Use the code for a DISCOUNT.", "reads like an offer to Meta (“discount”)"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(body, why):
    found = [problem for problem in lint(document(body)) if why in problem.message]
    assert [problem.path for problem in found] == ["texts.en.messages.hello.template"]


def test_a_good_template_has_nothing_to_say_and_an_offer_may_offer_as_marketing():
    assert lint(document()) == []
    assert lint(document(GOOD + " Get 10% off your next order!", category="MARKETING", purpose="marketing")) == []


def test_an_offer_in_a_utility_template_a_missing_and_an_odd_sample():
    assert [str(each) for each in lint(document(purpose="marketing"))] == [
        "messages.hello.template.category: an offer needs a template of the category MARKETING"
    ]
    for sample, why in (("", "Meta wants a sample of each value"), ("{{ order.name }}", "a sample is a short value")):
        [found] = lint(document(sample=sample))
        assert found.path == "messages.hello.template.parameters.0.sample"
        assert found.message.startswith(why)


def test_the_same_words_under_two_names_and_a_tap_that_is_cut():
    twice = document()
    twice["messages"]["other"] = copy.deepcopy(twice["messages"]["hello"])
    twice["messages"]["other"]["template"] |= {"name": "doorstep_y", "category": "MARKETING"}
    twice["texts"]["en"]["messages"]["other"] = {
        "text": "x",
        "template": GOOD,
        "choices": {"a": "One and twenty letters"},
    }
    assert [str(each) for each in lint(twice)] == [
        "texts.en.messages.other.choices.a: WhatsApp shows 20 characters of a tap; this is cut",
        "texts.en.messages.other.template: Meta refuses a second template with the words of 'hello'",
    ]
    twice["messages"]["other"]["template"]["category"] = "UTILITY"  # both go with one template
    assert len(lint(twice)) == 1


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "Salesperson, wholesale: no sale here", ["sale"]),
        ("en", "A promotion", ["promo"]),
        ("de", "Ihr Rabattcode gilt", ["rabatt"]),
        ("de", "Die Bestellung ist unterwegs", []),
        ("pt-BR", "Um cupom para você", ["cupom"]),
        ("sv", "Din order är nu klar", []),  # "rea" is a word, not a part of one
        ("ar", "لديك خصم خاص", ["خصم"]),
        ("ja", "お得なクーポンです", ["クーポン", "お得"]),
        ("xx", "A discount", []),
    ],
)
def test_promotional_words_are_found_as_each_language_writes_them(language, text, words):
    assert promotional_words(text, language) == words


def test_there_is_a_list_for_every_language_that_we_speak():
    for language in LANGUAGES:
        sentence = {"ja": "割引", "ar": "خصم"}.get(language)
        assert promotional_words(sentence or _any(language), language), language


def _any(language: str) -> str:
    words = {"de": "Rabatt", "en": "discount", "es": "descuento", "fr": "réduction", "it": "sconto", "nl": "korting"}
    return (words | {"pl": "rabat", "pt-BR": "desconto", "sv": "rabatt", "tr": "indirim"})[language]


@pytest.mark.parametrize(
    "body", ["", "{{", "}}{{", "{{}}", "{{ 1 }}", "\x00", "٪", "{{99999999999999999999}}", "a" * 9000]
)
def test_no_input_breaks_it(body):
    list(body_problems(body, "UTILITY", "en"))
    lint(document(body))
    lint({"messages": {"x": None}, "texts": {"en": None, "de": {"messages": None}}})


def test_the_merchant_sees_it_at_the_message():
    told = warnings(document(GOOD + " Get 10% off!") | {"steps": {}}, ["en"], {}, {"en": "English"})
    assert any("reads like an offer to Meta" in problem.message for problem in told)
