"""Outside the messaging window: which templates a person is offered, and that one tap sends what is shown."""

from datetime import timedelta

import pytest

from post_purchase.flows.definition import load
from post_purchase.flows.editing import install_library, publish, switch_on
from post_purchase.flows.shelf import library
from post_purchase.flows.templates import specs_of, template_specs
from post_purchase.models import Member, Message, MessageTemplate, ShopSettings
from post_purchase.services.consent import record_consent
from post_purchase.services.templates import save_spec
from post_purchase.words import ParcelState
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from tests import factories

ON = ("shipped", "out_for_delivery", "delivered", "delivery_trouble", "packed_late", "thank_you", "win_back")


@pytest.fixture
def row(shop):
    """A German, 30 hours ago: everything that the flows and the team have in German and English is approved."""
    ShopSettings.objects.filter(shop=shop).update(default_language="en", languages=["de", "en"])
    Member.objects.create(shop=shop, user_id="42", name="Ana", role="owner", joined_at=clock.now())
    channel = factories.make_channel(shop)
    for flow in install_library(shop):
        if flow.key in ON:
            publish(flow)
            switch_on(flow)
    for spec in template_specs(shop):
        save_spec(channel, spec)
    MessageTemplate.objects.update(status="approved")
    contact = factories.make_contact(shop, language="de")
    wrote = clock.now() - timedelta(hours=30)
    factories.make_point(contact, last_inbound_at=wrote)
    order = factories.make_order(shop, contact, name="#1001", language="de", placed_at=clock.now() - timedelta(days=2))
    return factories.make_conversation(contact, order=order, state="team", last_inbound_at=wrote)


def names(owner, row):
    """Of the templates that stand ready on the page, in order."""
    html = owner.get(f"/app/conversations/{row.pk}").content.decode()
    rows = dict(MessageTemplate.objects.values_list("pk", "name"))
    found = [int(part.partition('"')[0]) for part in html.split('name="template" value="')[1:]]
    return [rows[pk].removeprefix("doorstep_") for pk in found]


def send(owner, row, name, language="de", **values):
    pk = MessageTemplate.objects.get(name=name, language=language).pk
    typed = {f"value_{pk}_{place}": value for place, value in values.pop("values", {}).items()}
    return owner.post(f"/app/conversations/{row.pk}/template", {"template": pk, "key": new_code(), **typed})


def test_before_anything_is_packed_the_answer_and_the_receipt_stand_ready_in_german(owner, row):
    html = owner.get(f"/app/conversations/{row.pk}").content.decode()
    assert names(owner, row) == ["answer_waits", "receipt"]
    assert "Zu Ihrer Frage zur Bestellung #1001 haben wir eine Antwort." in html
    assert "Wir haben Ihre Bestellung #1001 erhalten: Stoneware mug. Summe: 49,00 €" in html
    for untrue in ("müsste inzwischen", "Laut Paketdienst zugestellt", "doorstep_"):
        assert untrue not in html


@pytest.mark.parametrize(
    ("state", "more", "offered"),
    [
        (ParcelState.IN_TRANSIT, {}, ["answer_waits", "parcel_shipped"]),
        (ParcelState.IN_TRANSIT, {"state_at": 8}, ["answer_waits", "person_looks", "parcel_stalled"]),
        (ParcelState.IN_TRANSIT, {"estimated_delivery_at": 3}, ["answer_waits", "delivery_assumed", "parcel_shipped"]),
        (ParcelState.DELAYED, {}, ["answer_waits", "parcel_delayed", "parcel_shipped"]),
        (ParcelState.OUT_FOR_DELIVERY, {}, ["answer_waits", "out_for_delivery", "parcel_shipped"]),
        (ParcelState.OUT_FOR_DELIVERY, {"state_at": 2}, ["answer_waits", "parcel_shipped"]),
        (ParcelState.ATTEMPTED, {}, ["answer_waits", "delivery_attempted"]),
        (ParcelState.ATTEMPTED, {"state_at": 1}, ["answer_waits"]),
        (ParcelState.READY_FOR_PICKUP, {}, ["answer_waits", "ready_for_pickup"]),
        (ParcelState.DELIVERED, {}, ["answer_waits", "parcel_delivered"]),
        (ParcelState.FAILED, {}, ["answer_waits", "not_deliverable"]),
        (ParcelState.CANCELLED, {}, ["answer_waits", "receipt"]),
    ],
)
def test_what_stands_ready_is_true_of_the_parcel(owner, row, state, more, offered):
    """`more`: days ago."""
    at = {field: clock.now() - timedelta(days=days) for field, days in more.items()}
    factories.make_parcel(row.order, state, **at)
    assert names(owner, row) == offered


