"""What a shopper writes: stored once, bound by codes and proofs, stopped by a word, answered once or not at all."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection

from post_purchase.channels.base import Inbound
from post_purchase.models import CodeGuess, ContactPoint, FlowEvent, Message, OrderBinding, TeamAlert
from post_purchase.services import consent, links
from post_purchase.services.bindings import GUESSES_PER_POINT, GUESSES_PER_SHOP, bound_orders
from post_purchase.services.conversations import receive
from post_purchase.services.language_guess import Guess, language_in
from post_purchase.services.phrases import load
from post_purchase.words import Direction, EventKind, MessageStatus, ParcelState, Purpose, TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import grouped
from tests import factories

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MARIA, OTTO = "DE.1349120865530274", "DE.9999999999999999"
pytestmark = pytest.mark.django_db


class Door:
    """One shop on WhatsApp with Maria's order and the code of its thank-you page."""

    def __init__(self) -> None:
        self.shop = factories.make_shop()
        self.contact = factories.make_contact(self.shop)
        self.order = factories.make_order(self.shop, self.contact)
        self.channel = factories.make_channel(self.shop)
        touchpoint = links.touchpoint_of(shop=self.shop, kind=TouchpointKind.THANK_YOU_PAGE)
        self.code = links.link_for_order(touchpoint=touchpoint, order=self.order)[1]
        self.count = 0

    def inbound(self, text: str, sender: str = MARIA, **more) -> Inbound:
        self.count += 1
        fields = {"provider_id": f"wamid.{self.count}", "happened_at": clock.now()} | more
        return Inbound(account_id=self.channel.account_id, address=sender, text=text, **fields)

    def hear(self, text: str, sender: str = MARIA, **more) -> Message | None:
        return receive(channel=self.channel, inbound=self.inbound(text, sender, **more))

    def hear_code(self, sender: str = MARIA) -> Message | None:
        return self.hear(f"Hello! My code is {grouped(self.code)}", sender)

    def point(self, sender: str = MARIA) -> ContactPoint:
        return ContactPoint.objects.get(shop=self.shop, address=sender)

    def answers(self, sender: str = MARIA) -> list[str]:
        sent = Message.objects.filter(point__address=sender, direction=Direction.OUT).order_by("pk")
        return [message.text for message in sent]


def last_text(door: Door, sender: str = MARIA) -> str:
    return door.point(sender).contact.conversation.last_text


def asked_for_order(language: str) -> str:
    """Of somebody whose number we do not see."""
    words = load("phrases")
    return f"{words['which_order'][language]}\n\n{words['or_share_number'][language]}"


@pytest.fixture
def door():
    with clock.frozen(NOON):
        yield Door()


def events(kind: EventKind) -> list[FlowEvent]:
    return list(FlowEvent.objects.filter(kind=kind).order_by("pk"))


def test_a_code_binds_the_chat_to_its_order_and_opens_the_ledger(door: Door):
    message = door.hear_code()
    point = door.point()
    assert list(bound_orders(point)) == [door.order]
    assert point.contact == door.contact  # the stranger and the buyer are one person
    assert consent.granted_purposes(point) == {Purpose.SERVICE, Purpose.UTILITY}
    [started] = events(EventKind.CONVERSATION_STARTED)
    assert started.order == door.order
    told = {name: started.data[name] for name in ("touchpoint", "touchpoint_name", "product", "campaign")}
    assert told == {
        "touchpoint": "thank_you_page",
        "touchpoint_name": "Thank-you page",
        "product": None,
        "campaign": "",
    }
    received = events(EventKind.MESSAGE_RECEIVED)
    assert [(event.message_id, event.data["handled"]) for event in received] == [(message.pk, True)]


def test_a_known_shoppers_message_costs_few_statements(door: Door, django_assert_max_num_queries):
    door.hear_code()
    with django_assert_max_num_queries(18):
        assert door.hear("I have a thought about the colour") is not None
    with django_assert_max_num_queries(25):
        door.hear("Where is my order?")
    assert len(door.answers()) == 2


def test_the_second_person_with_a_code_learns_nothing(door: Door):
    door.hear_code()
    door.hear_code(OTTO)
    assert not OrderBinding.objects.filter(point=door.point(OTTO)).exists()
    assert door.point(OTTO).contact != door.contact
    assert len(events(EventKind.CONVERSATION_STARTED)) == 1
    door.hear("where is my order", OTTO)
    told = " ".join(door.answers(OTTO))
    assert told
    for secret in (door.order.name, "10115", "Maria", "Stoneware", "DHL", door.order.email):
        assert secret not in told


