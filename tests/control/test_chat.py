"""In the chat: what we know, choices, a muted purpose, an erasure. Each with one answer and a line of the ledger."""

from datetime import UTC, datetime, time, timedelta

import pytest

from post_purchase.channels.base import Inbound, OutMessage
from post_purchase.models import ChoiceEntry, ConsentEntry, Contact, ContactPoint, Message, Order, PrivacyRequest
from post_purchase.services import reach
from post_purchase.services.arbiter import judge
from post_purchase.services.consent import record_consent, withdrawn_purposes
from post_purchase.services.conversations import conversation_for, receive
from post_purchase.services.messages import queue_message
from post_purchase.services.phrases import load
from post_purchase.services.privacy_requests import answer_request, claim_request
from post_purchase.services.talk_language import language_of
from post_purchase.words import Author, ChannelKind, Direction, MessageStatus, Purpose
from shopapp.lib import clock
from tests import factories

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TEXTS = load("control")
pytestmark = pytest.mark.django_db


class Chat:
    """Maria on WhatsApp, with her order's own number unless `phone` says otherwise."""

    def __init__(self, *, phone: str = "+4915112345678") -> None:
        self.shop = factories.make_shop()
        self.contact = factories.make_contact(self.shop)
        self.order = factories.make_order(self.shop, self.contact, phone="+4915112345678")
        self.channel = factories.make_channel(self.shop)
        self.point = factories.make_point(self.contact, phone=phone)
        factories.bind(self.point, self.order)
        self.mail = factories.make_point(self.contact, ChannelKind.EMAIL)
        self.count = 0

    def hear(self, text: str) -> str:
        """The answer, "" where there was none by the automatic."""
        self.count += 1
        inbound = Inbound(
            account_id=self.channel.account_id,
            address=self.point.address,
            text=text,
            provider_id=f"wamid.{self.count}",
            happened_at=clock.now(),
        )
        message = receive(channel=self.channel, inbound=inbound)
        assert message is not None
        key = f"control:{message.pk}"
        return Message.objects.filter(dedupe_key=key).values_list("text", flat=True).first() or ""


@pytest.fixture
def chat():
    with clock.frozen(NOON) as at:
        made = Chat()
        made.at = at
        yield made


def test_what_we_know_is_told_shortened_and_with_a_link_that_only_the_chat_has(chat: Chat):
    answer = chat.hear("What do you know about me?")
    assert "Name: Maria" in answer
    assert f"Orders: {chat.order.name}" in answer
    assert "m…@example.com" in answer
    assert "maria@example.com" not in answer
    assert "4915112345678" not in answer
    address, _, key = answer.rpartition("/my#")
    assert len(key) == 32
    assert "/my" not in address
    assert not chat.point.control_link.token_hash.startswith(key[:8])


def test_choices_are_kept_answered_once_and_written_into_the_ledger(chat: Chat):
    assert chat.hear("My size is M") == "Done. Size: M"
    assert chat.hear("quiet hours from 9 pm to 8 am") == "Done. Quiet hours: 21:00–08:00"
    assert chat.hear("write me by e-mail instead") == "Done. Preferred way: E-mail"
    assert chat.hear("write me on Telegram").startswith("We do not know you on Telegram yet")
    assert chat.hear("auf Deutsch bitte") == "Erledigt. Sprache: Deutsch"
    contact = Contact.objects.get(pk=chat.contact.pk)
    assert contact.fields == {"size": "M"}
    assert (contact.quiet_from, contact.quiet_until) == (time(21), time(8))
    assert contact.preferred_kind == ChannelKind.EMAIL
    assert language_of(contact, chat.order) == "de"  # the order's checkout was English
    lines = list(ChoiceEntry.objects.order_by("pk").values_list("name", "value", "method", "wording", "language"))
    assert lines[0] == ("size", "M", "chat", "My size is M", "en")
    assert [line[:2] for line in lines[1:]] == [
        ("quiet", "21:00-08:00"),
        ("channel", "email"),
        ("language", "de"),
    ]
    assert ChoiceEntry.objects.exclude(wording_version=TEXTS["version"]).count() == 0
    assert all(entry.proof["message"] for entry in ChoiceEntry.objects.all())