def test_a_late_order_says_so_and_a_cancelled_one_says_nothing_of_itself(owner, row):
    order = row.order
    order.placed_at = clock.now() - timedelta(days=5)
    order.save()
    assert names(owner, row) == ["answer_waits", "packed_late", "receipt"]
    order.cancelled_at = clock.now()
    order.save()
    assert names(owner, row) == ["answer_waits"]


def test_who_has_asked_nothing_is_told_of_no_answer(owner, row):
    row.state = "automatic"
    row.save()
    factories.make_message(row, "Hello, my code is ABC", direction="in")
    assert names(owner, row) == ["receipt"]
    factories.make_message(row, "Where is it?", direction="in")
    assert names(owner, row) == ["answer_waits", "receipt"]


def test_without_an_order_only_the_answer_is_offered(owner, row):
    row.contact.orders.all().delete()
    row.refresh_from_db()
    assert names(owner, row) == ["answer_waits_here"]


def test_one_tap_sends_what_is_shown(owner, row):
    assert send(owner, row, "doorstep_answer_waits").status_code == 200
    message = Message.objects.get()
    assert message.text.startswith("Zu Ihrer Frage zur Bestellung #1001 haben wir eine Antwort.")
    template = message.content["template"]
    assert (template["name"], template["language"], template["parameters"]) == (
        "doorstep_answer_waits",
        "de",
        ["#1001"],
    )
    assert (message.author, message.purpose, message.point) == ("person", "service", row.contact.points.get())


def test_a_value_can_be_changed_and_none_left_out(owner, row):
    response = send(owner, row, "doorstep_receipt", values={1: " "})
    assert (response.status_code, len(response.json()["errors"])) == (422, 1)
    assert send(owner, row, "doorstep_receipt", values={1: "two  mugs"}).status_code == 200
    message = Message.objects.get()
    assert message.content["template"]["parameters"] == ["#1001", "two mugs", "49,00 €"]
    assert "#1001 erhalten: two mugs. Summe" in message.text


def test_what_is_not_true_any_more_is_not_sent(owner, row):
    factories.make_parcel(row.order)
    response = send(owner, row, "doorstep_receipt")
    assert (response.status_code, Message.objects.count()) == (422, 0)
    assert "Nothing was sent" in response.json()["message"]


def test_no_offer_to_who_has_not_said_yes(owner, row):
    assert send(owner, row, "doorstep_been_a_while").status_code == 422
    point = row.contact.points.get()
    record_consent(point=point, purpose="marketing", state="granted", method="chat", dedupe_key="yes")
    assert send(owner, row, "doorstep_been_a_while").status_code == 200
    assert Message.objects.get().purpose == "marketing"


