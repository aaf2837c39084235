"""Open inboxes hear at once what becomes of a message: sent, delivered, read, failed, held."""

import pytest

from post_purchase.channels.base import StatusUpdate
from post_purchase.jobs.messages import send_messages
from post_purchase.models import ConsentState
from post_purchase.services.consent import record_consent
from post_purchase.services.statuses import record_status, record_statuses
from post_purchase.words import Author, MessageStatus, Purpose
from shopapp.lib import clock, queue
from tests.network import SmallGraph, whatsapp_error
from tests.talk.test_delivery import Talk, at, graph, heard, talk  # noqa: F401 (fixtures)

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(monkeypatch):
    topics: list[str] = []
    monkeypatch.setattr(queue, "tell", topics.append)
    return topics


@pytest.fixture
def after(told, django_capture_on_commit_callbacks):
    """What was told while this ran and was committed."""

    def run(work) -> list[str]:
        told.clear()
        with django_capture_on_commit_callbacks(execute=True):
            work()
        return list(told)

    return run


def topic(talk: Talk) -> str:  # noqa: F811
    return f"doorstep:webchat:team:{talk.shop.pk}"


def test_sent_delivered_and_read_are_told_as_they_come(talk: Talk, graph: SmallGraph, after):  # noqa: F811
    message = talk.queue(author=Author.PERSON, purpose=Purpose.SERVICE, point=talk.point)
    assert after(send_messages) == [topic(talk)]
    message.refresh_from_db()
    assert message.status == MessageStatus.SENT
    assert after(lambda: heard(message, MessageStatus.DELIVERED)) == [topic(talk)]
    update = StatusUpdate(
        account_id=talk.channel.account_id,
        status=MessageStatus.READ,
        provider_id=message.provider_id,
        happened_at=clock.now(),
    )
    assert after(lambda: record_statuses(channel=talk.channel, updates=[update])) == [topic(talk)]
    assert after(lambda: record_statuses(channel=talk.channel, updates=[update])) == []
    assert after(lambda: record_status(channel=talk.channel, update=update)) == []


def test_a_refusal_and_a_hold_are_told(talk: Talk, graph: SmallGraph, after):  # noqa: F811
    graph.script = [whatsapp_error(131026)]
    refused = talk.queue("Never")
    assert topic(talk) in after(send_messages)
    refused.refresh_from_db()
    assert refused.status != MessageStatus.QUEUED
    record_consent(
        point=talk.point, purpose=Purpose.UTILITY, state=ConsentState.WITHDRAWN, method="test", dedupe_key="stop"
    )
    stopped = talk.queue("Too much")
    assert after(send_messages) == [topic(talk)]
    stopped.refresh_from_db()
    assert stopped.status == MessageStatus.SUPPRESSED


def test_many_at_once_are_told_once(talk: Talk, graph: SmallGraph, after):  # noqa: F811
    messages = [talk.queue(f"Number {number}") for number in range(3)]
    send_messages()
    for message in messages:
        message.refresh_from_db()
    updates = [
        StatusUpdate(
            account_id=talk.channel.account_id,
            status=MessageStatus.DELIVERED,
            provider_id=message.provider_id,
            happened_at=clock.now(),
        )
        for message in messages
    ]
    assert after(lambda: record_statuses(channel=talk.channel, updates=updates)) == [topic(talk)]