@pytest.mark.django_db(transaction=True)  # threads see only what is committed
def test_the_same_callback_fifty_times_at_once_is_one_message(door: Door):
    inbound = door.inbound("Is the mug dishwasher safe?")

    def deliver(_: int) -> Message | None:
        try:
            return receive(channel=door.channel, inbound=inbound)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(deliver, range(50)))
    assert len([each for each in results if each is not None]) == 1
    assert Message.objects.filter(direction=Direction.IN).count() == 1
    assert ContactPoint.objects.count() == 1
    assert len(events(EventKind.MESSAGE_RECEIVED)) == 1


ABOUT_AN_ORDER = {word for words in load("words")["stop_or_cancel"].values() for word in words}
STOP_WORDS = [word for words in load("words")["stop"].values() for word in words if word not in ABOUT_AN_ORDER]


@pytest.mark.parametrize("word", STOP_WORDS)
def test_every_stop_word_ends_everything(door: Door, word: str):
    door.hear_code()
    waiting = factories.make_message(door.point().contact.conversation, "On its way", point=door.point())
    door.hear(f" {word.upper()}! ")
    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == (MessageStatus.SUPPRESSED, "The shopper wrote STOP")
    assert consent.withdrawn_purposes(door.point()) == frozenset(Purpose)
    assert len(events(EventKind.OPTED_OUT)) == 1
    assert door.answers()[-1] == load("phrases")["stopped"]["en"]


def test_stop_is_confirmed_once(door: Door):
    door.hear_code()
    door.hear("STOP")
    door.hear("stop")
    assert door.answers().count(load("phrases")["stopped"]["en"]) == 1


@pytest.mark.parametrize(
    "text", ["Please don't stop, I love it", "Can I cancel one mug?", "The end of the parcel was wet"]
)
def test_a_stop_word_inside_a_sentence_stops_nothing(door: Door, text: str):
    door.hear_code()
    door.hear(text)
    assert not consent.withdrawn_purposes(door.point())


def test_writing_again_after_stop_allows_answers_only_and_start_allows_news(door: Door):
    door.hear_code()
    door.hear("STOP")
    door.hear("Is somebody there?")
    assert consent.granted_purposes(door.point()) == {Purpose.SERVICE}
    door.hear("START")
    assert consent.granted_purposes(door.point()) == {Purpose.SERVICE, Purpose.UTILITY, Purpose.REVIEW_REQUEST}
    assert Purpose.MARKETING in consent.withdrawn_purposes(door.point())


def test_guessing_codes_ends_after_a_few(door: Door):
    for number in range(GUESSES_PER_POINT):
        door.hear(f"0000-0000-0000-000{number}", OTTO)
    door.hear_code(OTTO)  # even the right one is not looked at now
    assert CodeGuess.objects.filter(point=door.point(OTTO)).count() == GUESSES_PER_POINT
    assert not OrderBinding.objects.exists()
    door.hear_code(MARIA)  # and another person is not held up by it
    assert list(bound_orders(door.point())) == [door.order]


def test_number_and_postcode_are_proof_and_the_number_alone_is_not(door: Door):
    door.hear(f"My order is {door.order.name}")
    assert not OrderBinding.objects.exists()
    door.hear(f"{door.order.name}, 10115")
    assert [binding.method for binding in OrderBinding.objects.all()] == [OrderBinding.Method.PROOF]


def test_a_number_with_a_nought_before_it_is_the_same_number_and_breaks_nothing(door: Door):
    door.hear(f"0{door.order.number} 99999")
    assert not OrderBinding.objects.exists()
    door.hear(f"0{door.order.number} 10115")
    assert [binding.method for binding in OrderBinding.objects.all()] == [OrderBinding.Method.PROOF]


def test_strangers_who_guess_keep_no_shopper_with_a_good_code_out(door: Door):
    door.hear("Hello", OTTO)
    stranger = door.point(OTTO)
    CodeGuess.objects.bulk_create(
        CodeGuess(shop=door.shop, guessed_at=clock.now(), point=stranger if not number else None)
        for number in range(GUESSES_PER_SHOP)
    )
    door.hear_code(OTTO)  # has guessed before
    door.hear(f"{door.order.name}, 10115", "DE.1111111111")  # a postcode can be guessed, a code cannot
    assert not OrderBinding.objects.exists()
    door.hear_code(MARIA)
    assert list(bound_orders(door.point())) == [door.order]