def test_the_rest_is_found_by_its_words_and_never_the_untrue(owner, row, shop):
    channel = shop.channels.get()
    for language, body in (
        ("en", "Your workshop on {{1}} with {{2}} begins soon."),
        ("de", "Ihr Kurs am {{1}} mit {{2}} beginnt bald."),
    ):
        MessageTemplate.objects.create(
            channel=channel,
            name="workshop",
            language=language,
            category="UTILITY",
            body=body,
            is_own=True,
            status="approved",
            parameters=[{"name": "day", "sample": "Mittwoch"}, {"name": "name", "sample": "Ana"}],
        )
    found = {
        words: owner.get(f"/app/conversations/{row.pk}/templates?q={words}").content.decode().count('class="offer"')
        for words in ("", "kurs", "beginnt+kurs", "workshop", "zugestellt", "antwort")
    }
    assert found == {"": 1, "kurs": 1, "beginnt+kurs": 1, "workshop": 0, "zugestellt": 0, "antwort": 0}
    html = owner.get(f"/app/conversations/{row.pk}/templates?q=kurs").content.decode()
    assert "Ihr Kurs am [Mittwoch] mit Maria beginnt bald." in html
    assert send(owner, row, "workshop").status_code == 422
    assert send(owner, row, "workshop", values={0: "Freitag"}).status_code == 200
    assert Message.objects.get().text == "Ihr Kurs am Freitag mit Maria beginnt bald."


def test_another_channel_is_one_tap_away(owner, row, shop):
    factories.make_channel(shop, "email", account_id="hello@fern.example.test", name="E-mail")
    email = factories.make_point(row.contact, kind="email", address="ada@example.test")
    record_consent(point=email, purpose="utility", state="granted", method="checkout", dedupe_key="box")
    html = owner.get(f"/app/conversations/{row.pk}").content.decode()
    assert f'data-way="{email.pk}"' in html
    assert html.index("data-way") < html.index("data-draft") < html.index('class="offer"')


def test_where_the_last_channel_is_open_templates_are_folded_away(owner, row, shop):
    factories.make_channel(shop, "messenger")
    factories.make_point(row.contact, "messenger", last_inbound_at=clock.now())
    assert names(owner, row) == []
    html = owner.get(f"/app/conversations/{row.pk}").content.decode()
    assert "Write on WhatsApp with a template" in html
    assert owner.get(f"/app/conversations/{row.pk}/templates?all=1").content.decode().count('class="offer"') == 2


def test_a_rival_and_a_reader_get_nothing(owner, rival, row, shop):
    assert rival.get(f"/app/conversations/{row.pk}/templates").status_code == 404
    Member.objects.filter(shop=shop).update(role="reader")
    assert send(owner, row, "doorstep_answer_waits").status_code == 403


def test_each_value_stands_where_the_language_has_it(owner, row):
    """Japanese names the order before the items; Meta numbers the gaps as they stand."""
    factories.make_parcel(row.order, "in_transit", carrier="DHL")
    [spec] = specs_of(load(library()["shipped"]), ["ja"])
    assert list(spec.names)[:2] == ["order", "items"]
    template = MessageTemplate.objects.get(name=spec.name, language="de")
    template.parameters = [{"name": name, "sample": "x"} for name in spec.names]
    template.language, template.body = "ja", spec.body
    template.save()
    type(row.contact).objects.filter(pk=row.contact_id).update(language="ja", chosen_language="ja")
    html = owner.get(f"/app/conversations/{row.pk}").content.decode()
    assert "発送しました：ご注文 #1001 の Stoneware mug（配送業者：DHL）。追跡：https://" in html


def test_a_message_in_other_words_is_offered_once_and_in_the_newest(owner, row):
    old = MessageTemplate.objects.get(name="doorstep_receipt", language="de")
    old.pk, old.name, old.body = (
        None,
        "doorstep_receipt_0123abcd",
        "Bestellung {{1}} ist da: {{2}}, zusammen {{3}}. Danke!",
    )
    old.save()
    assert names(owner, row) == ["answer_waits", "receipt_0123abcd"]
    html = owner.get(f"/app/conversations/{row.pk}").content.decode()
    assert "Bestellung #1001 ist da: Stoneware mug, zusammen 49,00" in html
