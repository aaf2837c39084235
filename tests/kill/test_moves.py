"""SIGKILL in the middle of moving people to a new version: all are moved once, counted once, and none is lost."""

from datetime import UTC, datetime

import pytest

from post_purchase.flows import drafts, editing, moving, runs
from post_purchase.flows.state import START, Event
from post_purchase.jobs.flows import move_runs
from post_purchase.models import Flow, FlowRun, RunMove
from shopapp.lib import clock
from tests.factories import make_contact, make_order, make_shop
from tests.kill.harness import in_child

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True)]
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PEOPLE, POINTS = 4, 12
DOCUMENT = {
    "schema": 1, "key": "care", "name": "Care", "trigger": {"news": ["order_paid"]}, "start": "settle",
    "steps": {"settle": {"kind": "wait", "for": "P7D", "next": "thanks"}, "thanks": {"kind": "tag", "tag": "done"}},
    "texts": {"en": {}},
}  # fmt: skip


def test_killed_anywhere_while_people_are_moved():
    with clock.frozen(NOON) as at:
        flow = editing.switch_on(Flow.objects.create(shop=make_shop(), key="care", name="Care", draft=DOCUMENT), "42")
        for number in range(PEOPLE):
            order = make_order(flow.shop, make_contact(flow.shop, first_name=f"P{number}"))
            event = Event(START, f"start:{order.pk}", clock.now(), {"by": "order_paid"})
            runs.start(flow=flow, subject_key=f"order:{order.pk}", order=order, event=event)

        def ask(days: int) -> RunMove:
            """A next version, into which all move; the one that waits longest stays behind nobody."""
            flow.refresh_from_db()
            changed = {**DOCUMENT, "steps": {**DOCUMENT["steps"], "settle": {**DOCUMENT["steps"]["settle"]}}}
            changed["steps"]["settle"]["for"] = f"P{days}D"
            drafts.change(flow, lambda _: changed, user="42", what="Changed")
            flow.refresh_from_db()
            version = editing.publish(flow, "42")
            return moving.ask_to_move(flow, version, {}, retime=True, user="42")

        move = ask(8)
        killed, lines = in_child(move_runs)
        assert not killed
        kills = 0
        for number, line in enumerate(range(3, lines, max(1, lines // POINTS)), 9):
            move = ask(number)
            kills += in_child(move_runs, kill_at=line)[0]
            at.move(minutes=6)  # the lease of the dead is over
            in_child(move_runs)
            move.refresh_from_db()
            assert (move.moved, move.stayed, move.done_at is not None) == (PEOPLE, 0, True), line
            assert set(FlowRun.objects.values_list("version_id", "status")) == {(move.to_version_id, "active")}
        assert kills > POINTS / 2
        for run in FlowRun.objects.all():
            keys = list(run.log.order_by("sequence").values_list("event_key", flat=True))
            assert len(keys) == len(set(keys)) == RunMove.objects.count() + 1
