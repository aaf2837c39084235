"""The outbox, from a row to a real HTTP call and what its answer means."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from post_purchase.channels.base import ChannelError, Outcome, OutMessage, StatusUpdate
from post_purchase.jobs.messages import reconcile_messages, send_messages
from post_purchase.models import Channel, ConsentState, ContactPoint, Conversation, Message
from post_purchase.services import delivery, handover, outcomes
from post_purchase.services.consent import record_consent
from post_purchase.services.messages import cancel_waiting, queue_message
from post_purchase.services.statuses import record_status
from post_purchase.words import Author, ChannelKind, MessageStatus, Purpose
from shopapp.lib import clock
from tests import factories
from tests.network import SmallGraph, small_graph, whatsapp_error

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def at():
    with clock.frozen(NOON) as frozen:
        yield frozen


@pytest.fixture
def graph(settings):
    with small_graph() as network:
        settings.META_GRAPH_ORIGIN = network.origin
        yield network


class Talk:
    """Maria, who has written to the shop on WhatsApp about her order."""

    def __init__(self) -> None:
        self.shop = factories.make_shop()
        self.contact = factories.make_contact(self.shop)
        self.order = factories.make_order(self.shop, self.contact)
        self.channel: Channel = factories.make_channel(self.shop)
        self.point: ContactPoint = factories.make_point(self.contact, last_inbound_at=clock.now())
        factories.bind(self.point, self.order)
        self.conversation: Conversation = factories.make_conversation(self.contact)
        for purpose in (Purpose.SERVICE, Purpose.UTILITY):
            grant(self.point, purpose)

    def queue(self, text: str = "On its way", key: str = "", forms: dict[str, str] | None = None, **more) -> Message:
        fields = {"purpose": Purpose.UTILITY, "author": Author.FLOW, "order": self.order} | more
        content = OutMessage(text=text, forms=forms or {})
        return queue_message(conversation=self.conversation, content=content, dedupe_key=key or text, **fields)


def grant(point: ContactPoint, purpose: Purpose) -> None:
    key = f"test:{point.pk}:{purpose}"
    record_consent(point=point, purpose=purpose, state=ConsentState.GRANTED, method="test", dedupe_key=key)


@pytest.fixture
def talk(at) -> Talk:
    return Talk()


def state(message: Message) -> tuple[str, str]:
    message.refresh_from_db()
    return message.status, message.reason


def heard(message: Message, status: MessageStatus, **more) -> None:
    fields = {"provider_id": message.provider_id, "ref": "", "happened_at": clock.now()} | more
    update = StatusUpdate(account_id=message.channel.account_id, status=status, **fields)
    record_status(channel=message.channel, update=update)


def test_a_message_is_sent_once_and_its_reference_travels_with_it(talk: Talk, graph: SmallGraph):
    message = talk.queue()
    assert talk.queue().pk == message.pk
    send_messages()
    send_messages()
    assert state(message) == ("sent", "")
    assert graph.texts == ["On its way"]
    assert graph.refs == [message.ref]
    assert (message.provider_id, message.sent_at, message.next_attempt_at) == ("wamid.1", NOON, None)


def test_two_senders_at_once_send_once(talk: Talk, graph: SmallGraph):
    talk.queue()
    first, second = delivery.claim_due(), delivery.claim_due()
    assert (len(first), second) == (1, [])
    call = delivery.deliver(first)[0]
    outcomes.accepted([(call.attempt, handover.make(call))])
    assert delivery.deliver(first) == []
    assert len(graph.calls) == 1


def test_messages_to_one_person_keep_their_order(talk: Talk, graph: SmallGraph, at):
    graph.script = [whatsapp_error(131000)]
    talk.queue("First")
    talk.queue("Second")
    send_messages()
    assert graph.texts == ["First"]
    at.move(minutes=5)
    send_messages()
    assert graph.texts == ["First", "First", "Second"]


def test_a_sender_killed_before_the_attempt_leaves_the_message_to_the_next(talk: Talk, graph: SmallGraph, at):
    message = talk.queue()
    assert delivery.claim_due()  # and then the process is gone
    send_messages()
    assert graph.calls == []
    at.move(seconds=91)
    send_messages()
    assert state(message) == ("sent", "")
    assert len(graph.calls) == 1


def test_a_dropped_connection_is_not_sent_again(talk: Talk, graph: SmallGraph, at):
    graph.script = ["drop"]
    message = talk.queue()
    send_messages()
    assert state(message) == ("sending", "Waiting to hear whether this arrived")
    at.move(hours=2)
    send_messages()
    assert len(graph.calls) == 1


def test_a_callback_settles_what_nobody_knew(talk: Talk, graph: SmallGraph, at):
    graph.script = ["drop"]
    message = talk.queue()
    send_messages()
    message.refresh_from_db()
    heard(message, MessageStatus.DELIVERED, provider_id="wamid.9", ref=message.ref)
    assert state(message) == ("delivered", "")
    assert message.provider_id == "wamid.9"
    assert message.next_attempt_at is None


def test_a_day_without_news_closes_it_with_the_reason(talk: Talk, graph: SmallGraph, at):
    graph.script = ["drop"]
    message = talk.queue()
    send_messages()
    at.move(hours=25)
    reconcile_messages()
    assert state(message) == ("failed", "Nobody can say whether it arrived; not sent again")
    assert len(graph.calls) == 1


def test_what_nobody_knows_does_not_hold_up_the_next_message(talk: Talk, graph: SmallGraph):
    graph.script = ["drop"]
    talk.queue("First")
    second = talk.queue("Second")
    send_messages()
    assert state(second) == ("sent", "")


def test_a_status_that_comes_before_the_answer_of_the_send(talk: Talk, graph: SmallGraph):
    message = talk.queue()
    for status in (MessageStatus.READ, MessageStatus.SENT):
        update = StatusUpdate(
            account_id=talk.channel.account_id, provider_id="wamid.1", status=status, happened_at=clock.now()
        )
        record_status(channel=talk.channel, update=update)
    send_messages()
    assert state(message) == ("read", "")
    assert message.read_at == NOON


def test_statuses_only_move_forward_and_come_twice(talk: Talk, graph: SmallGraph, at):
    message = talk.queue()
    send_messages()
    message.refresh_from_db()
    for status in (
        MessageStatus.READ,
        MessageStatus.DELIVERED,
        MessageStatus.SENT,
        MessageStatus.FAILED,
        MessageStatus.READ,
    ):
        heard(message, status)
    assert state(message) == ("read", "")
    assert message.provider_statuses.count() == 4


def test_a_busy_network_is_tried_again_later(talk: Talk, graph: SmallGraph, at):
    graph.script = [whatsapp_error(131056), (503, {})]
    message = talk.queue()
    send_messages()
    assert state(message)[0] == "queued"
    for _ in range(4):
        at.move(minutes=2)
        send_messages()
    assert state(message) == ("sent", "")
    assert len(graph.calls) == 3
    assert [attempt.outcome for attempt in message.delivery_attempts.order_by("number")] == [
        "refused",
        "refused",
        "accepted",
    ]


def test_what_failed_after_it_was_taken_is_sent_again_and_the_new_id_counts(talk: Talk, graph: SmallGraph, at):
    message = talk.queue()
    send_messages()
    busy = ChannelError("WhatsApp is busy", outcome=Outcome.RETRY_AFTER, code="131000")
    state(message)
    first, ref = message.provider_id, message.ref
    heard(message, MessageStatus.FAILED, error=busy, ref=ref)
    assert state(message)[0] == "queued"
    at.move(minutes=2)
    send_messages()
    state(message)
    assert (message.provider_id, message.sent_at) == ("wamid.2", clock.now())
    heard(message, MessageStatus.READ, provider_id=first, ref=ref)  # late news of the first try
    assert state(message)[0] == "sent"
    heard(message, MessageStatus.DELIVERED, ref=ref)
    assert state(message) == ("delivered", "")


@pytest.mark.django_db(transaction=True)  # threads see only what is committed
def test_a_failure_that_is_faster_than_the_sends_answer_closes_the_way(talk: Talk, graph: SmallGraph, at):
    graph.script = ["slow"]
    message = talk.queue()
    with ThreadPoolExecutor(1) as threads:
        sender = threads.submit(send_messages)
        while not graph.calls:
            time.sleep(0.01)
        state(message)
        no = ChannelError("This number has no WhatsApp", outcome=Outcome.OTHER_CHANNEL, code="131026")
        heard(message, MessageStatus.FAILED, provider_id="wamid.1", ref=message.ref, error=no)
        graph.release.set()
        sender.result(20)
    send_messages()
    assert state(message)[0] == "suppressed"
    assert len(graph.calls) == 1
    assert [attempt.outcome for attempt in message.delivery_attempts.all()] == ["refused"]


def test_a_mail_providers_own_id_is_matched_by_our_reference(talk: Talk, graph: SmallGraph):
    messages = [talk.queue("One"), talk.queue("Two")]
    for message in messages:
        send_messages()
        state(message)
        message.channel.refresh_from_db()
        Message.objects.filter(pk=message.pk).update(provider_id=f"<{message.ref}@shop>")
        message.delivery_attempts.update(provider_id=f"<{message.ref}@shop>")
    heard(messages[1], MessageStatus.DELIVERED, provider_id="b7bc2f4a-e38e", ref=messages[1].ref)
    assert [state(message)[0] for message in messages] == ["sent", "delivered"]
    for message in messages:
        heard(message, MessageStatus.READ, provider_id="", ref=message.ref)  # no id at all: not one for all
    assert [state(message)[0] for message in messages] == ["read", "read"]
    heard(messages[0], MessageStatus.READ, provider_id="", ref="")  # nobody's


def test_a_closed_window_without_a_template_suppresses_with_the_reason(talk: Talk, graph: SmallGraph, at):
    at.move(hours=30)
    message = talk.queue()
    send_messages()
    status, reason = state(message)
    assert status == "suppressed"
    assert "template" in reason
    assert graph.calls == []


def test_an_account_that_needs_mending_holds_its_messages(talk: Talk, graph: SmallGraph, at):
    graph.script = [(401, {"error": {"message": "expired", "code": 190}})]
    message = talk.queue()
    send_messages()
    talk.channel.refresh_from_db()
    assert talk.channel.status == "halted"
    assert state(message)[0] == "held"
    talk.channel.status = "active"
    talk.channel.save(update_fields=["status"])
    at.move(minutes=16)
    send_messages()
    assert state(message) == ("sent", "")


def test_an_unreachable_number_falls_back_to_the_next_channel(talk: Talk, graph: SmallGraph, at, mailoutbox):
    factories.make_channel(talk.shop, ChannelKind.EMAIL)
    mail = factories.make_point(talk.contact, ChannelKind.EMAIL)
    factories.bind(mail, talk.order)
    grant(mail, Purpose.UTILITY)
    graph.script = [whatsapp_error(131026)]
    message = talk.queue(forms={"whatsapp": "Short", "email": "As a letter"})
    send_messages()
    assert state(message) == ("sent", "")
    assert (message.point, len(graph.calls), len(mailoutbox)) == (mail, 1, 1)
    # each network in its own words; the thread shows those that arrived.
    assert graph.calls[0]["text"]["body"] == "Short"
    assert "As a letter" in mailoutbox[0].body
    assert message.text == "As a letter"


def test_nothing_goes_without_consent(talk: Talk, graph: SmallGraph):
    message = talk.queue("A sale", purpose=Purpose.MARKETING)
    send_messages()
    assert state(message) == ("suppressed", "The shopper has not agreed to this on WhatsApp: offer")
    assert graph.calls == []


def test_consent_is_judged_when_it_is_sent_not_when_it_was_queued(talk: Talk, graph: SmallGraph):
    message = talk.queue()
    record_consent(
        point=talk.point, purpose=Purpose.UTILITY, state=ConsentState.WITHDRAWN, method="stop_word", dedupe_key="stop"
    )
    send_messages()
    assert state(message) == ("suppressed", "The shopper has opted out on WhatsApp")
    assert graph.calls == []


def test_quiet_hours_hold_and_let_go_in_the_morning(talk: Talk, graph: SmallGraph, at):
    at.to(datetime(2026, 11, 24, 22, 30, tzinfo=UTC))  # 23:30 in Berlin
    ContactPoint.objects.update(last_inbound_at=clock.now())
    message = talk.queue()
    send_messages()
    assert state(message) == ("held", "Held until 08:00 in Berlin: quiet hours")
    at.to(datetime(2026, 11, 25, 7, 0, tzinfo=UTC))
    send_messages()
    assert state(message) == ("sent", "")


def test_a_stranger_point_of_the_same_person_hears_nothing_of_the_order(talk: Talk, graph: SmallGraph):
    talk.point.bindings.all().delete()
    message = talk.queue()
    send_messages()
    assert state(message) == ("suppressed", "No connected channel reaches this shopper")
    assert graph.calls == []


def test_what_waits_can_be_taken_back_but_not_what_is_on_its_way(talk: Talk, graph: SmallGraph):
    first = talk.queue("First")
    second = talk.queue("Second")
    delivery.claim_due()
    assert cancel_waiting(contact=talk.contact, reason="The order was cancelled") == 1
    assert (state(first)[0], state(second)) == ("sending", ("suppressed", "The order was cancelled"))
