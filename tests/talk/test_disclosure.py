"""At the start of a chat it is said that a program answers: where the law wants it, and where the network does."""

import pytest

from post_purchase.channels.base import OutMessage
from post_purchase.services.messages import queue_answer, queue_message
from post_purchase.services.phrases import phrase
from post_purchase.words import Author, ChannelKind, Purpose
from tests import factories

pytestmark = pytest.mark.django_db


class Chat:
    def __init__(self, kind: str, country: str, province: str = "", *, wrote: bool = True):
        self.shop = factories.make_shop()
        self.contact = factories.make_contact(self.shop, language="de", country=country, province=province)
        self.point = factories.make_point(self.contact, kind=kind, address=f"{kind}-1")
        self.conversation = factories.make_conversation(self.contact)
        if wrote:
            factories.make_message(self.conversation, "Hallo", direction="in", point=self.point)
        self.count = 0

    def flow_says(self, author: str = Author.FLOW) -> str:
        self.count += 1
        content = OutMessage(text="Danke für Ihre Bestellung!", forms={"sms": "Danke!"}, language="de")
        made = queue_message(
            conversation=self.conversation,
            content=content,
            purpose=Purpose.SERVICE,
            dedupe_key=f"k{self.count}",
            author=author,
        )
        assert made.content["text"] == made.text
        return made.text

    def answer(self) -> str:
        self.count += 1
        made = queue_answer(
            conversation=self.conversation, text="Ja.", language="de", point=self.point, dedupe_key=f"k{self.count}"
        )
        return made.text


WORDS = phrase("automatic", "de")


@pytest.mark.parametrize("kind", [ChannelKind.MESSENGER, ChannelKind.INSTAGRAM])
@pytest.mark.parametrize("home", [("DE", ""), ("US", "CA")])
def test_on_metas_networks_the_first_words_say_it_in_germany_and_california(kind, home):
    chat = Chat(kind, *home)
    assert chat.flow_says() == f"{WORDS}\n\nDanke für Ihre Bestellung!"
    assert chat.flow_says() == "Danke für Ihre Bestellung!"
    assert chat.answer() == "Ja."


def test_a_person_never_says_it():
    assert Chat(ChannelKind.MESSENGER, "DE").flow_says(Author.PERSON) == "Danke für Ihre Bestellung!"


@pytest.mark.parametrize(
    ("kind", "home"),
    [(ChannelKind.WHATSAPP, ("DE", "")), (ChannelKind.MESSENGER, ("FR", "")), (ChannelKind.MESSENGER, ("US", "NY"))],
)
def test_elsewhere_nothing_is_said_unasked(kind, home):
    chat = Chat(kind, *home)
    assert chat.flow_says() == "Danke für Ihre Bestellung!"
    assert chat.answer() == "Ja."


def test_who_comes_to_messenger_from_another_network_is_told_there():
    chat = Chat(ChannelKind.WHATSAPP, "DE")
    assert chat.answer() == "Ja."
    chat.point = factories.make_point(chat.contact, kind=ChannelKind.MESSENGER, address="psid-2")
    assert chat.answer() == f"{WORDS}\n\nJa."


def test_who_is_not_known_is_taken_to_live_where_the_shop_is():
    chat = Chat(ChannelKind.MESSENGER, "")
    chat.shop.country = "DE"
    chat.shop.save(update_fields=["country"])
    chat.conversation.refresh_from_db()
    assert chat.answer() == f"{WORDS}\n\nJa."


def test_a_mail_that_nobody_asked_for_is_no_chat():
    assert Chat(ChannelKind.MESSENGER, "DE", wrote=False).flow_says() == "Danke für Ihre Bestellung!"
