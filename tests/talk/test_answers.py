"""Where is my order? The truth, from the rows, in the shopper's language, to those who have proved the order."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from post_purchase.channels.base import Inbound
from post_purchase.models import Conversation, FlowEvent, Message, Order, OrderBinding, ParcelEvent, ShopSettings
from post_purchase.services.answers import wants_person, where_is
from post_purchase.services.conversations import receive
from post_purchase.services.guides import save_guide
from post_purchase.services.phrases import load
from post_purchase.services.texts import problems
from post_purchase.words import Direction, ParcelState
from shopapp.lib import clock
from tests import factories

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "tr", "ar", "ja")
QUESTIONS = {
    "en": "Hi, where is my order??",
    "de": "Wo bleibt mein Paket?",
    "fr": "Où est ma commande ?",
    "es": "¿Dónde está mi pedido?",
    "it": "Dov'è il mio ordine?",
    "nl": "Waar is mijn bestelling?",
    "pt": "Onde está meu pedido?",
    "pl": "Gdzie jest moja paczka?",
    "sv": "Var är mitt paket?",
    "tr": "Siparişim nerede?",
    "ar": "أين طلبي؟",
    "ja": "注文はどこですか",
}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at():
    with clock.frozen(NOON) as frozen:
        yield frozen


class Talk:
    def __init__(self, language: str = "en", *, bound: bool = True):
        self.shop = factories.make_shop()
        self.contact = factories.make_contact(self.shop, language=language)
        self.order = factories.make_order(self.shop, self.contact, language=language, name="#1001", number=1001)
        self.channel = factories.make_channel(self.shop)
        self.point = factories.make_point(self.contact)
        if bound:
            factories.bind(self.point, self.order)

    def says(self, text: str, **more) -> Message | None:
        number = Message.objects.count()
        inbound = Inbound(
            account_id=self.channel.account_id,
            provider_id=f"wamid.in{number}",
            address=self.point.address,
            happened_at=clock.now(),
            text=text,
            **more,
        )
        return receive(channel=self.channel, inbound=inbound)

    def answers(self) -> list[str]:
        return list(Message.objects.filter(direction=Direction.OUT).order_by("pk").values_list("text", flat=True))

    def ship(self, state: str, **fields):
        parcel = factories.make_parcel(self.order, state, **fields)
        parcel.lines = [{"line": self.order.lines.get().shopify_id, "quantity": 1}]
        parcel.save()
        return parcel


def test_an_order_that_has_not_left():
    talk = Talk()
    talk.says("Where is my order?")
    assert talk.answers() == [
        "Your order #1001 was placed on Tue, Nov 24 and has not left us yet. We write here as soon as it moves."
    ]
    assert FlowEvent.objects.get(kind="message_received").data["handled"] is True


def test_a_parcel_names_its_carrier_its_place_and_the_time():
    talk = Talk()
    parcel = talk.ship(ParcelState.IN_TRANSIT, estimated_delivery_at=NOON + timedelta(days=1))
    ParcelEvent.objects.create(
        parcel=parcel, state=ParcelState.IN_TRANSIT, city="Leipzig", happened_at=NOON - timedelta(hours=5)
    )
    talk.says("where's my order")
    assert talk.answers() == [
        "Your order #1001 is on its way with DHL. Last news: Leipzig, Tue, Nov 24, 8:00\u202fAM."
        " It is expected Wed, Nov 25.\nhttps://tracking.example.test/00340434161094042557"
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_understood_and_answered(language: str):
    talk = Talk(language)
    talk.ship(ParcelState.DELIVERED)
    talk.says(QUESTIONS[language])
    (answer,) = talk.answers()
    assert "#1001" in answer
    assert answer == where_is(talk.order, language=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_can_be_rendered(language: str):
    sentences = load("where")[language]
    assert set(sentences) == set(load("where")["en"])
    assert [problems(sentence) for sentence in sentences.values()] == [[] for _ in sentences]


@pytest.mark.parametrize("state", ParcelState.values)
def test_every_state_has_its_own_sentence(state: str):
    talk = Talk()
    talk.ship(state)
    answer = where_is(talk.order, language="en")
    assert "{" not in answer
    assert answer


def test_a_stranger_is_told_nothing():
    talk = Talk(bound=False)
    talk.ship(ParcelState.DELIVERED)
    talk.says("Where is my order?")
    (answer,) = talk.answers()
    assert answer.startswith("Hello! Which order is it about?")
    assert "#1001" not in answer


def test_asking_for_a_person_pauses_the_answers():
    talk = Talk()
    talk.says("I want to talk to a person")
    talk.says("Thanks")
    assert talk.answers() == ["A person of our team will answer you here."]
    assert Conversation.objects.get().hand_off_reason == "The shopper asks for a person"
    assert FlowEvent.objects.filter(kind="handed_off").count() == 1


def test_what_is_not_clear_is_left_to_people_and_flows():
    talk = Talk()
    talk.says(
        "The mug is lovely, my aunt asks where is my order of tea from another shop and whether I could send her some"
        " of it, because she has been waiting since the summer for hers to come, poor thing"
    )
    assert talk.answers() == []
    assert FlowEvent.objects.get(kind="message_received").data["handled"] is False
    assert Conversation.objects.get().unread == 1


def test_where_it_is_is_told_though_a_person_was_asked_for():
    talk = Talk()
    factories.make_parcel(talk.order, ParcelState.IN_TRANSIT)
    talk.says("talk to a person")
    talk.says("where is my order")
    told = Message.objects.filter(direction=Direction.OUT).order_by("pk").last()
    assert told.dedupe_key.startswith("answer:where:")


def test_every_order_that_is_on_its_way_is_named():
    talk = Talk()
    factories.make_parcel(talk.order, ParcelState.IN_TRANSIT)
    second = factories.make_order(talk.shop, talk.contact, name="#1002", number=1002)
    factories.bind(talk.point, second)
    talk.says("where is my order")
    told = Message.objects.filter(direction=Direction.OUT).order_by("pk").last().text
    assert "#1001" in told
    assert "#1002" in told


def test_two_questions_are_answered_in_one_message_and_a_person_takes_what_has_no_fact():
    talk = Talk()
    talk.says("Where is my order? And can I get an invoice?")
    (answer,) = talk.answers()
    assert answer.startswith("Your order #1001 was placed on")
    assert answer.endswith("\n\nA person of our team will answer you here.")
    assert Conversation.objects.get().hand_off_reason == "The shopper also asks: for an invoice"


def test_how_to_use_it_is_told_from_the_guide_of_the_merchant_and_from_nothing_else():
    talk = Talk()
    talk.says("How do I wash this?")
    assert talk.answers() == []
    line = talk.order.lines.get()
    save_guide(
        shop=talk.shop,
        kind="product",
        value=str(line.product_id),
        name="Mug",
        language="en",
        title="Care",
        text="By hand, lukewarm.",
    )
    talk.says("How do I wash this?")
    assert talk.answers() == ["Care\nBy hand, lukewarm."]


def test_the_order_that_is_named_is_told_of():
    talk = Talk()
    other = factories.make_order(talk.shop, talk.contact, name="#1002", number=1002)
    factories.bind(talk.point, other)
    talk.says("Where is my parcel #1002?")
    (answer,) = talk.answers()
    assert "#1002" in answer
    assert "#1001" not in answer


def test_what_has_no_fact_at_all_is_left_to_flows_and_people():
    talk = Talk()
    talk.says("My mug came broken")
    assert talk.answers() == []
    assert FlowEvent.objects.get(kind="message_received").data["handled"] is False


def test_a_number_of_ones_own_order_is_known_however_the_shop_writes_it():
    talk = Talk()
    other = factories.make_order(talk.shop, talk.contact, name="DS-42", number=42)
    factories.bind(talk.point, other)
    talk.says("Where is my parcel ds-42?")
    (answer,) = talk.answers()
    assert "DS-42" in answer
    assert "#1001" not in answer


POLICY = {"REFUND_POLICY": {"title": "Returns", "url": "https://fern.example.com/policies/refund-policy"}}


def test_a_question_about_returns_names_the_shops_own_policy_and_a_person_takes_the_rest():
    talk = Talk()
    ShopSettings.objects.update_or_create(shop=talk.shop, defaults={"policies": POLICY})
    talk.says("How do I return this?")
    (answer,) = talk.answers()
    assert answer.startswith("Our policy: Returns, https://fern.example.com/policies/refund-policy")
    assert answer.endswith("answers you here.")


def test_the_orders_own_page_is_told_to_its_proved_buyer_alone():
    talk = Talk()
    talk.order.status_url = "https://fern.example.com/orders/secret"
    talk.order.save()
    talk.says("Can I get an invoice?")
    assert talk.answers() == []  # a card in a parcel is no proof of having bought it
    OrderBinding.objects.update(method=OrderBinding.Method.PROOF)
    talk.says("Can I get an invoice?")
    assert talk.answers() == ["Your order #1001 with everything that was paid: https://fern.example.com/orders/secret"]


def test_the_first_automatic_answer_in_california_says_that_it_is_one():
    talk = Talk()
    Order.objects.update(shipping_country="US", shipping_province="CA")
    talk.says("where is my order")
    talk.says("where is my order?")
    first, second = talk.answers()
    assert first == f"A program answers here. Write “talk to a person” at any time.\n\n{second}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_it_says_to_write_is_understood(language: str):
    words = load("phrases")["automatic"][language]
    quoted = re.split("[“”„«»「」]", words)[1].strip()
    assert wants_person(quoted, language), quoted


@pytest.mark.parametrize("said", ["nein danke", "no thanks", "non merci"])
def test_a_no_with_thanks_is_not_thanked_for(said):
    talk = Talk()
    talk.says(said)
    assert talk.answers() == []
