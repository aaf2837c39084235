"""How long a talk may stay open, and asking how the help was."""

from datetime import timedelta

from post_purchase.flows.editing import install_library, switch_on
from post_purchase.models import FlowEvent
from post_purchase.services import conversations
from shopapp.lib import clock
from tests import factories


def test_a_talk_is_open_until_it_is_closed_or_given_back_whoever_answers(owner, shop, at):
    row = factories.make_conversation(factories.make_contact(shop), last_message_at=clock.now())
    point = factories.make_point(row.contact)
    factories.make_channel(shop)
    asked = clock.now()
    conversations.hand_off(conversation=row, reason="asked")
    conversations.reply_as_person(conversation=row, text="Hi", user_id="42", dedupe_key="1", point=point)
    at.move(hours=25)
    row.refresh_from_db()
    assert (row.state, row.open_since) == ("shopper", asked)
    for path in ("/app/conversations", f"/app/conversations/{row.pk}"):
        assert "Open too long" not in owner.get(path).content.decode()  # it is the shopper's turn
    conversations.reopen(conversation=row)
    conversations.hand_off(conversation=row, reason="asked")
    type(row).objects.filter(pk=row.pk).update(state="team")
    for path in ("/app/conversations", f"/app/conversations/{row.pk}"):
        assert "Open too long" in owner.get(path).content.decode()
    assert owner.post("/app/settings/team", {"resolution_hours": "48"}).status_code == 200
    assert "Open too long" not in owner.get("/app/conversations").content.decode()
    assert owner.post("/app/settings/team", {"resolution_hours": "0"}).status_code == 422
    conversations.close(conversation=row)
    row.refresh_from_db()
    assert row.open_since is None
    conversations.reopen(conversation=row)
    row.refresh_from_db()
    assert row.open_since == asked + timedelta(hours=25)


def test_who_closes_says_whether_the_shopper_is_asked_how_it_was(owner, shop, at):
    row = factories.make_conversation(factories.make_contact(shop))
    path = f"/app/conversations/{row.pk}"
    assert "ask how it was" not in owner.get(path).content.decode()  # nothing would ask
    switch_on(next(flow for flow in install_library(shop) if flow.key == "csat"), "42")
    assert "ask how it was" not in owner.get(path).content.decode()  # nobody has helped yet
    factories.make_message(row, "Hi", author="person")
    assert "ask how it was" in owner.get(path).content.decode()
    for form in ({"ask": "1"}, {}):
        assert owner.post(f"{path}/close", form).status_code == 200
        conversations.reopen(conversation=row)
        at.move(minutes=1)
    told = FlowEvent.objects.filter(kind="conversation_closed").order_by("pk").values_list("data", flat=True)
    assert list(told) == [{"answered_by_person": True, "may_ask": asked} for asked in (True, False)]
