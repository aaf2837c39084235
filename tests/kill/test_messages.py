"""SIGKILL at lines all over the sending code, then another worker. Nothing lost, nothing sent twice."""

from datetime import UTC, datetime

import pytest

from post_purchase.channels.base import OutMessage, StatusUpdate
from post_purchase.jobs.messages import send_messages
from post_purchase.models import ConsentState, DeliveryAttempt, Message
from post_purchase.services.consent import record_consent
from post_purchase.services.messages import queue_message
from post_purchase.services.statuses import record_status
from post_purchase.words import Author, MessageStatus, Purpose
from shopapp.lib import clock, queue
from tests import factories
from tests.kill.harness import in_child
from tests.network import SmallGraph, small_graph

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True)]
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
POINTS = 20  # kills spread over the lines of one send


@pytest.fixture
def graph(settings):
    with small_graph() as network:
        settings.META_GRAPH_ORIGIN = network.origin
        yield network


def two_due_messages(number: int) -> list[Message]:
    shop = factories.make_shop()
    contact = factories.make_contact(shop)
    order = factories.make_order(shop, contact)
    point = factories.make_point(contact, address=f"DE.{number}00000", last_inbound_at=clock.now())
    factories.bind(point, order)
    conversation = factories.make_conversation(contact)
    record_consent(
        point=point, purpose=Purpose.UTILITY, state=ConsentState.GRANTED, method="test", dedupe_key=f"test:{point.pk}"
    )
    return [
        queue_message(
            conversation=conversation,
            content=OutMessage(text=f"{text} {number}"),
            purpose=Purpose.UTILITY,
            author=Author.FLOW,
            order=order,
            dedupe_key=f"{number}:{text}",
        )
        for text in ("First", "Second")
    ]


def callback_of(message: Message) -> None:
    message.refresh_from_db()
    update = StatusUpdate(
        account_id=message.channel.account_id,
        provider_id=f"wamid.of-{message.pk}",
        status=MessageStatus.DELIVERED,
        happened_at=clock.now(),
        ref=message.ref,
    )
    record_status(channel=message.channel, update=update)


def test_killed_anywhere_while_sending(graph: SmallGraph):
    with clock.frozen(NOON) as at:
        factories.make_channel(factories.make_shop())
        two_due_messages(0)
        killed, lines = in_child(send_messages)
        assert not killed
        assert len(graph.calls) == 2
        kills = unknown = 0
        for number, line in enumerate(range(3, lines, max(1, lines // POINTS)), 1):
            first, second = two_due_messages(number)
            kills += in_child(send_messages, kill_at=line)[0]
            at.move(minutes=3)
            send_messages()
            send_messages()
            for message in (first, second):
                calls = graph.refs.count(message.ref)
                message.refresh_from_db()
                assert calls == 1 or (calls == 0 and message.status == "sending"), (line, calls, message.status)
                if message.status == "sending":
                    unknown += 1
                    assert message.reason == "Waiting to hear whether this arrived"
                    if calls:
                        callback_of(message)
                        message.refresh_from_db()
                        assert message.status == "delivered"
                else:
                    assert message.status == "sent"
            at.move(minutes=10)
    assert kills > POINTS / 2
    assert unknown  # some kills fell between the attempt and its record
    assert not DeliveryAttempt.objects.filter(number__gt=1).exists()


def test_redis_flushed_in_between_loses_nothing(graph: SmallGraph):
    with clock.frozen(NOON):
        factories.make_channel(factories.make_shop())
        messages = two_due_messages(1)
        queue.redis().flushall()
        assert queue.push(queue.Job.SEND_MESSAGES)  # what the sweep in shopapp/cron.py does
        in_child(lambda: queue.run("SEND_MESSAGES"))
        assert graph.refs == [message.ref for message in messages]
