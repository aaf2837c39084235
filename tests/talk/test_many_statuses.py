"""Statuses by the thousand, and rows that take long."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from post_purchase.jobs import webhooks as job
from post_purchase.jobs.webhooks import process_webhooks
from post_purchase.models import (
    Message,
    ProviderStatus,
)
from post_purchase.services import conversations
from post_purchase.services import statuses as statuses_service
from post_purchase.words import MessageStatus
from shopapp.lib import clock
from shopapp.models import IncomingWebhook
from tests import factories
from tests.networks_door import callback, deliver, post
from tests.talk.test_callbacks import NOON, World, at, status_of, world

__all__ = ["at", "world"]  # fixtures

pytestmark = pytest.mark.django_db


def sent_messages(world: World, count: int) -> list[Message]:
    conversation = conversations.conversation_for(world.contact)
    point = factories.make_point(world.contact)
    return [
        factories.make_message(
            conversation,
            f"News {number}",
            status=MessageStatus.SENT,
            channel=world.channel,
            point=point,
            provider_id=f"wamid.{number}",
            next_attempt_at=None,
        )
        for number in range(count)
    ]


def test_a_thousand_statuses_in_one_post_cost_few_statements(world: World):
    messages = sent_messages(world, 400)
    statuses = [status_of(each.provider_id, word) for each in messages for word in ("delivered", "read")]
    statuses += [status_of(f"wamid.unknown-{number}", "sent") for number in range(200)]
    assert post(callback(statuses=statuses)) == 200
    with CaptureQueriesContext(connection) as seen:
        process_webhooks()
    assert len(seen) < 120
    found = Message.objects.filter(status=MessageStatus.READ, read_at=NOON, delivered_at=NOON)
    assert found.count() == 400
    assert ProviderStatus.objects.filter(message=None).count() == 200
    assert not ProviderStatus.objects.filter(provider_id="wamid.7").exclude(message=messages[7]).exists()


def test_statuses_together_mean_the_same_as_one_by_one(world: World):
    """Out of order, twice, by reference before the answer, and a failure among them."""
    messages = sent_messages(world, 4)
    Message.objects.filter(pk=messages[2].pk).update(provider_id="", status=MessageStatus.SENDING)
    number = {"code": 131026, "title": "Message undeliverable"}
    statuses = [
        status_of("wamid.0", "read"),
        status_of("wamid.0", "delivered"),
        status_of("wamid.0", "read"),
        status_of("wamid.1", "failed", errors=[number]),
        status_of("wamid.new", "delivered", biz_opaque_callback_data=messages[2].ref),
        status_of("wamid.3", "delivered"),
    ]
    for _ in range(2):
        body = callback(statuses=statuses)
        body["entry"][0]["changes"][0]["value"].pop("messages")
        post(body)
        process_webhooks()
    for message in messages:
        message.refresh_from_db()
    assert [message.status for message in messages] == ["read", "queued", "delivered", "delivered"]
    assert messages[2].provider_id == "wamid.new"
    assert ProviderStatus.objects.count() == 5


def test_one_bad_status_stops_no_other(world: World, monkeypatch):
    messages = sent_messages(world, 3)
    real = statuses_service._forward

    def broken(message: Message, status: ProviderStatus) -> dict[str, object]:
        if message.pk == messages[1].pk:
            raise ValueError("nobody thought of this")
        return real(message, status)

    monkeypatch.setattr(statuses_service, "_forward", broken)
    row = deliver(callback(statuses=[status_of(each.provider_id, "delivered") for each in messages]))
    assert (row.done_at, row.attempts) == (None, 1)
    assert [Message.objects.get(pk=each.pk).status for each in messages] == ["delivered", "sent", "delivered"]


def test_a_long_row_keeps_its_lease_and_gives_those_behind_it_to_others(world: World, monkeypatch, at):
    monkeypatch.setattr(job, "RENEW_AFTER", 0)
    sent_messages(world, 1)
    post(callback(statuses=[status_of("wamid.0", "delivered")]))
    post(callback(statuses=[status_of("wamid.0", "read")]))
    rows = job.claim_fresh()
    at.move(seconds=50)
    seen = []
    monkeypatch.setattr(job, "_finish", lambda rows: seen.append([IncomingWebhook.objects.get(pk=r.pk) for r in rows]))
    job.handle_batch(rows)
    assert seen[0][0].next_attempt_at == clock.now() + job.LEASE
    second = IncomingWebhook.objects.get(pk=rows[1].pk)
    assert (second.next_attempt_at, second.attempts) == (clock.now(), 0)
