"""A mail says who sent it, and may lie: what is believed, and what a forged one can do."""

from typing import Any

import pytest

from post_purchase.channels.addresses import entry_address, reply_address
from post_purchase.jobs.webhooks import process_webhooks
from post_purchase.models import (
    ConsentEntry,
    Conversation,
    Message,
    OrderBinding,
)
from post_purchase.services import consent
from post_purchase.words import ChannelKind, EventKind
from tests import factories
from tests.networks_door import mail
from tests.talk.test_callbacks import World, at, events, world

__all__ = ["at", "world"]  # fixtures

pytestmark = pytest.mark.django_db


def unsigned(sender: str, to: str, text: str, number: int, *headers: dict[str, str], **more: Any) -> None:
    head = [{"Name": "Message-ID", "Value": f"<forged{number}@evil.example>"}, *headers]
    assert mail(sender=sender, to=to, text=text, message_id="", Headers=head, **more) == 200
    process_webhooks()


FAILED = {"Name": "X-Spam-Tests", "Value": "DKIM_SIGNED,DKIM_INVALID,SPF_FAIL"}


FORGED = {"Name": "X-Spam-Tests", "Value": "DKIM_VALID_AU"}


@pytest.mark.parametrize("headers", [(), (FAILED,), (FORGED, FAILED), (FAILED, FORGED)])
def test_a_forged_sender_is_shown_to_the_team_and_does_nothing(world: World, headers):
    channel = factories.make_channel(world.shop, ChannelKind.EMAIL)
    to = entry_address(channel_id=channel.pk, code=world.code)
    unsigned("victim@example.net", to, "5", 1, *headers)
    unsigned("victim@example.net", to, "where is my order", 2, *headers)
    point = world.point("victim@example.net")
    assert not OrderBinding.objects.filter(point=point).exists()
    assert not ConsentEntry.objects.filter(point=point).exists()
    assert events(EventKind.MESSAGE_RECEIVED) == 0
    assert world.answers(point.address) == []
    assert [message.content.get("unproved") for message in Message.objects.filter(point=point)] == [True, True]
    assert Conversation.objects.get(contact=point.contact).unread == 2


def test_a_forged_stop_stops_and_a_forged_start_does_not(world: World):
    channel = factories.make_channel(world.shop, ChannelKind.EMAIL)
    to = entry_address(channel_id=channel.pk, code=world.code)
    assert mail(sender="maria@example.net", to=to, text="Hello", message_id="<one@example.net>") == 200
    process_webhooks()
    point = world.point("maria@example.net")
    assert not consent.has_stopped(point)
    unsigned("maria@example.net", to, "STOP", 1, FAILED)
    assert consent.has_stopped(point)
    unsigned("maria@example.net", to, "START", 2, FAILED)
    assert consent.has_stopped(point)
    assert mail(sender="maria@example.net", to=to, text="START", message_id="<two@example.net>") == 200
    process_webhooks()
    assert not consent.has_stopped(point)


def test_an_answer_to_our_own_mail_is_believed_where_the_provider_checks_nothing(world: World):
    channel = factories.make_channel(world.shop, ChannelKind.EMAIL)
    to = entry_address(channel_id=channel.pk, code=world.code)
    assert mail(sender="maria@example.net", to=to, text="Hello", message_id="<one@example.net>") == 200
    process_webhooks()
    point = world.point("maria@example.net")
    before = events(EventKind.MESSAGE_RECEIVED)
    reply = reply_address(channel_id=channel.pk, point_id=point.pk)
    unsigned("maria@example.net", reply, "5", 1)
    assert events(EventKind.MESSAGE_RECEIVED) == before + 1
    unsigned("maria@example.net", reply, "5", 2, FAILED)  # looked at, and it is not hers
    unsigned("other@example.net", reply, "5", 3)  # not the one who was given the address
    assert events(EventKind.MESSAGE_RECEIVED) == before + 1
