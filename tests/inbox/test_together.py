"""Members, roles, turns, notes and snoozes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from post_purchase.channels.base import Inbound
from post_purchase.models import Conversation, Draft, Member, Note, Unread
from post_purchase.services import conversations, inbox_states
from post_purchase.services.contact_points import merge_contact
from post_purchase.services.members import LAST_OWNER, change_member, member_of, named_in
from post_purchase.services.receiving import receive
from post_purchase.web.pages.inbox_actions import snoozed_until
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from tests import factories
from tests.pages.visitor import Visitor


@pytest.fixture
def row(shop):
    contact = factories.make_contact(shop)
    return factories.make_conversation(contact, last_message_at=clock.now())


def state(row):
    row.refresh_from_db()
    return str(row.state)


def members(shop):
    first = member_of(shop=shop, user_id="42")
    second = member_of(shop=shop, user_id="43")
    return first, second


def test_the_first_is_the_owner_and_one_owner_always_stays(shop):
    first, second = members(shop)
    assert (first.role, second.role) == ("owner", "agent")
    assert member_of(shop=shop, user_id="42") == first
    assert change_member(member=first, name="Ana", role="agent") == LAST_OWNER
    assert change_member(member=second, name="Ben", role="owner") == ""
    assert change_member(member=first, name="Ana", role="reader") == ""
    assert list(shop.members.order_by("pk").values_list("name", "role")) == [("Ana", "reader"), ("Ben", "owner")]


def test_who_may_only_read_changes_nothing(owner, shop, row):
    Member.objects.create(shop=shop, user_id="7", role="owner", joined_at=clock.now())
    me = Member.objects.create(shop=shop, user_id="42", role="reader", joined_at=clock.now())
    for verb in ("reply", "template", "take-over", "give-back", "close", "reopen", "assign", "snooze", "note"):
        answer = owner.post(f"/app/conversations/{row.pk}/{verb}", {"note": "x", "key": new_code(), "until": "hour"})
        assert (verb, answer.status_code) == (verb, 403)
    assert owner.post(f"/app/settings/team-members/{me.pk}", {"name": "Me", "role": "owner"}).status_code == 403
    assert state(row) == "automatic"
    assert not Note.objects.exists()
    html = owner.get(f"/app/conversations/{row.pk}").content.decode()
    assert "New note" not in html
    assert "/reply" not in html


def test_the_owner_names_the_team_and_the_last_owner_stays(owner, shop):
    owner.get("/app/settings/team-members")
    me = Member.objects.get()
    path = f"/app/settings/team-members/{me.pk}"
    assert owner.post(path, {"name": "Ana", "role": "agent"}).json()["errors"] == {"role": LAST_OWNER}
    assert owner.post(path, {"name": "a@b", "role": "owner"}).status_code == 422
    assert owner.post(path, {"name": "Ana", "role": "owner"}).status_code == 200
    assert Member.objects.get().display_name == "Ana"


def test_whose_turn_it_is_follows_what_is_said_and_done(shop, row):
    channel = factories.make_channel(shop)
    point = factories.make_point(row.contact)
    first, second = members(shop)

    def write(text):
        inbound = Inbound(
            account_id=channel.account_id,
            address=point.address,
            text=text,
            provider_id=new_code(),
            happened_at=clock.now(),
        )
        assert receive(channel=channel, inbound=inbound) is not None

    conversations.hand_off(conversation=row, reason="asked")
    assert state(row) == "team"
    assert row.waits_since == clock.now()
    conversations.reply_as_person(conversation=row, text="Hi", user_id="42", dedupe_key="1", point=point)
    assert state(row) == "shopper"
    assert row.waits_since is None
    write("and another thing")
    assert state(row) == "team"
    assert set(Unread.objects.values_list("member", flat=True)) == {first.pk, second.pk}
    conversations.mark_opened(conversation=row, member=first)
    assert list(Unread.objects.values_list("member", flat=True)) == [second.pk]
    inbox_states.snooze(conversation=row, until=clock.now() + timedelta(hours=1))
    assert state(row) == "snoozed"
    assert inbox_states.wake_snoozed() == 0
    write("hello?")
    assert state(row) == "team"
    assert row.snoozed_until is None
    inbox_states.snooze(conversation=row, until=clock.now())
    assert inbox_states.wake_snoozed() == 1
    assert inbox_states.wake_snoozed() == 0
    assert state(row) == "team"
    conversations.close(conversation=row)
    assert state(row) == "closed"
    assert not Unread.objects.exists()
    conversations.reopen(conversation=row)
    assert state(row) == "team"
    conversations.take_back(conversation=row)
    assert state(row) == "automatic"


@pytest.mark.parametrize(
    ("choice", "until"),
    [
        ("hour", datetime(2026, 11, 27, 22, 30, tzinfo=UTC)),
        ("evening", datetime(2026, 11, 28, 1, 30, tzinfo=UTC)),
        ("tomorrow", datetime(2026, 11, 28, 8, 0, tzinfo=UTC)),
        ("week", datetime(2026, 11, 30, 8, 0, tzinfo=UTC)),
    ],
)
def test_snoozes_end_in_the_shops_morning(choice, until):
    friday_night = datetime(2026, 11, 27, 21, 30, tzinfo=UTC)
    assert snoozed_until(choice, now=friday_night, zone=ZoneInfo("Europe/Berlin")) == until


def test_names_in_a_note_are_whole_names(shop):
    team = [Member(name=name, user_id=name) for name in ("Ana", "Ana Maria", "Jörg", "")]
    assert [one.name for one in named_in("ask @ana maria, not a@Jörg or @Anabel", team)] == ["Ana Maria"]
    assert {one.name for one in named_in("@JÖRG and @Ana!", team)} == {"Jörg", "Ana"}


def test_a_note_is_saved_once_and_tells_whom_it_names(owner, rival, shop, row):
    _, ben = members(shop)
    Member.objects.filter(pk=ben.pk).update(name="Ben")
    form = {"note": "@Ben please look <b>", "key": new_code()}
    for _ in range(2):
        assert owner.post(f"/app/conversations/{row.pk}/note", form).status_code == 200
    note = Note.objects.get()
    assert (note.author_id, note.mentions) == ("42", ["43"])
    assert list(Unread.objects.values_list("member", "mentioned")) == [(ben.pk, True)]
    assert "&lt;b&gt;" in owner.get(f"/app/conversations/{row.pk}").content.decode()
    assert rival.post(f"/app/conversations/{row.pk}/note", form).status_code == 404


def test_assigning_marks_it_unread_for_them_and_never_for_a_stranger(owner, rival, shop, row):
    _, ben = members(shop)
    assert owner.post(f"/app/conversations/{row.pk}/assign", {"member": ben.pk}).status_code == 200
    row.refresh_from_db()
    assert row.assignee == "43"
    assert Unread.objects.get().member == ben
    rival.get("/app/conversations")
    stranger = Member.objects.exclude(shop=shop).get()
    assert owner.post(f"/app/conversations/{row.pk}/assign", {"member": stranger.pk}).status_code == 404
    assert owner.post(f"/app/conversations/{row.pk}/assign", {"member": ""}).status_code == 200
    row.refresh_from_db()
    assert row.assignee == ""


def test_two_talks_of_one_person_become_one_with_their_notes_and_turns(shop, row):
    first, _ = members(shop)
    other = factories.make_contact(shop, first_name="")
    old = factories.make_conversation(other, state="team", waits_since=clock.now(), assignee="42")
    Note.objects.create(shop=shop, conversation=old, text="Careful", dedupe_key="n", written_at=clock.now())
    Draft.objects.create(member=first, conversation=old, text="Dear", saved_at=clock.now())
    merge_contact(other, row.contact)
    assert state(row) == "team"
    assert row.assignee == "42"
    assert row.notes.get().text == "Careful"
    assert row.drafts.get().text == "Dear"
    assert Conversation.objects.count() == 1


def test_a_closed_talk_cannot_be_snoozed(owner, shop, row):
    conversations.close(conversation=row)
    assert owner.post(f"/app/conversations/{row.pk}/snooze", {"until": "hour"}).status_code == 422
    assert state(row) == "closed"
    assert Visitor(shop.domain).post(f"/app/conversations/{row.pk}/snooze", {"until": "never"}).status_code == 422
