"""The shopper sees that we have read and are writing, where their network can show it; nothing hangs on it."""

import pytest

from post_purchase.channels.registry import driver_for
from post_purchase.jobs.inbox import show_presence
from post_purchase.models import Member, PresenceSign
from post_purchase.services import presence
from post_purchase.words import ChannelKind
from shopapp.lib import clock, queue
from tests import factories
from tests.channels.conftest import graph

__all__ = ["graph"]
TOKEN = "123456789:" + "A" * 35


def told(graph):
    """(message, typing) of each sign that WhatsApp was given."""
    return [(asked.json["message_id"], "typing_indicator" in asked.json) for asked in graph.asked]


@pytest.fixture
def row(shop, graph):
    Member.objects.create(shop=shop, user_id="42", role="owner", joined_at=clock.now())
    channel = factories.make_channel(shop)
    graph.answers[f"POST /{channel.account_id}/messages"] = (200, {"success": True})
    contact = factories.make_contact(shop)
    row = factories.make_conversation(contact, unread=1, last_message_at=clock.now())
    point = factories.make_point(contact)
    factories.make_message(row, "Hi", direction="in", point=point, channel=channel, provider_id="wamid.1")
    return row


def type_on(owner, row, text="Dear"):
    form = {"text": text, "point": row.contact.points.get().pk}
    assert owner.post(f"/app/conversations/{row.pk}/draft", form).status_code == 200
    show_presence()


def test_opening_and_typing_are_shown_and_not_too_often(owner, row, graph, at):
    for _ in range(2):
        owner.get(f"/app/conversations/{row.pk}")
        show_presence()
    assert told(graph) == [("wamid.1", False)]
    for text in ("D", "De", "Dear", ""):
        type_on(owner, row, text)
    assert told(graph)[1:] == [("wamid.1", True)]
    at.move(seconds=21)
    type_on(owner, row)
    assert len(graph.asked) == 3
    at.move(seconds=21)
    type_on(owner, row, "")
    assert len(graph.asked) == 3


def test_what_is_old_or_fails_is_forgotten(owner, row, graph, at):
    owner.get(f"/app/conversations/{row.pk}")
    PresenceSign.objects.update(typing=True)
    at.move(seconds=30)
    show_presence()  # nobody is typing any more
    assert graph.asked == []

    graph.answers.clear()  # "Unknown", says Meta
    type_on(owner, row)
    assert len(graph.asked) == 1
    show_presence()
    assert len(graph.asked) == 1


def test_readers_and_networks_that_show_nothing_leave_no_sign(owner, row, shop):
    Member.objects.update(role="reader")
    owner.get(f"/app/conversations/{row.pk}")
    assert not PresenceSign.objects.exists()
    Member.objects.update(role="owner")
    row.messages.update(channel=factories.make_channel(shop, "email"))
    type(row).objects.update(unread=1)
    owner.get(f"/app/conversations/{row.pk}")
    assert not PresenceSign.objects.exists()


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("messenger", [{"sender_action": "mark_seen"}, {"sender_action": "typing_on"}]),
        ("instagram", [{"sender_action": "mark_seen"}, {"sender_action": "typing_on"}]),
        ("telegram", [{"action": "typing"}]),
    ],
)
def test_each_network_is_told_in_its_own_words(shop, graph, settings, kind, asked):
    settings.TELEGRAM_API_ORIGIN = settings.INSTAGRAM_GRAPH_ORIGIN = graph.origin
    channel = factories.make_channel(shop, kind, account_id="7", credentials={"access_token": "t", "token": TOKEN})
    point = factories.make_point(factories.make_contact(shop), kind=kind, address="55")
    graph.answers |= {
        "POST /7/messages": (200, {}),
        f"POST /bot{TOKEN}/sendChatAction": (200, {"ok": True, "result": True}),
    }
    driver_for(kind).mark_read(channel=channel, point=point, provider_id="m", typing=True)
    assert [{key: value for key, value in each.json.items() if "action" in key} for each in graph.asked] == asked


def test_the_thread_says_that_the_shopper_is_writing(owner, shop):
    Member.objects.create(shop=shop, user_id="42", role="owner", joined_at=clock.now())
    contact = factories.make_contact(shop)
    row = factories.make_conversation(contact, last_message_at=clock.now())
    point = factories.make_point(contact, ChannelKind.WEBCHAT, address="web-maria")
    before = owner.get(f"/app/conversations/{row.pk}/live")
    assert "The shopper is writing" not in before.content.decode()
    presence.shopper_types(point)
    live = owner.get(f"/app/conversations/{row.pk}/live", HTTP_IF_NONE_MATCH=before["ETag"])
    assert "The shopper is writing" in live.content.decode()
    assert "The shopper is writing" in owner.get(f"/app/conversations/{row.pk}").content.decode()
    queue.forget(f"types:{point.pk}")
    assert "The shopper is writing" not in owner.get(f"/app/conversations/{row.pk}/live").content.decode()
