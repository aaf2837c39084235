"""The networks' callbacks, from the signed bytes to the rows: each update by itself, nothing twice, nothing forged."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from post_purchase.channels.addresses import entry_address
from post_purchase.channels.base import Inbound
from post_purchase.jobs.messages import send_messages
from post_purchase.jobs.webhooks import process_webhooks
from post_purchase.models import (
    Attachment,
    CodeGuess,
    ConsentEntry,
    Contact,
    ContactPoint,
    ContactPointAlias,
    Conversation,
    FlowEvent,
    Message,
    OrderBinding,
    ProviderStatus,
)
from post_purchase.services import consent, conversations, links, receiving
from post_purchase.services.bindings import bound_orders
from post_purchase.services.phrases import phrase
from post_purchase.words import ChannelKind, Direction, EventKind, MessageStatus, Purpose, TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import grouped
from shopapp.lib.queue import Job
from shopapp.models import IncomingWebhook, ShopStatus
from tests import factories
from tests.networks_door import MARIA, OTTO, callback, deliver, mail, photo, post, say, written

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MOST_STATEMENTS = 40  # for one message; the time depends on the machine
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at():
    with clock.frozen(NOON) as frozen:
        yield frozen


class World:
    def __init__(self) -> None:
        self.shop = factories.make_shop()
        self.contact = factories.make_contact(self.shop)
        self.order = factories.make_order(self.shop, self.contact, number=1001, name="#1001")
        self.channel = factories.make_channel(self.shop)
        touchpoint = links.touchpoint_of(shop=self.shop, kind=TouchpointKind.THANK_YOU_PAGE)
        self.code = links.link_for_order(touchpoint=touchpoint, order=self.order)[1]

    def say_code(self, sender: str = MARIA) -> None:
        say(f"Hello! My code is {grouped(self.code)}", sender=sender)

    def point(self, address: str = MARIA) -> ContactPoint:
        return ContactPoint.objects.get(shop=self.shop, address=address)

    def answers(self, address: str = MARIA) -> list[str]:
        sent = Message.objects.filter(point__address=address, direction=Direction.OUT)
        return list(sent.order_by("pk").values_list("text", flat=True))


@pytest.fixture
def world() -> World:
    return World()


def events(kind: EventKind) -> int:
    return FlowEvent.objects.filter(kind=kind).count()


def test_a_forged_callback_is_refused_and_leaves_nothing(world: World):
    assert post(callback(written("Hello")), secret=b"not-meta") == 403
    process_webhooks()
    assert (IncomingWebhook.objects.count(), Message.objects.count(), Contact.objects.count()) == (0, 0, 1)


def test_the_same_bytes_and_the_same_message_in_other_bytes_are_one_message(world: World):
    message = written("Hello")
    deliver(callback(message))
    deliver(callback(message))
    deliver(callback(message, written("And one more")))
    texts = list(Message.objects.filter(direction=Direction.IN).order_by("pk").values_list("text", flat=True))
    assert texts == ["Hello", "And one more"]
    assert events(EventKind.MESSAGE_RECEIVED) == 2


@pytest.mark.django_db(transaction=True)  # counts the statements, so without a savepoint around each
def test_a_thousand_updates_in_one_callback_are_read_in_order(world: World):
    """Meta bundles up to a thousand: some messages, and mostly how earlier ones fare."""
    many, people = 200, 40
    messages = [written(f"Message {number}", f"DE.{number % people:016d}") for number in range(many)]
    body = callback(*messages, statuses=[status_of(f"wamid.{number}", "delivered") for number in range(1000 - many)])
    statements: Counter[str] = Counter()

    def count(execute, sql, params, many, context):
        statements[sql.split(" ", 1)[0]] += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        row = deliver(body)
    assert statements.total() < many * MOST_STATEMENTS + 120  # for all statuses together
    assert (row.error, row.done_at is not None, row.attempts) == ("", True, 1)
    received = Message.objects.filter(direction=Direction.IN).order_by("pk")
    assert list(received.values_list("text", flat=True)) == [f"Message {number}" for number in range(many)]
    assert ContactPoint.objects.filter(kind=ChannelKind.WHATSAPP).count() == people
    said = Message.objects.filter(direction=Direction.OUT).exclude(dedupe_key__startswith="answer:not_proved")
    assert said.count() <= people
    assert ProviderStatus.objects.count() == 1000 - many


def test_a_bad_update_stops_no_other_and_the_row_comes_again(world: World, monkeypatch: pytest.MonkeyPatch):
    good = conversations.receive

    def receive(*, channel, inbound):
        if inbound.text == "poison":
            raise ValueError("poison")
        return good(channel=channel, inbound=inbound)

    monkeypatch.setattr(conversations, "receive", receive)
    row = deliver(callback(written("first"), written("poison", OTTO), written("last")))
    kept = list(Message.objects.filter(direction=Direction.IN).order_by("pk").values_list("text", flat=True))
    assert kept == ["first", "last"]
    assert (row.done_at, row.parked_at, row.attempts) == (None, None, 1)
    assert row.error.startswith("ValueError at ")
    assert "test_callbacks.py" in row.error
    assert not ContactPoint.objects.filter(address=OTTO).exists()


def test_a_photo_waits_to_be_fetched_and_wakes_the_fetcher(world: World, monkeypatch: pytest.MonkeyPatch):
    woken: list[Job] = []
    monkeypatch.setattr(receiving, "wake", woken.append)
    deliver(callback(photo("media-1")))
    attachment = Attachment.objects.get()
    assert (attachment.source["id"], attachment.next_attempt_at, attachment.file) == ("media-1", NOON, "")
    assert FlowEvent.objects.get(kind=EventKind.MESSAGE_RECEIVED).data["has_media"] is True
    assert Conversation.objects.get(contact__points__address=MARIA).last_text == "Photo"
    assert woken == [Job.FETCH_MEDIA]


def test_a_new_number_or_user_id_is_the_same_person(world: World):
    world.say_code()
    change = {"user_id": {"previous": MARIA, "current": "DE.7777777777777777"}, "timestamp": "1764000000"}
    deliver(callback(field="user_id_update", messages=[], user_id_update=[change]))
    point = world.point("DE.7777777777777777")
    assert list(bound_orders(point)) == [world.order]
    assert ContactPointAlias.objects.get(address=MARIA).point == point
    say("where is my order", sender=MARIA)  # an old callback under the old name
    assert ContactPoint.objects.filter(kind=ChannelKind.WHATSAPP).count() == 1
    point.refresh_from_db()
    assert point.address == "DE.7777777777777777"  # where WhatsApp reaches her now
    assert world.order.name in world.answers(point.address)[-1]


def test_marketing_stopped_at_meta_is_in_the_ledger_and_ends_nothing_else(world: World):
    world.say_code()
    wish = [{"user_id": MARIA, "value": "stop", "category": "marketing_messages", "timestamp": "1764000000"}]
    deliver(callback(field="user_preferences", user_preferences=wish))
    assert consent.withdrawn_purposes(world.point()) == {Purpose.MARKETING}
    assert Purpose.UTILITY in consent.granted_purposes(world.point())
    assert ConsentEntry.objects.get(purpose=Purpose.MARKETING).method == "network"
    assert events(EventKind.OPTED_OUT) == 0


def test_a_status_moves_the_message_and_never_back(world: World):
    conversation = factories.make_conversation(world.contact)
    point = factories.make_point(world.contact)
    message = factories.make_message(
        conversation,
        status=MessageStatus.SENT,
        provider_id="wamid.out",
        channel=world.channel,
        point=point,
        next_attempt_at=None,
    )
    for status in ("read", "delivered", "sent", "read"):
        stamp = str(int(NOON.timestamp()))
        news = {"id": "wamid.out", "status": status, "timestamp": stamp, "recipient_user_id": MARIA}
        deliver(callback(statuses=[news], messages=[]))
    message.refresh_from_db()
    assert (message.status, message.read_at) == (MessageStatus.READ, NOON)


def test_callbacks_for_nobody_or_a_shop_that_left_are_read_and_change_nothing(world: World):
    stranger = callback(written("Hello"))
    stranger["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = "404"
    assert deliver(stranger).error == ""
    world.shop.status = ShopStatus.UNINSTALLED
    world.shop.save()
    assert deliver(callback(written("Hello again"))).done_at is not None
    assert (Message.objects.count(), ContactPoint.objects.filter(kind=ChannelKind.WHATSAPP).count()) == (0, 0)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"entry": 5}', b'{"entry": [{"changes": [null, {"value": []}]}]}', b"\xff"]
)
def test_odd_bytes_are_stored_and_answered_200(world: World, body: bytes):
    row = deliver(body)
    assert (row.parked_at, row.error, Message.objects.count()) == (None, "", 0)


def test_an_echo_of_another_app_hands_the_conversation_to_the_person(world: World):
    channel = factories.make_channel(world.shop, ChannelKind.MESSENGER)
    point = factories.make_point(world.contact, ChannelKind.MESSENGER)
    echo = {
        "object": "page",
        "entry": [
            {
                "id": channel.account_id,
                "messaging": [
                    {
                        "sender": {"id": channel.account_id},
                        "recipient": {"id": point.address},
                        "timestamp": 1764000000000,
                        "message": {"mid": "m.1", "text": "I will look", "is_echo": True, "app_id": 4711},
                    }
                ],
            }
        ],
    }
    deliver(echo, network="messenger")
    assert Conversation.objects.get(contact=world.contact).hand_off_reason == "A person answered in another app"
    echo["entry"][0]["messaging"][0]["message"] |= {"mid": "m.2", "app_id": 1001}  # our own app
    conversations.take_back(conversation=Conversation.objects.get(contact=world.contact))
    deliver(echo, network="messenger")
    assert Conversation.objects.get(contact=world.contact).handed_off_at is None
    assert events(EventKind.HANDED_OFF) == 1


def test_a_stop_through_the_door_ends_everything_with_one_confirmation(world: World):
    world.say_code()
    conversation = Conversation.objects.get(contact=world.contact)
    waiting = factories.make_message(conversation, "How was it?", next_attempt_at=NOON + timedelta(days=7))
    before = len(world.answers())
    say("STOP!")
    say("stop")
    waiting.refresh_from_db()
    assert (waiting.status, waiting.next_attempt_at) == (MessageStatus.SUPPRESSED, None)
    assert world.answers()[before:] == [
        "You are unsubscribed and will get no more messages from us here. Write START to get order news again."
    ]
    assert consent.withdrawn_purposes(world.point()) == set(Purpose)
    assert all(
        event.data["handled"] for event in FlowEvent.objects.filter(kind=EventKind.MESSAGE_RECEIVED).order_by("-pk")[:2]
    )


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("1001, 10115", True),
        ("My order is #1001 and I live at Hauptstr. 5, 10115 Berlin", True),
        ("１００１ １０１１５", True),  # full-width digits
        ("1001", False),
        ("10115", False),
        ("1001 101150", False),
        ("1001 99910115", False),
        ("1001 " + " ".join(str(10_100 + each) for each in range(20)), False),  # a list is guessing
    ],
)
def test_a_proof_is_the_number_and_the_whole_postcode(world: World, text: str, right: bool):
    say(text, sender=OTTO)
    assert OrderBinding.objects.filter(point=world.point(OTTO)).exists() is right
    assert CodeGuess.objects.count() == (0 if right else 1)
    if not right:
        assert world.answers(OTTO) == [
            f"{phrase('not_proved', 'de')}\n\n{phrase('or_share_number', 'de')}"
        ]  # a German number that says no word


def test_a_british_postcode_may_be_written_apart(world: World):
    world.order.shipping_zip = "SW1A 1AA"
    world.order.save()
    say("1001 sw1a1aa", sender=OTTO)
    assert OrderBinding.objects.get(point=world.point(OTTO)).method == OrderBinding.Method.PROOF


def test_a_greeting_is_answered_kindly_while_the_shop_is_being_guessed_at(world: World):
    CodeGuess.objects.bulk_create([CodeGuess(shop=world.shop, guessed_at=NOON) for _ in range(100)])
    say("Hello!", sender=OTTO)
    say("1001, 10115", sender=OTTO)
    assert [answer.split(".")[0] for answer in world.answers(OTTO)] == [
        "Hello! Which order is it about? Send us the order number and the postcode it goes to, and we can help at once",
        "That did not work several times",
    ]
    assert not OrderBinding.objects.filter(point=world.point(OTTO)).exists()


@pytest.mark.django_db(transaction=True)  # threads
def test_eight_people_with_one_code_at_once_and_one_of_them_is_bound(world: World):
    people = [f"DE.{number:016d}" for number in range(8)]
    text = f"Hello! My code is {grouped(world.code)}"
    updates = [Inbound(world.channel.account_id, f"wamid.{person}", person, NOON, text=text) for person in people]

    def hear(update: Inbound) -> None:
        try:
            with clock.frozen(NOON):
                conversations.receive(channel=world.channel, inbound=update)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(hear, updates))
    assert OrderBinding.objects.filter(order=world.order).count() == 1
    assert events(EventKind.CONVERSATION_STARTED) == 1
    told = Message.objects.filter(direction=Direction.OUT, text__startswith="This code has been used already.")
    assert told.count() == 7


def test_a_mail_to_the_entry_address_binds_its_sender(world: World):
    channel = factories.make_channel(world.shop, ChannelKind.EMAIL)
    to = entry_address(channel_id=channel.pk, code=world.code)
    for _ in range(2):  # the provider delivers it twice
        assert mail(sender="someone@example.net", to=to, text="Hello", message_id="<one@example.net>") == 200
        process_webhooks()
    point = world.point("someone@example.net")
    assert list(bound_orders(point)) == [world.order]
    assert Message.objects.filter(direction=Direction.IN).count() == 1
    assert mail(sender="other@example.net", to=to, text="where is my order", message_id="<two@example.net>") == 200
    process_webhooks()
    other = world.point("other@example.net")
    assert not OrderBinding.objects.filter(point=other).exists()
    assert all("#1001" not in answer and "10115" not in answer for answer in world.answers(other.address))


def test_an_answer_by_mail_has_the_subject_of_the_question(world: World, mailoutbox):
    channel = factories.make_channel(world.shop, ChannelKind.EMAIL)
    to = entry_address(channel_id=channel.pk, code="WR0NGC0DEWR0NGC0")
    assert (
        mail(sender="kim@example.net", to=to, text="Hello", message_id="<one@example.net>", Subject="My apron") == 200
    )
    process_webhooks()
    send_messages()
    assert [each.subject for each in mailoutbox] == ["Re: My apron"]
    assert mailoutbox[0].extra_headers["In-Reply-To"] == "<one@example.net>"


def status_of(provider_id: str, word: str, **more: Any) -> dict[str, Any]:
    stamp = str(int(clock.now().timestamp()))
    return {"id": provider_id, "status": word, "timestamp": stamp, "recipient_user_id": MARIA, **more}
