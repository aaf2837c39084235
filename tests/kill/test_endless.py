"""An event or a wait that kills its workers: it dies alone, is put aside, and a person can run it again."""

import io
import os
import signal
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.test import Client

from post_purchase.flows import timers
from post_purchase.flows.claiming import MAX_ATTEMPTS, NEVER_ENDED
from post_purchase.jobs import flows as jobs
from post_purchase.models import Flow, FlowEvent, FlowRun, FlowVersion, Timer
from post_purchase.words import EventKind
from shopapp.lib import clock
from tests.factories import make_contact, make_shop
from tests.kill.harness import in_child

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True)]
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OTHERS = 4


def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_until_quiet(work, at) -> int:
    kills = 0
    for _ in range(3 * MAX_ATTEMPTS):
        kills += in_child(work)[0]
        at.move(minutes=4)
    return kills


def test_an_event_that_kills_its_worker_is_put_aside(monkeypatch: pytest.MonkeyPatch):
    with clock.frozen(NOON) as at:
        shop = make_shop()

        def event(key: str) -> FlowEvent:
            return FlowEvent.objects.create(
                shop=shop, kind=EventKind.ORDER_PAID, key=key, contact=make_contact(shop),
                happened_at=NOON, next_attempt_at=NOON,
            )  # fmt: skip

        poison = event("poison")
        others = [event(f"other {number}") for number in range(OTHERS)]
        monkeypatch.setattr(jobs, "handle_event", lambda found: dies() if found.key == "poison" else None)
        assert in_child(jobs.handle_events)[0]  # all were claimed together
        at.move(minutes=4)
        assert in_child(jobs.handle_events)[0]  # the poison alone, before the others had their turn
        assert {row.attempts for row in FlowEvent.objects.exclude(pk=poison.pk)} == {1}
        kills = 2 + killed_until_quiet(jobs.handle_events, at)
        poison.refresh_from_db()
        assert kills == MAX_ATTEMPTS
        assert (poison.parked_at is not None, poison.next_attempt_at, poison.error) == (True, None, NEVER_ENDED)
        assert all(FlowEvent.objects.get(pk=other.pk).done_at for other in others)
        assert "flowevent: 1 given up; see run_again" in Client().get("/health/ready").json()["problems"]
        monkeypatch.undo()
        call_command("run_again", "flowevent", stdout=io.StringIO())
        jobs.handle_events()
        poison.refresh_from_db()
        assert (poison.parked_at, poison.done_at) == (None, clock.now())


def test_a_wait_that_kills_its_worker_is_put_aside(monkeypatch: pytest.MonkeyPatch):
    with clock.frozen(NOON) as at:
        shop = make_shop()
        flow = Flow.objects.create(shop=shop, key="f", name="F")
        version = FlowVersion.objects.create(flow=flow, number=1, document={}, published_at=NOON)

        def wait(key: str) -> Timer:
            run = FlowRun.objects.create(shop=shop, flow=flow, version=version, subject_key=key, started_at=NOON)
            return Timer.objects.create(run=run, key=key, due_at=NOON, next_attempt_at=NOON)

        poison = wait("poison")
        for number in range(OTHERS):
            wait(f"other {number}")
        monkeypatch.setattr(timers, "handle", lambda found: dies() if found.key == "poison" else found.delete())
        assert killed_until_quiet(jobs.handle_timers, at) == MAX_ATTEMPTS
        [left] = Timer.objects.all()
        assert (left.pk, left.parked_at is not None, left.error) == (poison.pk, True, NEVER_ENDED)
        assert "timer: 1 given up; see run_again" in Client().get("/health/ready").json()["problems"]
        call_command("run_again", "timer", "--drop", stdout=io.StringIO())
        left.refresh_from_db()
        assert (left.parked_at, left.next_attempt_at, left.error) == (None, None, NEVER_ENDED)


def test_fresh_rows_do_not_keep_the_tried_ones_waiting(monkeypatch: pytest.MonkeyPatch):
    with clock.frozen(NOON):
        shop = make_shop()
        seen: list[str] = []

        def event(key: str, attempts: int = 0) -> None:
            FlowEvent.objects.create(
                shop=shop, kind=EventKind.ORDER_PAID, key=key, contact=make_contact(shop), attempts=attempts,
                happened_at=NOON, next_attempt_at=NOON,
            )  # fmt: skip

        def handle(found: FlowEvent) -> None:
            seen.append(found.key)
            if len(seen) < 40:
                event(f"fresh {len(seen)}")

        monkeypatch.setattr(jobs, "handle_event", handle)
        event("fresh")
        event("tried", attempts=2)
        jobs.handle_events()
        assert seen.index("tried") == 4
