"""Rehearsals as work in the background: stopped, killed, late, and apart from other shops."""

import pytest

from post_purchase.flows.rehearsal import show
from post_purchase.jobs.rehearsals import rehearse
from post_purchase.models import (
    Order,
    Rehearsal,
    RehearsedMessage,
)
from post_purchase.services import rehearsals
from tests.flows.test_rehearsals import NOW, at, listed, played

from .past_shop import flow_of, make_past

__all__ = ["at"]  # fixtures

pytestmark = pytest.mark.django_db


def test_stop_is_heard_between_two_groups_of_people(at, monkeypatch):
    shop = make_past(NOW)
    monkeypatch.setattr(show, "AT_ONCE", 2)
    asked = rehearsals.ask(flow=flow_of(shop, "thank_you"), assumptions={"opens": 100}, days=90)
    seen: list[int] = []
    note = rehearsals.note

    def stop_at_four(*, rehearsal, done, total):
        seen.append(done)
        if done == 4:
            assert rehearsals.cancel(rehearsal=rehearsal)
        note(rehearsal=rehearsal, done=done, total=total)

    monkeypatch.setattr(rehearsals, "note", stop_at_four)
    rehearse()
    asked.refresh_from_db()
    assert seen == [0, 2, 4]
    assert (asked.status, asked.next_attempt_at, asked.result) == ("cancelled", None, {})
    assert not rehearsals.cancel(rehearsal=asked)


def test_a_killed_worker_leaves_nothing_double(at, monkeypatch):
    """The lease runs out, another worker begins anew, and what was kept of the first try is gone."""
    shop = make_past(NOW)
    monkeypatch.setattr(show, "AT_ONCE", 3)
    whole = listed(played(shop, "thank_you", opens=100))
    asked = rehearsals.ask(flow=flow_of(shop, "thank_you"), assumptions={"opens": 100}, days=90)
    note = rehearsals.note

    class Killed(BaseException):
        pass

    def die(*, rehearsal, done, total):
        note(rehearsal=rehearsal, done=done, total=total)
        if done == 6:
            raise Killed

    monkeypatch.setattr(rehearsals, "note", die)
    with pytest.raises(Killed):
        rehearse()
    monkeypatch.setattr(rehearsals, "note", note)
    assert RehearsedMessage.objects.filter(rehearsal=asked).exists()
    rehearse()  # its lease still runs: nothing is due
    asked.refresh_from_db()
    assert asked.status == "running"
    at.move(minutes=4)
    rehearse()
    asked.refresh_from_db()
    assert (asked.status, asked.attempts) == ("done", 2)
    assert listed(asked) == whole


def test_a_rehearsal_that_kills_every_worker_is_given_up(at):
    shop = make_past(NOW, orders=1)
    asked = rehearsals.ask(flow=flow_of(shop, "thank_you"), assumptions={}, days=90)
    Rehearsal.objects.filter(pk=asked.pk).update(attempts=rehearsals.MAX_ATTEMPTS)
    rehearse()
    asked.refresh_from_db()
    assert (asked.status, asked.next_attempt_at) == ("failed", None)
    assert asked.error.startswith("Given up")


def test_a_late_worker_cannot_overwrite_the_next_one(at):
    shop = make_past(NOW, orders=1)
    rehearsals.ask(flow=flow_of(shop, "thank_you"), assumptions={}, days=90)
    late = rehearsals.claim()
    assert late is not None
    at.move(minutes=4)
    other = rehearsals.claim()
    assert other is not None
    with pytest.raises(rehearsals.Stopped):
        rehearsals.note(rehearsal=late, done=1, total=1)
    rehearsals.finish(rehearsal=late, result={"wrong": True})
    other.refresh_from_db()
    assert (other.status, other.result) == ("running", {})


def test_another_shops_past_is_not_seen(at):
    make_past(NOW, domain="rival-goods.myshopify.com")
    mine = make_past(NOW, orders=2)
    rehearsal = played(mine, "thank_you", opens=100)
    assert rehearsal.result["orders"] == 2
    assert {row.order.shop_id for row in rehearsal.messages.all() if row.order} == {mine.pk}


def test_erased_orders_are_not_played_and_rows_hold_no_names(at):
    shop = make_past(NOW)
    Order.objects.filter(pk=Order.objects.order_by("pk")[0].pk).update(redacted_at=NOW)
    rehearsal = played(shop, "thank_you", opens=100)
    assert rehearsal.result["orders"] == 11
    assert "Person" not in str(rehearsal.result)
    assert "Person" not in str(list(rehearsal.messages.values()))
