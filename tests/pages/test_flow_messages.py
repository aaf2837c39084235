"""What a message is for, whether it is an offer, its template, languages and link, changed in the editor."""

from copy import deepcopy

import pytest

from post_purchase.flows import files
from post_purchase.flows.definition import load
from post_purchase.flows.editing import add_flow, problems_of
from post_purchase.models import Flow, ShopSettings
from post_purchase.web.pages.flow_files import scratch
from tests import factories
from tests.pages.seed import Seed
from tests.pages.visitor import Visitor

SALE = "Only this weekend: 30% off everything! Buy now with the code SALE30."
TEXT = "texts.en.messages.send.text"


@pytest.fixture
def rows(kept_rows: Seed, db: None, at: object) -> Seed:
    return deepcopy(kept_rows)


@pytest.fixture
def owner(rows: Seed) -> Visitor:
    return Visitor(rows.shop.domain)


@pytest.fixture
def flow(rows: Seed) -> Flow:
    return add_flow(rows.shop, scratch("Weekend", "order_delivered"))


def draft(flow: Flow) -> dict:
    flow.refresh_from_db()
    return flow.draft


def shown(owner, flow: Flow, step: str = "send", language: str = "en") -> str:
    return owner.get(f"/app/flows/{flow.pk}?step={step}&language={language}").content.decode()


def save(owner, flow: Flow, fields: dict[str, object], step: str = "send", language: str = "en"):
    form = {"force": "1", "language": language, "ticks": "1"} | fields
    return owner.post(f"/app/flows/{flow.pk}/steps/{step}", form)


def change(owner, flow: Flow, do: str, **fields: object):
    return owner.post(f"/app/flows/{flow.pk}/change", {"do": do, "language": "en", "step": "send"} | fields)


def history(flow: Flow) -> list[tuple[str, str]]:
    return list(flow.drafts.order_by("place").values_list("what", "saved_by"))


@pytest.fixture
def begun(owner, flow: Flow) -> Flow:
    assert change(owner, flow, "add", edge="start", kind="send").status_code == 200
    draft(flow)
    return flow


def test_a_new_message_says_what_it_is_for_and_can_be_something_else(owner, begun):
    assert draft(begun)["messages"]["send"] == {"purpose": "utility"}
    assert '<span id="purpose-send">News of the order</span>' in shown(owner, begun)
    answer = save(owner, begun, {"messages.send.purpose": "review_request"}).json()
    assert answer["drawn"]["purpose-send"] == "Asks for a review"
    assert draft(begun)["messages"]["send"] == {"purpose": "review_request"}
    assert save(owner, begun, {"messages.send.purpose": "spam", "messages.hello.purpose": "service"}).status_code == 200
    assert draft(begun)["messages"] == {"hello": {"purpose": "utility"}, "send": {"purpose": "review_request"}}
    change(owner, begun, "undo", place=begun.draft_place)
    assert draft(begun)["messages"]["send"] == {"purpose": "utility"}


def test_what_begins_with_silence_begins_as_an_offer_and_what_follows_a_tap_as_an_answer(owner, rows):
    quiet = add_flow(rows.shop, scratch("Quiet", "contact_silent"))
    assert quiet.draft["messages"] == {"hello": {"purpose": "marketing"}}
    change(owner, quiet, "add", edge="start", kind="ask")
    assert draft(quiet)["messages"]["ask"] == {"purpose": "marketing"}
    change(owner, quiet, "add", edge="steps.ask.choices.yes", kind="send")
    assert draft(quiet)["messages"]["send"] == {"purpose": "service"}


def test_an_offer_written_as_news_can_neither_be_published_nor_switched_on(owner, begun):
    answer = save(owner, begun, {TEXT: SALE}).json()
    assert "This reads like an offer" in answer["troubles"]
    assert "Make it an offer" in answer["troubles"]
    card = answer["path"].split('id="at-send"')[1].split("</a>")[0]
    assert 'class="wrong"' in card
    for address, form in (("switch", {"to": "on"}), ("publishing", {"share": "100"})):
        refused = owner.post(f"/app/flows/{begun.pk}/{address}", form)
        assert refused.status_code == 422, address
        assert "This reads like an offer" in refused.json()["message"]
    begun.refresh_from_db()
    assert (begun.status, begun.live_version_id, begun.versions.count()) == ("off", None, 0)