def test_where_is_my_order_is_told_from_the_last_scan_and_the_flows_leave_it_alone(door: Door):
    parcel = factories.make_parcel(door.order, ParcelState.IN_TRANSIT)
    parcel.events.create(state=ParcelState.IN_TRANSIT, city="Leipzig", happened_at=NOON.replace(hour=7, minute=12))
    door.hear_code()
    before = len(door.answers())
    door.hear("Where is my order?")
    told = door.answers()[before:]
    assert len(told) == 1
    assert "DHL" in told[0]
    assert "Leipzig" in told[0]
    assert "8:12" in told[0]  # 07:12 UTC in Berlin
    assert events(EventKind.MESSAGE_RECEIVED)[-1].data["handled"] is True


def test_what_nobody_answers_waits_for_the_team(door: Door):
    door.hear_code()
    message = door.hear("Is the mug dishwasher safe?")
    conversation = message.conversation
    conversation.refresh_from_db()
    assert (conversation.unread, conversation.last_text) == (1, "Is the mug dishwasher safe?")
    assert events(EventKind.MESSAGE_RECEIVED)[-1].data["handled"] is False


def test_a_phone_that_becomes_a_user_id_stays_the_same_person(door: Door):
    door.hear("Hello", "4915112345678", phone="+4915112345678")
    first = door.point("4915112345678")
    door.hear("Hello again", MARIA, aliases=("4915112345678",), phone="+4915112345678")
    assert ContactPoint.objects.get().pk == first.pk
    assert ContactPoint.objects.get().address == MARIA


def test_another_shop_does_not_know_the_code(door: Door):
    rival = factories.make_shop("rival.myshopify.com")
    channel = factories.make_channel(rival, account_id="2002")
    receive(channel=channel, inbound=door.inbound(grouped(door.code)))
    assert not OrderBinding.objects.exists()
    assert not FlowEvent.objects.filter(shop=rival, kind=EventKind.CONVERSATION_STARTED).exists()


@pytest.mark.parametrize(
    "text",
    [
        "please unsubscribe",
        "STOP please",
        "stop now",
        "stop it",
        "stop sending messages",
        "stop all messages",
        "bitte stopp",
        "Bitte keine Nachrichten mehr",
        "Por favor, darme de baja",
        "wypisz mnie",
        "dont message me",
        "STOP\n\nAlice",
        "Hi, could you take me off your list?",
        "もう連絡しないでください",
        "لا ترسلوا لي رسائل",
    ],
)
def test_any_reasonable_wording_is_a_stop(door: Door, text: str):
    door.hear_code()
    door.hear(text)
    assert consent.withdrawn_purposes(door.point()) == frozenset(Purpose)


@pytest.mark.parametrize("text", ["cancel it please", "please don't stop sending me news", "Why did you stop?"])
def test_what_may_be_meant_otherwise_is_no_stop(door: Door, text: str):
    door.hear_code()
    door.hear(text)
    assert not consent.withdrawn_purposes(door.point())


def test_a_second_person_who_knows_number_and_postcode_hears_and_takes_nothing_over(door: Door):
    door.hear_code()
    maria = door.point().contact
    door.hear_code(OTTO)
    door.hear(f"{door.order.name}, 10115", OTTO)
    otto = door.point(OTTO).contact
    assert list(bound_orders(door.point(OTTO))) == [door.order]  # both stand on the parcel: where it is may be told
    assert otto != maria
    door.order.refresh_from_db()
    assert door.order.contact == maria
    assert door.point().contact == maria


def test_a_second_account_on_the_same_network_is_another_person(door: Door):
    door.hear_code()
    touchpoint = links.touchpoint_of(shop=door.shop, kind=TouchpointKind.PACKAGE_INSERT)
    card = links.link_for_order(touchpoint=touchpoint, order=door.order)[1]
    door.hear(f"Hello! {grouped(card)}", OTTO)
    assert list(bound_orders(door.point(OTTO))) == [door.order]
    assert door.point(OTTO).contact != door.point().contact


def test_many_numbers_in_few_words_are_guessing(door: Door):
    number = door.order.name.lstrip("#")
    door.hear(f"1069a1068a1067a{number} 80331 20095 10115", OTTO)
    assert not OrderBinding.objects.exists()
    assert CodeGuess.objects.filter(point=door.point(OTTO)).count() == 1


