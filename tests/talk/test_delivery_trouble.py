"""Sending when something is wrong: with a message, an account, the network's answer, or us."""

import socket
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from post_purchase.jobs.messages import reconcile_messages, send_messages
from post_purchase.models import Message, ProviderStatus
from post_purchase.services import delivery
from post_purchase.words import MessageStatus, Purpose
from shopapp.lib import clock
from tests import factories
from tests.network import SmallGraph
from tests.talk.test_delivery import NOON, Talk, at, grant, graph, heard, state, talk

__all__ = ["at", "graph", "talk"]  # fixtures

pytestmark = pytest.mark.django_db


def test_a_message_that_kills_its_sender_is_put_aside(talk: Talk, graph: SmallGraph, at):
    message = talk.queue()
    for _ in range(delivery.MAX_CRASHES):
        assert delivery.claim_due() or delivery.claim_suspect()
        at.move(seconds=91)
        reconcile_messages()
    assert state(message)[0] == "failed"
    assert graph.calls == []


def test_one_shop_that_floods_leaves_room_for_another(talk: Talk, graph: SmallGraph, at):
    for number in range(40):
        contact = factories.make_contact(talk.shop)
        factories.make_message(factories.make_conversation(contact), f"Flood {number}")
    other = factories.make_shop("other.myshopify.com")
    lone = factories.make_message(factories.make_conversation(factories.make_contact(other)), "Alone")
    assert lone.pk in [claim.message_id for claim in delivery.claim_due(batch=10)]


def test_a_message_past_its_use_by_date_is_not_sent(talk: Talk, graph: SmallGraph, at):
    message = talk.queue("Out for delivery today", use_by_at=NOON + timedelta(hours=6))
    at.move(hours=7)
    send_messages()
    assert state(message) == ("suppressed", "Out of date: its time had passed before it could go")


def test_a_status_that_missed_the_answer_of_the_send_by_a_moment_is_found(talk: Talk, graph: SmallGraph):
    message = talk.queue()
    send_messages()
    ProviderStatus.objects.create(
        channel=talk.channel, provider_id="wamid.1", status=MessageStatus.DELIVERED, happened_at=clock.now()
    )
    reconcile_messages()
    assert state(message) == ("delivered", "")


def test_a_fault_of_ours_before_anything_left_is_settled_at_once(talk: Talk, graph: SmallGraph, monkeypatch):
    def broken(**more: object) -> None:
        raise TypeError("nobody thought of this")

    monkeypatch.setattr("post_purchase.channels.drivers.whatsapp.driver.message_request", broken)
    message = talk.queue()
    send_messages()
    reason = "Not sent: this message could not be made ready (TypeError). The log of this moment says why."
    assert state(message) == ("failed", reason)
    assert graph.calls == []
    assert [attempt.outcome for attempt in message.delivery_attempts.all()] == ["refused"]


def test_a_fault_of_ours_after_it_may_have_left_waits_for_the_networks_word(talk: Talk, graph: SmallGraph, monkeypatch):
    def broken(value: object) -> None:
        raise TypeError("nobody thought of this")

    monkeypatch.setattr("post_purchase.channels.drivers.whatsapp.driver.mappings", broken)
    message = talk.queue()
    send_messages()
    send_messages()
    assert state(message) == ("sending", "Waiting to hear whether this arrived")
    assert len(graph.calls) == 1
    heard(message, MessageStatus.DELIVERED, provider_id="wamid.1", ref=message.ref)
    assert state(message) == ("delivered", "")


def test_a_refused_connection_is_tried_again(talk: Talk, graph: SmallGraph, settings, at):
    settings.META_GRAPH_ORIGIN = f"http://127.0.0.1:{closed_port()}"
    message = talk.queue()
    send_messages()
    assert state(message) == ("queued", "WhatsApp cannot be reached")
    settings.META_GRAPH_ORIGIN = graph.origin
    at.move(minutes=2)
    send_messages()
    assert state(message) == ("sent", "")
    assert len(graph.calls) == 1


def test_a_token_that_no_header_can_carry_leaves_nobody_in_doubt(talk: Talk, graph: SmallGraph, at):
    talk.channel.credentials = {"access_token": "EAA-\nsecond-line"}
    talk.channel.save()
    message = talk.queue()
    send_messages()
    assert state(message)[0] == "queued"
    assert graph.calls == []


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def many(talk: Talk, count: int, prefix: str) -> list[Message]:
    """To as many people, by order news that chooses among the person's points."""
    messages = []
    for number in range(count):
        contact = factories.make_contact(talk.shop)
        order = factories.make_order(talk.shop, contact)
        point = factories.make_point(contact, address=f"DE.{prefix}{number}", last_inbound_at=clock.now())
        factories.bind(point, order)
        grant(point, Purpose.UTILITY)
        conversation = factories.make_conversation(contact)
        messages.append(factories.make_message(conversation, f"{prefix}{number}", order=order))
    return messages


def test_many_messages_cost_as_many_queries_as_few(talk: Talk, graph: SmallGraph):
    counts = []
    for count, prefix in ((3, "A"), (20, "B")):
        many(talk, count, prefix)
        with CaptureQueriesContext(connection) as seen:
            assert len(delivery.deliver(delivery.claim_due(batch=count))) == count
        counts.append(len(seen))
    assert counts[0] == counts[1]
    assert counts[0] <= 20


def test_one_message_that_cannot_be_read_stops_no_other(talk: Talk, graph: SmallGraph):
    messages = many(talk, 4, "C")
    Message.objects.filter(pk=messages[1].pk).update(content={"text": ["not", "text"]})
    send_messages()
    assert [state(message)[0] for message in messages] == ["sent", "sending", "sent", "sent"]
    assert sorted(graph.texts) == ["C0", "C2", "C3"]


@pytest.mark.django_db(transaction=True)  # a statement that fails ends PostgreSQL's transaction
def test_the_same_id_for_two_messages_spoils_only_one(talk: Talk, graph: SmallGraph):
    graph.script = [(200, {"messages": [{"id": "wamid.same"}]})] * 2
    messages = many(talk, 3, "D")
    send_messages()
    assert sorted(state(message)[0] for message in messages) == ["sending", "sent", "sent"]
    assert len(graph.calls) == 3


def test_a_suspect_is_sent_by_itself_before_the_others(talk: Talk, graph: SmallGraph, at):
    suspect = many(talk, 1, "S")[0]
    for _ in range(2):
        assert delivery.claim_due()
        at.move(seconds=91)
        reconcile_messages()
    assert state(suspect) == ("queued", "Its sender stopped without a trace; it is tried again by itself")
    others = many(talk, 3, "E")
    assert suspect.pk not in [claim.message_id for claim in delivery.claim_due(batch=10)]
    send_messages()
    assert state(suspect) == ("sent", "")
    assert [state(message)[0] for message in others] == ["sending"] * 3