def test_who_wants_news_by_mail_gets_the_next_news_by_mail(chat: Chat):
    record_consent(point=chat.point, purpose=Purpose.UTILITY, state="granted", method="x", dedupe_key="u")
    factories.make_channel(chat.shop, kind=ChannelKind.EMAIL, account_id="shop@example.com")
    factories.bind(chat.mail, chat.order)  # the address that the order was placed with
    chat.hear("Hello")
    assert goes_to(chat) == chat.point
    assert chat.hear("write me by e-mail instead") == "Done. Preferred way: E-mail"
    assert goes_to(chat) == chat.mail
    entry = ConsentEntry.objects.get(point=chat.mail, purpose=Purpose.UTILITY)
    assert (entry.state, entry.method, entry.wording) == ("granted", "control_chat", "write me by e-mail instead")
    assert "Preferred way: E-mail" in chat.hear("What do you know about me?")


def test_who_has_said_no_to_mail_is_not_written_to_by_mail_because_of_a_wish_elsewhere(chat: Chat):
    record_consent(point=chat.mail, purpose=Purpose.UTILITY, state="withdrawn", method="x", dedupe_key="u")
    assert chat.hear("write me by e-mail instead").startswith("We do not know you on E-mail yet")
    assert Contact.objects.get(pk=chat.contact.pk).preferred_kind == ""


def goes_to(chat: Chat) -> ContactPoint:
    """Where news of the order would go now."""
    chat.contact.refresh_from_db()
    message = queue_message(
        conversation=conversation_for(chat.contact),
        content=OutMessage(text="On its way", subject="On its way"),
        purpose=Purpose.UTILITY,
        dedupe_key=f"news:{Message.objects.count()}",
        author=Author.FLOW,
        order=chat.order,
    )
    way = reach.Facts([message], now=clock.now()).reach_of(message)
    verdict = judge(way.proposal, way.situation, clock.now())
    assert verdict.candidate is not None, verdict.reason
    return ContactPoint.objects.get(pk=verdict.candidate.point_id)


def test_a_muted_purpose_is_muted_everywhere_and_order_news_go_on(chat: Chat):
    for point in (chat.point, chat.mail):
        record_consent(point=point, purpose=Purpose.UTILITY, state="granted", method="x", dedupe_key=f"u{point.pk}")
    assert chat.hear("please no review questions") == "Done. Questions about a review: off"
    assert withdrawn_purposes(chat.point) == withdrawn_purposes(chat.mail) == {Purpose.REVIEW_REQUEST}
    entry = ConsentEntry.objects.filter(purpose=Purpose.REVIEW_REQUEST).first()
    assert (entry.method, entry.wording, entry.language) == ("control_chat", "please no review questions", "en")
    assert chat.hear("no more offers") == "Done. Offers: off"
    chat.hear("no more offers")
    assert ConsentEntry.objects.filter(purpose=Purpose.MARKETING, point=chat.point).count() == 1


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("bitte keine Werbung mehr", "Done. Offers: off"),
        ("stop sending me offers", "Done. Offers: off"),
        ("広告はいりません", "Done. Offers: off"),
        ("keine Werbung mehr, aber weiter Neues zu meiner Bestellung", "Done. Offers: off"),
        ("don't text me at night", "Done. Quiet hours: 21:00–08:00"),
    ],
)
def test_a_wish_for_less_is_not_a_stop(chat: Chat, text: str, answer: str):
    record_consent(point=chat.point, purpose=Purpose.UTILITY, state="granted", method="x", dedupe_key="u")
    assert chat.hear(text) == answer
    assert Purpose.UTILITY not in withdrawn_purposes(chat.point)
    assert Message.objects.filter(direction=Direction.OUT).count() == 1
    chat.hear("STOP")
    assert Purpose.UTILITY in withdrawn_purposes(chat.point)


