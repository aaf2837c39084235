"""The team is told by mail that a shopper needs a person: once, soon, and without a word of the shopper's."""

import smtplib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from post_purchase.jobs.inbox import tell_teams
from post_purchase.models import Conversation, ShopSettings, TeamAlert
from post_purchase.services import conversations, team_alerts
from post_purchase.services.contact_points import merge_contact
from post_purchase.services.privacy import Person, erase_person
from shopapp.lib import clock
from shopapp.models import Shop
from tests import factories

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at():
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def shop(settings: Any) -> Shop:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    shop = factories.make_shop()
    Shop.objects.filter(pk=shop.pk).update(contact_email="team@fern.example.com")
    shop.refresh_from_db()
    return shop


def talk(shop: Shop, number: int = 1) -> Conversation:
    contact = factories.make_contact(shop, first_name="Maria")
    order = factories.make_order(shop, contact, number=1000 + number, name=f"#{1000 + number}")
    return factories.make_conversation(contact, order=order, last_text="my phone is 030 1234567")


def ask(conversation: Conversation, reason: str = "The shopper asks for a person") -> None:
    conversations.hand_off(conversation=conversation, reason=reason)


def test_a_hand_off_is_told_once_with_the_way_to_it(shop: Shop) -> None:
    conversation = talk(shop)
    ask(conversation)
    ask(conversation)
    tell_teams()
    tell_teams()
    [told] = mail.outbox
    assert told.to == ["team@fern.example.com"]
    assert told.subject == "Order #1001: a shopper needs you"
    assert "The shopper asks for a person" in told.body
    link = f"https://admin.shopify.com/store/fern-and-field/apps/test-client-id/app/conversations/{conversation.pk}"
    assert link in told.body
    assert "Maria" not in told.body
    assert "030" not in told.body
    assert TeamAlert.objects.get().told_at == NOON


def test_who_asked_twice_is_one_shopper_in_the_mail(shop: Shop, at: Any) -> None:
    first, second = talk(shop, 1), talk(shop, 2)
    ask(first)
    team_alerts.alert_team(conversation=first, reason="The shopper wrote again", since=NOON + timedelta(minutes=1))
    ask(second)
    tell_teams()
    [told] = mail.outbox
    assert told.subject == "2 shoppers need you"
    assert told.body.count(f"/app/conversations/{first.pk}") == 1
    assert "The shopper wrote again" in told.body
    assert TeamAlert.objects.filter(told_at=NOON).count() == 3


def test_several_go_in_one_mail_and_the_next_not_before_ten_minutes(shop: Shop, at: Any) -> None:
    for number in range(1, 4):
        ask(talk(shop, number))
    tell_teams()
    assert [each.subject for each in mail.outbox] == ["3 shoppers need you"]
    at.to(NOON + timedelta(minutes=2))
    ask(talk(shop, 4))
    tell_teams()
    assert len(mail.outbox) == 1
    at.to(NOON + timedelta(minutes=10))
    tell_teams()
    assert [each.subject for each in mail.outbox[1:]] == ["Order #1004: a shopper needs you"]


def test_who_has_been_answered_meanwhile_is_not_told_of(shop: Shop) -> None:
    conversation = talk(shop)
    ask(conversation)
    conversations.take_back(conversation=conversation)
    tell_teams()
    assert mail.outbox == []
    assert TeamAlert.objects.get().next_attempt_at is None
    assert team_alerts.last_trouble(shop) == ""


def test_what_the_team_did_itself_is_no_news(shop: Shop) -> None:
    conversations.hand_off(conversation=talk(shop), reason="Taken over by the team", by_team=True)
    assert not TeamAlert.objects.exists()


def test_addresses_and_the_switch_are_the_merchants(shop: Shop) -> None:
    row, _ = ShopSettings.objects.get_or_create(shop=shop)
    ShopSettings.objects.filter(pk=row.pk).update(team_addresses="anna@example.com, ben@example.com")
    ask(talk(shop))
    tell_teams()
    assert mail.outbox[0].to == ["anna@example.com", "ben@example.com"]
    ShopSettings.objects.filter(pk=row.pk).update(team_alerts=False)
    ask(talk(shop, 2))
    assert TeamAlert.objects.count() == 1


def test_a_mail_server_that_is_away_loses_nothing(shop: Shop, at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: object, messages: object) -> int:
        raise smtplib.SMTPServerDisconnected("gone")

    ask(talk(shop))
    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "send_messages", away)
        tell_teams()
    alert = TeamAlert.objects.get()
    assert (alert.error, alert.next_attempt_at) == (
        "The mail server said: SMTPServerDisconnected",
        NOON + team_alerts.FIRST_WAIT,
    )
    at.to(NOON + timedelta(minutes=2))
    tell_teams()
    assert len(mail.outbox) == 1


def test_a_sender_that_was_killed_is_followed_with_the_same_message_id(shop: Shop, at: Any, monkeypatch) -> None:
    """SIGKILL after the mail server took it: the lease runs out, the repeated mail can be known as the same one."""

    class Killed(BaseException):
        pass

    def killed(self: EmailBackend, messages: Any) -> int:
        mail.outbox.extend(messages)
        raise Killed

    ask(talk(shop))
    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "send_messages", killed)
        with pytest.raises(Killed):
            tell_teams()
    tell_teams()
    assert len(mail.outbox) == 1
    at.to(NOON + team_alerts.LEASE)
    tell_teams()
    first, second = (each.extra_headers["Message-ID"] for each in mail.outbox)
    assert first == second


def test_it_is_given_up_after_a_day_and_the_settings_say_so(shop: Shop, at: Any, monkeypatch) -> None:
    def away(self: object, messages: object) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailBackend, "send_messages", away)
    ask(talk(shop))
    at.to(NOON + team_alerts.GIVE_UP_AFTER)
    tell_teams()
    assert TeamAlert.objects.get().next_attempt_at is None
    assert team_alerts.last_trouble(shop) == "The mail server said: ConnectionRefusedError"


def test_a_shop_without_an_address_is_told_in_the_settings(shop: Shop) -> None:
    Shop.objects.filter(pk=shop.pk).update(contact_email="")
    ask(talk(shop))
    tell_teams()
    assert team_alerts.last_trouble(shop) == team_alerts.NO_ADDRESS


def test_an_erasure_takes_the_alerts_along(shop: Shop) -> None:
    conversation = talk(shop)
    ask(conversation)
    erase_person(Person(shop, order_ids=(conversation.order.shopify_id,)))
    assert not TeamAlert.objects.exists()


def test_who_was_answered_by_a_person_is_not_told_of(shop: Shop) -> None:
    conversation = talk(shop)
    ask(conversation)
    conversations.mark_answered(conversation=conversation)  # still handed off: flows stay silent
    tell_teams()
    assert mail.outbox == []


def test_a_merge_takes_the_alert_along(shop: Shop) -> None:
    old, kept = talk(shop), talk(shop, 2)
    ask(old)
    merge_contact(old.contact, kept.contact)
    tell_teams()
    assert f"conversations/{kept.pk}" in mail.outbox[0].body
