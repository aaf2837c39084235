"""Mails to members of the team: what was given to them or names them, and each morning what waits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from post_purchase.jobs.inbox import send_digests, tell_teams
from post_purchase.models import Member, ShopSettings, TeamAlert
from post_purchase.services import conversations, team_alerts
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from shopapp.models import Shop
from tests import factories


@pytest.fixture
def team(shop: Shop, settings: Any) -> tuple[Member, Member]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    Shop.objects.filter(pk=shop.pk).update(contact_email="team@fern.example.com", timezone="Europe/Berlin")
    made = [
        Member.objects.create(
            shop=shop, user_id=user, name=name, role=role, joined_at=clock.now(), email=f"{name}@example.com".lower()
        )
        for user, name, role in (("42", "Ana", "owner"), ("43", "Ben", "agent"))
    ]
    return made[0], made[1]


def talk(shop: Shop, number: int = 1, **fields: Any) -> Any:
    contact = factories.make_contact(shop, first_name="Maria")
    order = factories.make_order(shop, contact, number=1000 + number, name=f"#{1000 + number}")
    return factories.make_conversation(contact, order=order, last_text="my phone is 030 1234567", **fields)


def test_who_is_given_or_named_hears_of_it_in_one_mail_and_its_author_does_not(owner, shop, team, at):
    _, ben = team
    first, second = talk(shop), talk(shop, 2)
    assert owner.post(f"/app/conversations/{first.pk}/assign", {"member": ben.pk}).status_code == 200
    note = {"note": "@Ben @Ana secret words", "key": new_code()}
    for _ in range(2):
        assert owner.post(f"/app/conversations/{second.pk}/note", note).status_code == 200
    tell_teams()
    tell_teams()
    [told] = mail.outbox
    assert (told.to, told.subject) == (["ben@example.com"], "2 chats are for you")
    assert "Assigned to you by Ana" in told.body
    assert "Ana names you in a note" in told.body
    assert f"conversations/{second.pk}" in told.body
    assert [word in told.body for word in ("secret", "Maria", "030")] == [False] * 3
    third = talk(shop, 3)
    owner.post(f"/app/conversations/{third.pk}/assign", {"member": ben.pk})
    tell_teams()
    assert len(mail.outbox) == 1  # not before ten minutes
    at.move(minutes=10)
    tell_teams()
    assert mail.outbox[1].subject == "Order #1003 is for you"


def test_who_has_looked_meanwhile_or_wants_no_mails_gets_none(owner, shop, team):
    ana, ben = team
    row = talk(shop)
    owner.post(f"/app/conversations/{row.pk}/assign", {"member": ben.pk})
    conversations.mark_opened(conversation=row, member=ben)
    owner.post(f"/app/conversations/{row.pk}/assign", {"member": ana.pk})  # by herself
    tell_teams()
    Member.objects.update(email="")
    owner.post(f"/app/conversations/{talk(shop, 2).pk}/assign", {"member": ben.pk})
    tell_teams()
    assert mail.outbox == []
    assert TeamAlert.objects.count() == 1
    assert team_alerts.last_trouble(shop) == ""


def test_a_members_pace_does_not_hold_up_the_team(owner, shop, team):
    row = talk(shop)
    owner.post(f"/app/conversations/{row.pk}/assign", {"member": team[1].pk})
    tell_teams()
    conversations.hand_off(conversation=row, reason="The shopper asks for a person")
    tell_teams()
    assert [each.to for each in mail.outbox] == [["ben@example.com"], ["team@fern.example.com"]]


def test_addresses_are_given_on_the_team_page_and_ones_own_by_everybody(owner, shop, team):
    _, ben = team
    path = f"/app/settings/team-members/{ben.pk}"
    form = {"name": "Ben", "role": "reader"}
    assert list(owner.post(path, form | {"email": "ben"}).json()["errors"]) == ["email"]
    assert owner.post(path, form | {"email": "b@example.com"}).status_code == 200
    ben.refresh_from_db()
    assert (ben.role, ben.email) == ("reader", "b@example.com")
    Member.objects.filter(user_id="42").update(role="reader")
    assert owner.post("/app/settings/team-members/me", {"email": "me@example.com"}).status_code == 200
    assert owner.post("/app/settings/team-members/me", {"email": "me"}).status_code == 422
    assert owner.post(path, form).status_code == 403
    assert list(shop.members.order_by("pk").values_list("email", flat=True)) == ["me@example.com", "b@example.com"]


def test_the_morning_mail_counts_what_waits_once_a_day_and_only_where_wanted(owner, shop, team, at, monkeypatch):
    talk(shop, state="team", waits_since=clock.now(), open_since=clock.now())
    talk(shop, 2, state="team", waits_since=clock.now(), open_since=clock.now() - timedelta(days=3), assignee="42")
    talk(shop, 3, state="shopper")
    send_digests()
    assert not ShopSettings.objects.filter(digest_due_at__isnull=False).exists()
    assert owner.post("/app/settings/team", {"team_digest": "1"}).status_code == 200
    send_digests()  # the first only sets the time
    due = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
    assert ShopSettings.objects.get(shop=shop).digest_due_at == due
    assert mail.outbox == []
    at.to(due)
    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "send_messages", lambda *_: (_ for _ in ()).throw(ConnectionRefusedError))
        send_digests()
    send_digests()
    assert mail.outbox == []
    at.move(minutes=15)
    send_digests()
    send_digests()
    [told] = mail.outbox
    assert (told.to, told.subject) == (["team@fern.example.com"], "2 shoppers wait for you")
    for line in ("Waiting for you: 2", "anybody to wait: 2", "Open too long: 1", "Assigned to nobody: 1"):
        assert line in told.body
    shop.conversations.update(state="closed")
    at.move(days=1)
    send_digests()
    shop.conversations.update(state="team")
    ShopSettings.objects.filter(shop=shop).update(digest_due_at=clock.now() - timedelta(hours=4))  # nobody ran jobs
    send_digests()
    assert len(mail.outbox) == 1
