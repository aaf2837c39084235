"""A person pauses one run: it keeps what happens, says nothing, and goes on where it was."""

from datetime import timedelta

import pytest

from post_purchase.flows import pausing
from post_purchase.jobs import flows as jobs
from post_purchase.models import HeldEvent, Message, Timer
from post_purchase.words import EventKind
from shopapp.lib import clock
from tests.flows.test_runs import NOW, World, assert_replays

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    with clock.frozen(NOW):
        world = World(chat=False)
        world.tell(EventKind.ORDER_PAID)  # it waits for the chat, at most sixty days
        yield world


def test_news_of_a_pause_are_applied_once_when_it_goes_on(world):
    run = world.run()
    assert pausing.pause(run=run)
    assert not pausing.pause(run=run)
    world.open_chat()
    for _ in range(2):
        world.tell(EventKind.CONVERSATION_STARTED, key="started")
    assert world.said == []
    assert list(HeldEvent.objects.values_list("run", "event_key")) == [(run.pk, "started")]
    assert pausing.resume(run=run)
    assert not pausing.resume(run=run)
    assert world.said == ["receipt"]
    assert not HeldEvent.objects.exists()
    assert_replays(world.run())


def test_what_it_has_queued_waits_too_and_what_others_queued_does_not(world):
    world.open_chat()
    world.tell(EventKind.CONVERSATION_STARTED)
    message = world.newest
    world.parcel("in_transit", EventKind.PARCEL_SHIPPED)
    other = world.newest
    assert message.run_id != other.run_id
    run = message.run
    type(run).objects.filter(pk=run.pk).update(status="active", ended_at=None)  # as one that has more to say
    assert pausing.pause(run=run)
    states = {row.pk: (row.status, row.next_attempt_at is None) for row in Message.objects.all()}
    assert states == {message.pk: ("held", True), other.pk: ("queued", False)}
    assert pausing.resume(run=run)
    message.refresh_from_db()
    assert (message.status, message.reason, message.next_attempt_at) == ("queued", "", clock.now())


def test_a_wait_that_ends_in_a_pause_is_over_when_it_goes_on(world):
    run, timer = world.run(), Timer.objects.get()
    pausing.pause(run=run)
    Timer.objects.update(next_attempt_at=timer.due_at)  # a worker had claimed it before
    clock.Frozen().to(timer.due_at + timedelta(minutes=1))
    jobs.handle_timers()
    assert Timer.objects.get().next_attempt_at is None
    assert world.run().status == "active"
    pausing.resume(run=run)
    jobs.handle_timers()
    assert not Timer.objects.exists()
    assert world.run().status == "ended"


def test_an_end_is_heard_in_a_pause_and_a_message_is_no_answer_to_it(world):
    run = world.run()
    pausing.pause(run=run)
    world.write("hello")
    assert not HeldEvent.objects.exists()
    world.tell(EventKind.CONTACT_REDACTED, order=None)
    world.tell(EventKind.SHOP_UNINSTALLED)
    assert world.run().status == "ended"
    assert not pausing.pause(run=run)