def test_one_click_makes_it_an_offer_and_undo_takes_it_back(owner, begun):
    save(owner, begun, {TEXT: SALE})
    done = change(owner, begun, "make_offer", message="send")
    assert done.json()["toast"] == "It is an offer now: it goes only to who said yes to offers."
    assert draft(begun)["messages"]["send"]["purpose"] == "marketing"
    assert problems_of(begun.draft) == []
    assert owner.post(f"/app/flows/{begun.pk}/switch", {"to": "on"}).status_code == 200
    assert history(begun)[-1] == ("Made “Send” an offer", "42")
    change(owner, begun, "undo", place=begun.draft_place)
    assert draft(begun)["messages"]["send"]["purpose"] == "utility"
    assert "This reads like an offer" in shown(owner, begun)


def test_a_false_alarm_is_answered_with_who_and_when_and_nobody_is_asked_twice(owner, begun):
    save(owner, begun, {TEXT: "The battery is charged to 60%."})
    done = change(owner, begun, "no_offer", message="send")
    assert done.json()["toast"] == "Kept with your name and the time: “60%” is no offer here."
    kept = draft(begun)["messages"]["send"]["no_offer"]
    assert (kept["by"], kept["at"]) == ("42", "2026-11-24T12:00:00+00:00")
    assert history(begun)[-1] == ("Said that the words of “Send” are no offer", "42")
    page = shown(owner, begun)
    assert "This reads like an offer" not in page
    assert "You said on 24 Nov 2026, " in page
    assert files.read(files.write(begun.draft))["messages"]["send"]["no_offer"] == kept
    assert owner.post(f"/app/flows/{begun.pk}/switch", {"to": "on"}).status_code == 200
    again = save(owner, begun, {TEXT: "Everything at 60%."}).json()
    assert "This reads like an offer" in again["troubles"]
    assert change(owner, begun, "no_offer", message="gone").status_code == 422


def test_a_flow_that_was_published_before_is_not_switched_on_with_an_offer_in_it(owner, begun):
    owner.post(f"/app/flows/{begun.pk}/publishing", {"share": "100"})
    begun.refresh_from_db()
    version = begun.live_version
    version.document["texts"]["en"]["messages"]["send"]["text"] = SALE
    version.save(update_fields=["document"])
    refused = owner.post(f"/app/flows/{begun.pk}/switch", {"to": "on"})
    assert (refused.status_code, draft(begun)["key"]) == (422, "weekend")
    save(owner, begun, {TEXT: "Hello"})
    owner.post(f"/app/flows/{begun.pk}/publishing", {"share": "100"})
    assert owner.post(f"/app/flows/{begun.pk}/publishing", {"of": "1", "share": "100"}).status_code == 422
    begun.refresh_from_db()
    assert begun.live_version.number == 2


BODY = "texts.en.messages.send.template"


def test_a_message_that_may_come_too_late_says_what_happens_and_gets_a_text_for_whatsapp(owner, begun):
    page = shown(owner, begun)
    assert "WhatsApp does not take this: it then goes another way, such as e-mail, or not at all" in page
    save(owner, begun, {TEXT: "{% if contact.first_name %}Hi {{ contact.first_name }}! {% endif %}"
                              "About {{ order.name }}:\n\nit comes with {{ parcel.carrier }} today."})  # fmt: skip
    assert change(owner, begun, "add_template", message="send").status_code == 200
    document = draft(begun)
    assert document["messages"]["send"]["template"] == {
        "name": "weekend_send",
        "category": "UTILITY",
        "parameters": [
            {"name": "name", "value": "{{ order.name }}", "sample": "#1001"},
            {"name": "carrier", "value": "{{ parcel.carrier }}", "sample": "DHL"},
        ],
    }
    written = document["texts"]["en"]["messages"]["send"]["template"]
    assert written == "About {{1}}:\n\nit comes with {{2}} today."
    assert problems_of(document) == []
    page = shown(owner, begun)
    assert "WhatsApp does not take this" not in page.split('id="panel"')[1]
    assert "weekend_send: new to Meta" in page
    assert files.read(files.write(document)) == document
    assert change(owner, begun, "add_template", message="send").status_code == 422