def test_what_is_plainly_wished_but_not_said_how_is_asked_for(chat: Chat):
    assert "/my#" in chat.hear("Why do you write in German?")
    assert "/my#" in chat.hear("DSGVO Auskunft")
    assert "write ERASE" in chat.hear("Löscht mich")
    assert chat.hear("no messages after 8pm please") == "Done. Quiet hours: 20:00–08:00"
    assert chat.hear("parle-moi en allemand") == "Erledigt. Sprache: Deutsch"
    assert (
        chat.hear("schreib mir bitte per SMS")
        == "Auf SMS kennen wir Sie noch nicht. Schreiben Sie uns dort zuerst, dann antworten wir dort."
    )


def test_an_erasure_is_asked_for_confirmed_and_done_after_the_last_word(chat: Chat):
    assert chat.hear("erase") == ""  # nobody asked for the word
    question = chat.hear("Please delete all my data")
    assert "write ERASE" in question
    assert "The shop keeps the order itself" in question
    assert chat.hear("ERASE") == TEXTS["en"]["erased"]
    assert Message.objects.filter(status=MessageStatus.QUEUED, text=TEXTS["en"]["erased"]).count() == 1
    assert claim_request() is None  # the last word goes first
    chat.at.move(minutes=3)
    request = claim_request()
    answer_request(request=request)
    request.refresh_from_db()
    assert request.outcome == "Erased: 1 contacts, 1 orders"
    assert "contact" not in request.export
    assert not ContactPoint.objects.filter(contact=chat.contact).exists()
    assert ChoiceEntry.objects.count() == 0
    assert Order.objects.get(pk=chat.order.pk).email == ""
    assert Message.objects.exclude(text="").count() == 0


def test_the_word_too_late_erases_nothing(chat: Chat):
    chat.hear("delete all my data")
    chat.at.move(minutes=31)
    assert chat.hear("ERASE") == ""
    assert PrivacyRequest.objects.count() == 0


def test_who_only_found_the_card_learns_and_erases_nothing_of_the_buyer():
    with clock.frozen(NOON) as at:
        chat = Chat(phone="+4915199999999")
        chat.at = at
        told = chat.hear("What do you know about me?")
        assert "@example.com" not in told
        question = chat.hear("delete my data")
        assert "erase this chat" in question
        assert chat.hear("ERASE")
        at.move(minutes=3)
        answer_request(request=claim_request())
    assert not ContactPoint.objects.filter(pk=chat.point.pk).exists()
    assert ContactPoint.objects.filter(pk=chat.mail.pk, contact=chat.contact).exists()
    assert Order.objects.get(pk=chat.order.pk).email == "maria@example.com"
    assert Contact.objects.get(pk=chat.contact.pk).redacted_at is None
    assert Message.objects.filter(direction=Direction.IN).exclude(text="").count() == 0


def test_own_quiet_hours_and_the_preferred_network_count_when_a_message_is_sent(chat: Chat):
    factories.make_channel(chat.shop, ChannelKind.EMAIL)
    factories.bind(chat.mail, chat.order)
    for point in (chat.point, chat.mail):
        record_consent(point=point, purpose=Purpose.UTILITY, state="granted", method="x", dedupe_key=f"u{point.pk}")
    chat.hear("quiet hours from 12 to 15")
    chat.hear("write me by e-mail")
    message = factories.make_message(
        chat.contact.conversation, purpose=Purpose.UTILITY, order=chat.order, status=MessageStatus.QUEUED
    )
    message = Message.objects.get(pk=message.pk)
    message.content = {"text": "Your parcel"}
    found = reach.Facts([message], now=NOON).reach_of(message)
    assert [each.kind for each in found.situation.candidates] == [ChannelKind.EMAIL, ChannelKind.WHATSAPP]
    verdict = reach_verdict(found)
    assert verdict.until == NOON + timedelta(hours=2)  # 15:00 in Berlin
    assert "the shopper's own quiet hours" in verdict.reason


def reach_verdict(found):
    from post_purchase.services.arbiter import judge

    return judge(found.proposal, found.situation, NOON)
