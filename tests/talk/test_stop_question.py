"""What may be a stop or a wish about an order: asked back once, and "cancel" is about the order that is expected."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from post_purchase.channels.base import Inbound
from post_purchase.models import Conversation, Message
from post_purchase.services import consent
from post_purchase.services.answers import understood
from post_purchase.services.conversations import receive
from post_purchase.services.phrases import load
from post_purchase.words import ChannelKind, Direction, Purpose
from shopapp.lib import clock
from tests import factories

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
QUESTION, STOPPED = load("phrases")["stop_question"]["en"], load("phrases")["stopped"]["en"]
CANCEL_WORDS = [(language, word) for language, words in load("words")["stop_or_cancel"].items() for word in words]
pytestmark = pytest.mark.django_db


class Talk:
    """One order, bound to one address on one network."""

    def __init__(self, kind: str = ChannelKind.WHATSAPP, **order: object) -> None:
        self.shop = factories.make_shop()
        contact = factories.make_contact(self.shop)
        self.order = factories.make_order(self.shop, contact, **order)
        self.channel = factories.make_channel(self.shop, kind=kind)
        self.point = factories.make_point(contact, kind=kind)
        factories.bind(self.point, self.order)
        self.count = 0

    def hears(self, text: str, *, tap: str = "") -> list[Message]:
        """What is answered to it."""
        self.count += 1
        before = Message.objects.order_by("pk").last()
        inbound = Inbound(
            account_id=self.channel.account_id,
            provider_id=f"id.{self.count}",
            address=self.point.address,
            happened_at=clock.now(),
            text=text,
            button_id=tap,
        )
        receive(channel=self.channel, inbound=inbound)
        return list(Message.objects.filter(direction=Direction.OUT, pk__gt=before.pk if before else 0).order_by("pk"))

    def asked_for(self) -> frozenset[str]:
        return understood(Message.objects.filter(direction=Direction.IN).order_by("pk").last()).names

    def has_stopped(self) -> bool:
        return consent.withdrawn_purposes(self.point) == frozenset(Purpose)

    def hand_off_reason(self) -> str:
        return Conversation.objects.get().hand_off_reason


@pytest.fixture
def at() -> Iterator[clock.Frozen]:
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def talk(at: clock.Frozen) -> Talk:
    return Talk()


@pytest.mark.parametrize("text", ["送らないで", "bitte nichts mehr schicken", "remove me from the recurring order"])
def test_what_is_unclear_is_asked_back_with_two_buttons_and_stops_nothing(talk: Talk, text: str) -> None:
    (question,) = talk.hears(text)
    assert question.text == QUESTION
    assert [each["title"] for each in question.content["buttons"]] == ["Yes, stop", "No, go on"]
    assert not talk.has_stopped()


@pytest.mark.parametrize("reply", ["yes", "1", "Yes, stop", "ja", "STOP"])
def test_a_typed_yes_stops_everything(talk: Talk, reply: str) -> None:
    talk.hears("送らないで")
    assert [each.text for each in talk.hears(reply)] == [STOPPED]
    assert talk.has_stopped()


def test_a_tapped_yes_stops_everything_and_a_second_one_changes_nothing(talk: Talk) -> None:
    yes = talk.hears("送らないで")[0].content["buttons"][0]["id"]
    assert [each.text for each in talk.hears("Yes, stop", tap=yes)] == [STOPPED]
    assert talk.hears("Yes, stop", tap=yes) == []
    assert talk.has_stopped()


@pytest.mark.parametrize("reply", ["no", "2", "No, go on"])
def test_a_no_is_for_a_person(talk: Talk, reply: str) -> None:
    talk.hears("送らないで")
    assert [each.text for each in talk.hears(reply)] == [load("phrases")["person_coming"]["en"]]
    assert not talk.has_stopped()
    assert talk.hand_off_reason() == "Asked whether to stop, the shopper said no: see what they meant"


def test_a_tap_on_a_question_that_was_never_asked_stops_nothing(talk: Talk) -> None:
    assert talk.hears("Yes, stop", tap="stop:yes") == []
    assert not talk.has_stopped()


def test_a_yes_to_something_else_stops_nothing(talk: Talk) -> None:
    talk.hears("送らないで")
    talk.hears("where is my order?")
    talk.hears("yes")
    assert not talk.has_stopped()


def test_the_question_comes_once_a_day_and_then_a_person(talk: Talk, at: clock.Frozen) -> None:
    talk.hears("送らないで")
    assert QUESTION not in [each.text for each in talk.hears("送らないで")]
    at.move(hours=24)
    assert [each.text for each in talk.hears("送らないで")] == [QUESTION]


@pytest.mark.parametrize(
    "text",
    [
        "No more messages about the delay please, just refund me",
        "Ne m'envoyez plus la commande, je veux annuler",
        "nie wysyłajcie mi paczki",
        "não quero mais receber o produto",
        "لا ترسلوا الطلب",
        "商品を送らないでください",
        "もう送らないでください、注文をキャンセルします",
    ],
)
def test_a_wish_about_an_order_is_neither_a_stop_nor_asked_back(talk: Talk, text: str) -> None:
    assert QUESTION not in [each.text for each in talk.hears(text)]
    assert not talk.has_stopped()
    assert talk.asked_for() & {"cancel", "return_exchange"}


@pytest.mark.parametrize(("language", "word"), CANCEL_WORDS)
@pytest.mark.parametrize("kind", [ChannelKind.WHATSAPP, ChannelKind.INSTAGRAM, ChannelKind.EMAIL])
def test_cancel_alone_is_about_the_order_that_is_expected(
    at: clock.Frozen, kind: str, language: str, word: str
) -> None:
    talk = Talk(kind)
    talk.hears(word.upper())
    assert not talk.has_stopped()
    assert talk.asked_for() == {"cancel"}


def test_on_sms_cancel_is_a_stop_as_the_carriers_have_it(at: clock.Frozen) -> None:
    talk = Talk(ChannelKind.SMS)
    assert [each.text for each in talk.hears("CANCEL")] == [STOPPED]
    assert talk.has_stopped()


@pytest.mark.parametrize("done", ["cancelled_at", "delivered_at"])
def test_where_no_order_is_expected_cancel_is_a_stop(at: clock.Frozen, done: str) -> None:
    talk = Talk(**{done: NOON})
    talk.hears("cancel")
    assert talk.has_stopped()
