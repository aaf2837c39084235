"""A test of a message in the merchant's own chat: connected by a code from their phone, and counted nowhere."""

import re
from types import SimpleNamespace

import pytest

from post_purchase.flows.editing import install_library
from post_purchase.models import Contact, ContactPoint, Conversation, FlowEvent, Message
from post_purchase.models import Tester as OwnChat  # pytest would take it for tests
from post_purchase.services import testers, trial_sends
from post_purchase.words import ChannelKind
from tests import factories
from tests.network import small_graph
from tests.networks_door import MARIA, OTTO, callback, deliver, say, written
from tests.pages.visitor import RIVAL, Visitor


@pytest.fixture
def flow(shop, settings, monkeypatch):
    monkeypatch.setattr(trial_sends.queue, "time", SimpleNamespace(time=lambda: 1.0))
    return next(one for one in install_library(shop) if one.key == "photo_review")


def tap(button: str, sender: str = MARIA):
    reply = {"type": "button_reply", "button_reply": {"id": button, "title": "5"}}
    return deliver(callback({**written("", sender), "type": "interactive", "interactive": reply}))


def written_by_shoppers() -> int:
    return Message.objects.filter(direction="in").count()


def nothing_is_counted() -> bool:
    return not any(model.objects.exists() for model in (Contact, ContactPoint, Conversation, Message, FlowEvent))


def test_a_chat_is_connected_by_a_code_and_gets_all_messages_of_a_step(owner, shop, flow, settings, at):
    channel = factories.make_channel(shop)
    page = f"/app/flows/{flow.pk}?step=review"
    assert f"/app/channels/{channel.pk}/tester" in owner.get(page).content.decode()
    assert owner.post(f"/app/channels/{channel.pk}/tester").status_code == 200
    html = owner.get(page).content.decode()
    assert "data-live" in html
    [code] = set(re.findall(r"TEST-\w{5}-\w{5}", html))
    assert f"https://wa.me/15550783881?text={code}" in html
    tester = OwnChat.objects.get()
    assert code not in f"{vars(tester)}"
    say(f"Hello! {code.lower()}")
    say(f"{code}")  # the network tells it again
    tester.refresh_from_db()
    assert (tester.address, tester.profile_name) == (MARIA, "Maria Lang")
    assert nothing_is_counted()
    part = owner.get(f"/app/flows/{flow.pk}/steps/review/testing").content.decode()
    assert "My WhatsApp (Maria Lang)" in part
    assert code not in part

    door, order = f"/app/flows/{flow.pk}/steps/review/test", factories.make_order(shop, name="#4711")
    Contact.objects.all().delete()
    with small_graph() as graph:
        settings.META_GRAPH_ORIGIN = graph.origin
        sent = owner.post(door, {"where": tester.pk, "order": order.pk, "language": "en"})
        assert sent.json()["toast"] == "6 tests go to your WhatsApp."
        assert len(graph.calls) == 6
        assert {call["recipient"] if "recipient" in call else call["to"] for call in graph.calls} == {MARIA}
        first = graph.calls[0]["interactive"]
        assert first["body"]["text"].startswith("Test: ")
        rows = [row for section in first["action"]["sections"] for row in section["rows"]]
        assert all(row["id"].startswith("test:") for row in rows)
        tap(rows[0]["id"])
        assert nothing_is_counted()
        # A day later the network is closed: the merchant is told what opens it.
        at.move(days=2)
        told = owner.post(door, {"where": tester.pk}).json()["errors"]["where"]
        assert "Send “test” to your shop" in told
        say(" Test ")
        assert nothing_is_counted()
        assert owner.post(door, {"where": tester.pk}).status_code == 200
        graph.script = ["ok", (400, {"error": {"code": 131026, "message": "x"}})]
        told = owner.post(door, {"where": tester.pk}).json()["errors"]["where"]
        assert told.startswith("1 of 6 went; the next one did not: ")
    say("Where is my order?")  # all else is a shopper's
    assert Message.objects.get(direction="in").text == "Where is my order?"
    assert owner.post(f"/app/testers/{tester.pk}/forget").status_code == 200
    assert list(owner.post(door, {"where": tester.pk}).json()["errors"]) == ["where"]
    say("test")
    assert written_by_shoppers() == 2


def test_a_code_connects_one_chat_once_and_not_for_ever(shop, at):
    channel = factories.make_channel(shop)
    code = testers.code_of(testers.ask_for_code(channel=channel, user="42"))
    other = testers.ask_for_code(channel=factories.make_channel(shop, ChannelKind.SMS), user="42")
    say(testers.code_of(other))  # of another channel: anybody's words
    assert (written_by_shoppers(), OwnChat.objects.exclude(address="").count()) == (1, 0)
    at.move(minutes=16)
    say(code)
    assert (written_by_shoppers(), OwnChat.objects.exclude(address="").count()) == (2, 0)
    code = testers.code_of(testers.ask_for_code(channel=channel, user="42"))
    say(code)
    say(code, sender=OTTO)  # somebody looked over the shoulder
    assert OwnChat.objects.exclude(address="").get().address == MARIA
    assert written_by_shoppers() == 3
    # A colleague takes the same phone: it is theirs now.
    say(testers.code_of(testers.ask_for_code(channel=channel, user="43")))
    assert OwnChat.objects.exclude(address="").get().user == "43"


def test_nobody_sends_to_a_colleagues_or_another_shops_chat(owner, shop, flow):
    channel = factories.make_channel(shop)
    theirs = testers.ask_for_code(channel=channel, user="77")
    OwnChat.objects.update(address=OTTO)
    answer = owner.post(f"/app/flows/{flow.pk}/steps/review/test", {"where": theirs.pk})
    assert "not connected any more" in answer.json()["errors"]["where"]
    assert owner.post(f"/app/testers/{theirs.pk}/forget").status_code == 404
    factories.make_shop(RIVAL)
    assert Visitor(RIVAL).post(f"/app/channels/{channel.pk}/tester").status_code == 404
    for wrong in ("x", "²", "9" * 40):
        assert owner.post(f"/app/flows/{flow.pk}/steps/review/test", {"where": wrong}).status_code == 422


@pytest.mark.parametrize("kind", testers.KINDS)
def test_each_networks_own_link_carries_the_code(shop, kind):
    tester = testers.ask_for_code(channel=factories.make_channel(shop, kind), user="42")
    assert testers.code_of(tester) in testers.link_of(tester)