def test_values_are_picked_into_the_text_for_whatsapp_and_taken_out(owner, begun):
    change(owner, begun, "add_template", message="send")
    picked = "Your order {{1}} of {{ order.total | money: order.currency }} is here. {{ order.name }} again"
    answer = save(owner, begun, {BODY: picked}).json()
    stored = "Your order {{1}} of {{2}} is here. {{1}} again"
    assert answer["fields"] == {BODY: stored}
    assert draft(begun)["texts"]["en"]["messages"]["send"]["template"] == stored
    sample = "messages.send.template.parameters.1.sample"
    assert f'name="{sample}"' in answer["drawn"]["values-send"]
    assert begun.draft["messages"]["send"]["template"]["parameters"][1]["sample"] == "€82.90"
    save(owner, begun, {sample: "EUR 48.00"})
    assert draft(begun)["messages"]["send"]["template"]["parameters"][1]["sample"] == "EUR 48.00"
    long = save(owner, begun, {sample: "x" * 121}).json()
    assert long["errors"] == {sample: "This is longer than 120 characters."}
    assert change(owner, begun, "drop_value", message="send", number="1").status_code == 422  # still in the text
    answer = save(owner, begun, {BODY: "Your order of {{2}} is here now, have a look."}).json()
    assert "The text for WhatsApp must use each of {{1}} to {{2}}" in answer["drawn"]["template-send"]
    assert "Take out {{1}}: Order number" in answer["drawn"]["flow-whatsapp"]
    assert change(owner, begun, "drop_value", message="send", number="1").status_code == 200
    assert (
        draft(begun)["texts"]["en"]["messages"]["send"]["template"] == "Your order of {{1}} is here now, have a look."
    )
    assert [one["sample"] for one in begun.draft["messages"]["send"]["template"]["parameters"]] == ["EUR 48.00"]
    assert problems_of(begun.draft) == []


def test_what_meta_refuses_stands_at_the_field(owner, begun):
    change(owner, begun, "add_template", message="send")
    answer = save(owner, begun, {BODY: "{{1}} is your order"}).json()
    assert "The text for WhatsApp may not begin or end with a value" in answer["drawn"]["template-send"]
    assert answer["troubles"].count("may not begin or end with a value") == 1
    assert "The text for WhatsApp may not begin or end with a value" in shown(owner, begun)
    refused = owner.post(f"/app/flows/{begun.pk}/publishing", {"share": "100"})
    assert refused.status_code == 422


def test_the_text_for_whatsapp_becomes_an_offers_with_its_message_and_can_go(owner, begun):
    change(owner, begun, "add_template", message="send")
    save(owner, begun, {"messages.send.purpose": "marketing"})
    template = draft(begun)["messages"]["send"]["template"]
    assert (template["name"], template["category"]) == ("weekend_send_offer", "MARKETING")
    assert change(owner, begun, "drop_template", message="send").status_code == 200
    assert draft(begun)["messages"]["send"] == {"purpose": "marketing"}
    assert "template" not in begun.draft["texts"]["en"]["messages"]["send"]
    change(owner, begun, "undo", place=begun.draft_place)
    assert draft(begun)["messages"]["send"]["template"] == template


@pytest.mark.parametrize("fields", [{"message": "gone"}, {"message": ""}, {"message": "gone", "number": "²"}])
@pytest.mark.parametrize("do", ["add_template", "drop_template", "drop_value", "make_offer", "no_offer"])
def test_a_change_of_a_message_that_is_not_there_is_refused(owner, begun, do, fields):
    before = draft(begun)
    assert change(owner, begun, do, **fields).status_code == 422
    assert draft(begun) == before


