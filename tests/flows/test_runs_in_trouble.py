"""Runs whose event, version or neighbour makes trouble."""

import pytest

from post_purchase.jobs import flows as jobs
from post_purchase.models import FlowEvent, FlowRun, FlowVersion, Message, RunEvent, Timer
from post_purchase.words import EventKind, ParcelState
from tests.flows.test_runs import NOW, World, at

__all__ = ["at"]  # fixtures

pytestmark = pytest.mark.django_db


def test_a_crash_in_the_middle_repeats_harmlessly(at, monkeypatch):
    world = World()

    class Killed(BaseException):
        pass

    def die(**_):
        raise Killed

    monkeypatch.setattr(RunEvent.objects, "create", die)
    with pytest.raises(Killed):
        world.tell(EventKind.ORDER_PAID)
    assert (FlowRun.objects.count(), Message.objects.count(), Timer.objects.count()) == (0, 0, 0)
    monkeypatch.undo()
    jobs.handle_events()
    assert world.said == []  # still leased to the one who died
    at.move(minutes=3)
    jobs.handle_events()
    assert world.said == ["receipt"]


def test_a_broken_version_parks_the_run_and_the_others_go_on(at):
    world = World(chat=False)
    world.tell(EventKind.ORDER_PAID)
    run = world.run()
    version = FlowVersion.objects.create(
        flow=run.flow, number=9, document=run.version.document | {"start": "gone"}, published_at=NOW
    )
    FlowRun.objects.filter(pk=run.pk).update(version=version)
    world.open_chat()
    world.deliver()
    run.refresh_from_db()
    assert (run.status, run.ended_reason) == (
        "parked",
        "The flow's version is broken: start: there is no step 'gone'",
    )
    assert world.run("photo_review").status == "active"
    assert FlowEvent.objects.filter(done_at=None).count() == 0


def test_an_event_that_always_fails_is_parked_and_the_rest_goes_on(at, monkeypatch):
    world = World()
    world.tell(EventKind.ORDER_PAID)
    broken = FlowEvent.objects.create(
        shop=world.shop,
        kind=EventKind.MESSAGE_RECEIVED,
        key="poison",
        contact=world.contact,
        happened_at=NOW,
        next_attempt_at=NOW,
        data=[],
    )
    for _ in range(12):
        jobs.handle_events()
        at.move(minutes=10)
    broken.refresh_from_db()
    assert broken.parked_at is not None
    assert broken.next_attempt_at is None
    assert broken.error.startswith("AttributeError")
    world.parcel(ParcelState.IN_TRANSIT, EventKind.PARCEL_SHIPPED)
    assert world.said == ["receipt", "tell"]


def test_the_log_holds_no_name_and_no_tracking_link(at):
    world = World()
    world.tell(EventKind.ORDER_PAID)
    world.parcel(ParcelState.IN_TRANSIT, EventKind.PARCEL_SHIPPED)
    written = str([(entry.facts, entry.effects, entry.event) for entry in RunEvent.objects.all()])
    assert "Maria" not in written
    assert "tracking.example.test" not in written
