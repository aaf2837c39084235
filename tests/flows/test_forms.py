"""One message in other words for one network: chosen when the network is, shown in the editor, kept in files."""

import re

import pytest

from post_purchase.channels.drivers.sms.driver import words_of
from post_purchase.channels.sms_length import segments
from post_purchase.flows import files, shelf, sms_lint
from post_purchase.flows.definition import DocumentError, FlowDocument, load
from post_purchase.flows.diffing import differences
from post_purchase.flows.editing import problems_of
from post_purchase.flows.effects import Say
from post_purchase.flows.preview import preview, sample_facts, without_much
from post_purchase.flows.sample import sample_answers
from post_purchase.flows.wording import compose
from tests.flows.test_definition import document

NEWS = {"thank_you": "receipt", "shipped": "shipped", "out_for_delivery": "out_for_delivery", "delivered": "delivered"}
_PLACES = re.compile(r"\{\{.*?\}\}")
GSM = ("en", "de", "es", "it", "nl", "sv")
SHORT = ("en", "de", "it", "nl", "sv")  # Spanish answers have signs that make an SMS dear


def formed(**forms: str) -> dict:
    return document(texts={"en": {"messages": {"hello": {"text": "Long {{ order.name }}", "forms": forms}}}})


def composed(raw: dict, channel: str = ""):
    say = Say(key="a", step="a", message="hello")
    return compose(FlowDocument.model_validate(raw), say, sample_facts("en"), {}, channel=channel)


def test_the_form_of_the_network_is_chosen_and_else_the_text():
    raw = formed(sms="Short {{ order.name }}", email="{% if order.nothing %}x{% endif %}")
    content = composed(raw).content
    name = sample_facts("en")["order"]["name"]
    assert content.forms == {"sms": f"Short {name}"}  # what is filled in to nothing is no form
    assert {kind: content.on(kind).text for kind in ("sms", "email", "whatsapp")} == {
        "sms": f"Short {name}", "email": f"Long {name}", "whatsapp": f"Long {name}",
    }  # fmt: skip
    assert content.on("sms").forms == {}
    for kind in ("sms", "email", "whatsapp"):
        assert composed(raw, kind).content == content.on(kind)


def test_a_value_that_only_the_other_form_names_is_not_missed():
    raw = formed(sms="Short {{ order.unknown }}")
    assert preview(raw, "en", channel="sms")[0].missing == ["order.unknown"]
    assert preview(raw, "en", channel="whatsapp")[0].missing == []


def test_an_unknown_network_an_empty_and_a_broken_form_are_refused_where_they_are():
    for forms, where in (
        ({"pigeon": "coo"}, "texts.en.messages.hello.forms.pigeon"),
        ({"sms": ""}, "texts.en.messages.hello.forms.sms"),
        ({"sms": "{{ open"}, "texts.en.messages.hello.forms.sms"),
    ):
        with pytest.raises(DocumentError) as error:
            load(formed(**forms))
        assert error.value.problems[0].path.startswith(where)
    (problem,) = problems_of(formed(sms="{{ order.name | date: '%Y' }}"))
    assert problem.path == "texts.en.messages.hello.forms.sms"


def test_a_file_keeps_the_forms_and_a_difference_names_the_network():
    raw = load(formed(sms="Short")).to_json()
    assert files.read(files.write(raw)) == raw
    (change,) = differences(load(formed(sms="Brief")).to_json(), raw, {"en": "English"})
    assert [*map(str, change.lines)] == ["Hello, on sms: “Brief” became “Short”"]


def test_an_sms_of_many_parts_is_told():
    assert sms_lint.lint(formed(sms="a" * 459), ["en", "de"]) == []
    (problem,) = sms_lint.lint(formed(sms="a" * 460), ["en"])
    assert (problem.path, "4 parts" in problem.message) == ("texts.en.messages.hello.forms.sms", True)
    assert sms_lint.lint({"texts": {"en": {"messages": {"hello": {"forms": {"sms": "a" * 999}}}}}}, ["en"]) == []


def test_the_news_of_a_parcel_is_short_on_sms_in_every_language():
    for key, message in NEWS.items():
        flow = FlowDocument.model_validate(shelf.library()[key])
        for language in flow.texts:
            for facts in (sample_facts(language), without_much(sample_facts(language))):
                say = Say(key="a", step="a", message=message, parcel=next(int(pk) for pk in facts["parcels"]))
                sms = compose(flow, say, facts, {}, channel="sms").content.text
                assert facts["order"]["name"] in sms
                assert facts["shop"]["name"] in sms
                assert "{" not in sms
                found = segments(sms.replace("\u00a0", " "))
                assert found.number <= (2 if language in GSM else 3), (key, language, sms)


ASKED = {  # what a flow asks or says of its own accord, besides the news of parcels
    "delivery_trouble": ("delayed", "attempted", "could_not_be_delivered", "stalled", "person_looks"),
    "out_for_delivery": ("ready_for_pickup",), "address_check": ("ask", "remind"), "photo_review": ("ask_rating",),
    "win_back": ("ask",), "goes_with": ("offer",), "replenish": ("ask",), "referral": ("ask",),
}  # fmt: skip


def test_trouble_questions_and_offers_are_short_on_sms_in_every_language():
    """As the driver writes them: with the answers as lines and the link."""
    long, odd = [], []
    for key, messages in ASKED.items():
        flow = FlowDocument.model_validate(shelf.library()[key])
        for language, spoken in flow.texts.items():
            facts = sample_facts(language)
            answers, parcel = sample_answers(facts, flow), next(int(pk) for pk in facts["parcels"])
            for message in messages:
                titles = tuple(spoken.messages[message].choices)
                say = Say(key="a", step="a", message=message, parcel=parcel, choices=titles)
                sms = compose(flow, say, facts, answers, channel="sms").content
                where, words = f"{key}.{message} {language}", words_of(sms)
                english = flow.texts["en"].messages[message].forms["sms"]
                if set(_PLACES.findall(spoken.messages[message].forms["sms"])) != set(_PLACES.findall(english)):
                    odd.append(f"{where}: other values than the English")
                if not words.startswith(f"{facts['shop']['name']}: ") or "{" in words:
                    odd.append(where)
                if flow.messages[message].purpose == "marketing" and "STOP" not in words:
                    odd.append(f"{where}: no word on how to end it")
                if (found := segments(words).number) > (2 if language in SHORT else 3):
                    long.append(f"{where}: {found} parts\n{words}")
    assert odd == []
    assert long == []


def test_part_of_an_order_is_not_told_as_the_whole():
    flow, facts = FlowDocument.model_validate(shelf.library()["delivered"]), sample_facts("en")
    pk = next(iter(facts["parcels"]))
    facts["parcels"][pk]["partial"] = True
    say = Say(key="a", step="a", message="delivered", parcel=int(pk))
    assert "part of order" in compose(flow, say, facts, {}, channel="sms").content.text