def test_a_language_begins_as_a_copy_that_is_not_sent_and_is_translated(owner, begun):
    change(owner, begun, "add_template", message="send")
    added = change(owner, begun, "add_language", which="de", step="@start").json()
    assert added["toast"] == "Deutsch begins as a copy of English. Translate it step by step."
    assert added["go"].endswith("?step=@start&language=de")
    document = draft(begun)
    copied = document["texts"]["de"]["messages"]["send"]
    assert (copied["text"], copied["to_translate"], "template" in copied) == (
        document["texts"]["en"]["messages"]["send"]["text"], "en", False
    )  # fmt: skip
    assert load(document).wording("send", "de")[0] == "en"
    assert files.read(files.write(document)) == document
    page = shown(owner, begun, language="de")
    assert "Still to be translated into Deutsch: until then the words in English are sent" in page
    assert "2 of 2 to be written" in shown(owner, begun, step="@start")
    answer = save(owner, begun, {"texts.de.messages.send.text": "Hallo!"}, language="de").json()
    assert "Still to be translated" not in answer["troubles"]
    assert load(draft(begun)).wording("send", "de") == ("de", load(begun.draft).texts["de"].messages["send"])
    assert begun.draft["texts"]["de"]["messages"]["send"] == {"text": "Hallo!"}
    assert load(begun.draft).wording("hello", "de")[0] == "en"
    assert "1 of 2 to be written" in shown(owner, begun, step="@start")


def test_words_that_are_right_in_both_languages_are_said_to_be(owner, begun):
    change(owner, begun, "add_language", which="de")
    before = shown(owner, begun, language="de")
    assert "They are right as they are" in before
    assert change(owner, begun, "translated", message="send", language="de").status_code == 200
    assert "to_translate" not in draft(begun)["texts"]["de"]["messages"]["send"]
    assert history(begun)[-1] == ("Said that the words of “Send” are right as they are", "42")
    assert change(owner, begun, "translated", message="send", language="de").status_code == 422


def test_the_page_of_all_texts_translates_too(owner, begun):
    change(owner, begun, "add_language", which="de")
    field = "texts.de.messages.hello.text"
    assert owner.post(f"/app/flows/{begun.pk}/texts", {"language": "de", field: "Guten Tag"}).status_code == 200
    assert draft(begun)["texts"]["de"]["messages"]["hello"] == {"text": "Guten Tag"}
    assert begun.draft["texts"]["de"]["messages"]["send"]["to_translate"] == "en"


def test_a_language_is_taken_out_and_brought_back_but_never_the_last(owner, begun):
    assert change(owner, begun, "drop_language", which="en").status_code == 422
    change(owner, begun, "add_language", which="fr")
    with_both = draft(begun)
    assert change(owner, begun, "drop_language", which="en").json()["toast"].startswith("English is taken out.")
    assert list(draft(begun)["texts"]) == ["fr"]
    assert load(begun.draft).wording("send", "de")[0] == "fr"  # a copy is better than nothing
    change(owner, begun, "undo", place=begun.draft_place)
    assert draft(begun) == with_both


@pytest.mark.parametrize("which", ["en", "", "xx-", "../..", "EN"])
def test_a_language_that_is_none_or_there_already_is_refused(owner, begun, which):
    before = draft(begun)
    assert change(owner, begun, "add_language", which=which).status_code == 422
    assert draft(begun) == before


def test_a_step_that_is_added_in_another_language_says_that_its_words_are_english(owner, begun):
    change(owner, begun, "add_language", which="ja")
    change(owner, begun, "drop_language", which="en")
    change(owner, begun, "add", edge="start", kind="send", language="ja")
    assert draft(begun)["texts"]["ja"]["messages"]["send_2"]["to_translate"] == "en"


def test_languages_that_shoppers_read_and_the_flow_lacks_are_named(owner, rows, begun):
    ShopSettings.objects.filter(shop=rows.shop).update(languages=[], default_language="en")
    rows.shop.orders.update(language="en")
    assert "Some of your shoppers read" not in shown(owner, begun)
    factories.make_order(rows.shop, rows.order.contact)
    rows.shop.orders.update(language="de-AT")
    page = shown(owner, begun)
    assert "Some of your shoppers read Deutsch, which this flow does not speak: they get English" in page
    change(owner, begun, "add_language", which="de")
    assert "Some of your shoppers read" not in shown(owner, begun)