def test_after_too_many_tries_the_team_sees_the_message_as_it_was_promised(door: Door):
    for number in range(GUESSES_PER_POINT + 1):
        door.hear(f"0000-0000-0000-000{number}", OTTO)
    assert door.answers(OTTO)[-1] == load("phrases")["too_many"]["de"]
    assert TeamAlert.objects.get().reason.startswith("Somebody could not prove an order")
    assert door.point(OTTO).contact.conversation.unread == 1


def test_start_tells_the_flows_of_orders_that_are_under_way(door: Door):
    door.hear_code()
    door.hear("STOP")
    door.hear("START")
    assert [(event.order, event.contact) for event in events(EventKind.CONSENT_GIVEN)] == [(door.order, door.contact)]


def test_the_review_button_asks_for_the_review_at_once(door: Door):
    code = links.review_link(door.order)[1]
    message = door.hear(f"Hello! {grouped(code)}")
    assert [(event.order, event.message) for event in events(EventKind.REVIEW_WANTED)] == [(door.order, message)]
    door.hear_code()
    assert len(events(EventKind.REVIEW_WANTED)) == 1


def test_the_list_says_what_came_where_there_are_no_words(door: Door):
    door.hear("", kind="entry", entry_code="")
    assert door.answers()  # asked which order it is about
    Message.objects.filter(direction=Direction.OUT).delete()
    door.hear("", kind="entry", entry_code="")
    assert last_text(door) == "Opened the chat"
    door.hear("", kind="unsupported")
    assert last_text(door) == "Sent something that cannot be shown here"
    door.hear("Hello")
    assert last_text(door) == "Hello"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hallo", "de"),
        ("Guten Tag, ich habe eine Frage zu meiner Bestellung", "de"),
        ("Hello, where is my order?", "en"),
        ("Bonjour, où est ma commande ?", "fr"),
        ("¿Dónde está mi pedido?", "es"),
        ("Buongiorno, dov'è il mio pacco?", "it"),
        ("Hallo, ik heb een vraag over mijn bestelling", "nl"),
        ("Olá, cadê meu pedido?", "pt"),
        ("Dzień dobry, gdzie jest moja paczka?", "pl"),
        ("Hej, var är mitt paket?", "sv"),
        ("Hej, hvor er min pakke?", "da"),
        ("Merhaba, siparişim nerede?", "tr"),
        ("مرحبا، أين طلبي؟", "ar"),
        ("注文はどこですか", "ja"),
        ("👋", "de"),  # by the number: WhatsApp's id begins with the country
    ],
)
def test_a_stranger_is_answered_in_the_language_of_their_words(door: Door, text: str, language: str):
    door.hear(text, OTTO)
    assert door.answers(OTTO) == [asked_for_order(language)]
    assert door.point(OTTO).contact.language == language


def test_a_stop_is_confirmed_in_the_strangers_language(door: Door):
    door.hear("STOPP", OTTO)
    assert door.answers(OTTO) == [load("phrases")["stopped"]["de"]]


def test_a_clearer_word_later_counts_more_until_the_order_is_known(door: Door):
    door.hear("Hallo", OTTO)
    door.hear("ik heb een vraag over mijn bestelling", OTTO)
    assert door.answers(OTTO)[-1] == asked_for_order("nl")
    door.hear("Hello, my order please", MARIA)
    door.hear_code()
    door.hear("Wo ist meine Bestellung?")
    assert door.order.name in door.answers()[-1]
    assert door.point().contact.language == "en"


def test_a_question_about_an_order_is_never_met_with_silence(door: Door):
    with clock.frozen(NOON) as at:
        door.hear("Hallo", OTTO)
        door.hear("Hallo?", OTTO)  # asked today, and nothing was asked
        asks = asked_for_order("de")
        assert door.answers(OTTO) == [asks]
        door.hear("Wo ist meine Bestellung?", OTTO)
        assert door.answers(OTTO) == [asks, asks]
        door.hear("Wo ist denn mein Paket?", OTTO)  # at once after it
        assert len(door.answers(OTTO)) == 2
        at.move(minutes=11)
        door.hear("Wo ist denn mein Paket?", OTTO)
        assert len(door.answers(OTTO)) == 3
        door.hear("ok", OTTO)
        assert len(door.answers(OTTO)) == 3


def test_a_language_is_sure_only_by_more_than_a_word():
    assert language_in("Hallo", likely=["nl"]) == Guess("nl")
    assert language_in("Hallo", likely=["en"]) == Guess("de")
    assert language_in("ich habe eine Frage") == Guess("de", sure=True)
    assert language_in("xyz 123") == Guess()