LINK, TITLE = "messages.send.url", "texts.en.messages.send.url_title"


def test_a_button_leads_to_a_page_that_we_know_or_to_an_own_one(owner, begun):
    save(owner, begun, {LINK: "{{ parcel.tracking_url }}", TITLE: "See the parcel"})
    document = draft(begun)
    assert document["messages"]["send"]["url"] == "{{ parcel.tracking_url }}"
    assert document["texts"]["en"]["messages"]["send"]["url_title"] == "See the parcel"
    assert problems_of(document) == []
    assert files.read(files.write(document)) == document
    look = owner.post(f"/app/flows/{begun.pk}/steps/send/preview", {"language": "en"}).content.decode()
    assert "See the parcel" in look
    save(owner, begun, {LINK: "own", f"{LINK}.own": " https://fern.example.com/care?a=1 "})
    assert draft(begun)["messages"]["send"]["url"] == "https://fern.example.com/care?a=1"
    assert 'value="https://fern.example.com/care?a=1"' in shown(owner, begun)
    save(owner, begun, {LINK: ""})
    assert draft(begun)["messages"]["send"] == {"purpose": "utility"}
    change(owner, begun, "undo", place=begun.draft_place)


@pytest.mark.parametrize(
    "address",
    ["", "http://fern.example.com", "javascript:alert(1)", "https://", "https://fern", "https://a@b.example.com/",
     "https://fern.example.com/{{ order.name }}", "https://fern.example.com/ a", "https://[",
     "https://x.com/" + "a" * 500],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_at_its_field(owner, begun, address):
    answer = save(owner, begun, {LINK: "own", f"{LINK}.own": address, TITLE: "Look"}).json()
    assert answer["errors"] == {f"{LINK}.own": "Write an address like https://your-shop.com/page."}
    assert "url" not in draft(begun)["messages"]["send"]
    assert begun.draft["texts"]["en"]["messages"]["send"]["url_title"] == "Look"


def test_a_button_without_words_is_told_and_an_address_that_was_not_offered_is_ignored(owner, begun):
    answer = save(owner, begun, {LINK: "{{ shop.url }}"}).json()
    assert "The link&#x27;s button has no words in English, so it is not shown" in answer["troubles"]
    save(owner, begun, {LINK: "https://evil.example.com"})
    assert draft(begun)["messages"]["send"]["url"] == "{{ shop.url }}"
    discount = save(owner, begun, {LINK: "own", f"{LINK}.own": "https://fern.example.com/discount/SALE30"}).json()
    assert "This reads like an offer" in discount["troubles"]


def test_a_reminder_is_for_what_its_question_is_for(owner, begun):
    change(owner, begun, "add", edge="steps.send.next", kind="ask")
    save(owner, begun, {"messages.ask.purpose": "review_request"}, step="ask")
    assert change(owner, begun, "add_message", step="ask", field="reminder").status_code == 200
    assert draft(begun)["messages"]["ask_reminder"] == {"purpose": "review_request"}
    change(owner, begun, "add_message", step="ask", field="retry_message")
    assert draft(begun)["messages"]["ask_retry_message"] == {"purpose": "service"}


def test_an_answer_to_nobody_is_told_at_the_step(owner, begun):
    answer = save(owner, begun, {"messages.send.purpose": "service"}).json()
    assert "nobody has written or tapped here" in answer["troubles"]
    assert "Make it an offer" not in answer["troubles"]
    assert problems_of(draft(begun)) == []


def test_what_is_wrong_in_one_language_names_it_and_the_step(owner, begun):
    change(owner, begun, "add_language", which="de")
    answer = save(owner, begun, {"texts.de.messages.send.text": "Hallo {{ order.name"}, language="de").json()
    assert "“Send” in Deutsch: " in answer["bar"]
    refused = owner.post(f"/app/flows/{begun.pk}/publishing", {"share": "100"}).json()["message"]
    assert refused.startswith("It cannot be published yet. “Send” in Deutsch: ")


def test_all_twelve_languages_leave_nothing_to_add(owner, rows):
    page = shown(owner, rows.flow, step="@start")
    assert "This flow speaks 12 languages" in page
    assert "One more language" not in page
