"""A new version while people are inside: they finish, move, or their waits are reckoned anew; and a share first."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from post_purchase.flows import drafts, editing, engine, moving, runs
from post_purchase.flows.definition import load
from post_purchase.flows.diffing import differences
from post_purchase.flows.effects import to_json
from post_purchase.flows.state import START, TIMER, Event, RunState
from post_purchase.flows.versions import document_of, version_for
from post_purchase.jobs import flows as jobs
from post_purchase.models import Flow, FlowRun, RunMove
from shopapp.lib import clock
from tests.factories import make_contact, make_order, make_shop

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def at():
    with clock.frozen(NOW) as at:
        yield at


def document(**steps: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": 1,
        "key": "care",
        "name": "Care",
        "trigger": {"news": ["order_paid"]},
        "start": next(iter(steps)),
        "steps": steps,
        "messages": {"hello": {"purpose": "service"}},
        "texts": {"en": {"messages": {"hello": {"text": "Hello"}}}},
    }


def wait(days: int, after: str | None = "thanks", **more: Any) -> dict[str, Any]:
    return {"kind": "wait", "for": f"P{days}D", "next": after} | more


THANKS = {"kind": "tag", "tag": "done"}
OLD = document(settle=wait(7, "ask"), ask={"kind": "wait", "for": "P30D", "next": "thanks"}, thanks=THANKS)


@pytest.fixture
def flow(at) -> Flow:
    made = Flow.objects.create(shop=make_shop(), key="care", name="Care", draft=OLD)
    return editing.switch_on(made, "42")


def begin(flow: Flow, people: int = 1) -> list[FlowRun]:
    found = []
    for number in range(people):
        order = make_order(flow.shop, make_contact(flow.shop, first_name=f"P{number}"))
        event = Event(START, f"start:{order.pk}", clock.now(), {"by": "order_paid"})
        found.append(runs.start(flow=flow, subject_key=f"order:{order.pk}", order=order, event=event))
    return found


def publish(flow: Flow, new: dict[str, Any], share: int = 100):
    flow.refresh_from_db()
    drafts.keep(flow, new, user="42", what="Changed")
    return editing.publish(flow, "42", share=share)


def replays(run: FlowRun) -> None:
    """The log, replayed: each event in the version that the run had then."""
    first = run.log.order_by("sequence").exclude(event__kind="moved").first()
    assert first is not None
    state, version = RunState(), None
    versions = [entry.event["data"]["version"] for entry in run.log.filter(event__kind="moved").order_by("sequence")]
    version = run.flow.versions.order_by("number").values_list("pk", flat=True)[0]
    for entry in run.log.order_by("sequence"):
        if entry.event["kind"] == "moved":
            version = versions.pop(0)
        state, wanted = engine.advance(
            document_of(version), RunState.from_json(state.to_json()), Event.from_json(entry.event), entry.facts,
            entry.happened_at,
        )  # fmt: skip
        assert [to_json(effect) for effect in wanted] == entry.effects
    assert state.to_json() == run.state


def timer_of(run: FlowRun) -> tuple[str, datetime]:
    timer = run.timers.get()
    return timer.key, timer.due_at


def test_who_is_inside_finishes_with_the_version_that_they_entered(flow):
    (run,) = begin(flow)
    publish(flow, document(settle=wait(2)) | {"steps": {"settle": wait(2), "thanks": THANKS}})
    run.refresh_from_db()
    assert (run.version.number, timer_of(run)) == (1, ("settle:1", NOW + timedelta(days=7)))
    assert [(one.number, one.step, one.people) for one in moving.inside(flow)] == [(1, "settle", 1)]


def test_who_is_moved_keeps_the_end_of_the_wait(flow):
    (run,) = begin(flow)
    version = publish(flow, document(settle=wait(2), thanks=THANKS))
    move = moving.ask_to_move(flow, version, {}, retime=False, user="42")
    jobs.move_runs()
    run.refresh_from_db()
    move.refresh_from_db()
    assert (run.version.number, timer_of(run)) == (2, ("settle:1", NOW + timedelta(days=7)))
    assert (move.moved, move.stayed, move.next_attempt_at) == (1, 0, None)
    assert move.done_at is not None
    replays(run)


def test_who_is_moved_and_retimed_waits_as_long_as_the_new_version_says(flow, at):
    (run,) = begin(flow)
    at.move(days=1)
    version = publish(flow, document(settle=wait(2), thanks=THANKS))
    moving.ask_to_move(flow, version, {}, retime=True, user="42")
    jobs.move_runs()
    run.refresh_from_db()
    assert timer_of(run) == ("settle:1", NOW + timedelta(days=2))
    at.move(days=1)
    jobs.handle_timers()
    run.refresh_from_db()
    assert (run.status, run.ended_reason) == ("ended", "Finished")
    replays(run)


def test_a_wait_that_would_be_over_by_the_new_delay_ends_at_once(flow, at):
    (run,) = begin(flow)
    at.move(days=5)
    version = publish(flow, document(settle=wait(2), thanks=THANKS))
    moving.ask_to_move(flow, version, {}, retime=True, user="42")
    jobs.move_runs()
    jobs.handle_timers()
    run.refresh_from_db()
    assert run.status == "ended"


def test_a_step_that_is_gone_leads_to_the_nearest_that_is_left_unless_the_merchant_says_otherwise(flow):
    staying, moved = begin(flow, 2)
    new = document(later=wait(3), ask={"kind": "wait", "for": "P30D", "next": "thanks"}, thanks=THANKS)
    assert moving.suggest(OLD, new) == {"settle": "ask", "ask": "ask", "thanks": "thanks"}
    version = publish(flow, new)
    moving.ask_to_move(flow, version, {(staying.version_id, "settle"): "later"}, retime=False, user="42")
    jobs.move_runs()
    moved.refresh_from_db()
    assert (moved.version.number, timer_of(moved)) == (2, ("later:1", NOW + timedelta(days=7)))


def test_who_shall_stay_stays(flow):
    (run,) = begin(flow)
    version = publish(flow, document(other=wait(3), thanks=THANKS))
    move = moving.ask_to_move(flow, version, {(run.version_id, "settle"): moving.STAY}, retime=True, user="42")
    jobs.move_runs()
    run.refresh_from_db()
    move.refresh_from_db()
    assert (run.version.number, move.moved, move.stayed) == (1, 0, 1)


def test_a_step_of_another_kind_is_begun_and_speaks_once(flow):
    (run,) = begin(flow)
    new = document(settle={"kind": "note", "text": "Look", "next": "rest"}, rest=wait(1), thanks=THANKS)
    version = publish(flow, new)
    chosen = {(run.version_id, "settle"): "settle"}
    for _ in range(2):
        moving.ask_to_move(flow, version, chosen, retime=False, user="42")
        jobs.move_runs()
    run.refresh_from_db()
    written = [effect for entry in run.log.all() for effect in entry.effects if effect.get("text") == "Look"]
    assert (len(written), timer_of(run)) == (1, ("rest:1", NOW + timedelta(days=1)))
    replays(run)


def test_a_move_goes_on_where_it_was_killed_and_moves_nobody_twice(flow, monkeypatch):
    people = begin(flow, 7)
    monkeypatch.setattr(moving, "BATCH", 3)
    version = publish(flow, document(settle=wait(2), thanks=THANKS))
    moving.ask_to_move(flow, version, {}, retime=True, user="42")
    real, calls = runs.apply, []

    def killed(**given: Any) -> bool:
        calls.append(given["run_id"])
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(**given)

    monkeypatch.setattr(runs, "apply", killed)
    with pytest.raises(KeyboardInterrupt):
        jobs.move_runs()
    RunMove.objects.update(next_attempt_at=clock.now())  # its lease is over
    jobs.move_runs()
    for run in people:
        run.refresh_from_db()
        assert (run.version_id, run.log.filter(event__kind="moved").count()) == (version.pk, 1)
        assert timer_of(run) == ("settle:1", NOW + timedelta(days=2))


def test_a_newer_publish_takes_over_from_a_move_under_way(flow):
    begin(flow)
    first = publish(flow, document(settle=wait(2), thanks=THANKS))
    old = moving.ask_to_move(flow, first, {}, retime=False, user="42")
    second = publish(flow, document(settle=wait(3), thanks=THANKS))
    moving.ask_to_move(flow, second, {}, retime=False, user="42")
    jobs.move_runs()
    old.refresh_from_db()
    assert (old.moved, old.error) == (0, "A newer version took over")
    assert FlowRun.objects.get().version_id == second.pk


def test_who_waits_where_is_counted_in_one_query(flow, django_assert_num_queries):
    begin(flow, 5)
    with django_assert_num_queries(1):
        assert [(one.step, one.people) for one in moving.inside(flow)] == [("settle", 5)]


def test_a_share_of_the_new_ones_gets_the_new_version_first(flow):
    version = publish(flow, document(settle=wait(2), thanks=THANKS), share=25)
    flow.refresh_from_db()
    assert (flow.live_version.number, flow.canary_version, flow.canary_share) == (1, version, 25)
    drawn = [version_for(flow, f"order:{number}") for number in range(2000)]
    assert 430 < drawn.count(version.pk) < 570
    assert drawn == [version_for(flow, f"order:{number}") for number in range(2000)]
    flow = editing.set_share(flow, 50)
    more = [version_for(flow, f"order:{number}") for number in range(2000)]
    assert all(after == version.pk for before, after in zip(drawn, more, strict=True) if before == version.pk)
    flow = editing.set_share(flow, 100)
    assert (flow.live_version, flow.canary_version) == (version, None)
    with pytest.raises(editing.NotPublished):
        editing.set_share(flow, 0)


def test_a_version_on_trial_is_taken_back(flow):
    publish(flow, document(settle=wait(2), thanks=THANKS), share=5)
    flow = editing.set_share(flow, 0)
    assert (flow.live_version.number, flow.canary_version_id) == (1, None)
    assert {version_for(flow, f"order:{number}") for number in range(200)} == {flow.live_version_id}


def test_rolling_back_is_a_version_of_its_own_and_leaves_the_draft(flow):
    new = document(settle=wait(2), thanks=THANKS)
    publish(flow, new)
    back = editing.roll_back(flow, flow.versions.get(number=1), "77")
    flow.refresh_from_db()
    assert (back.number, back.same_as, back.published_by, flow.live_version) == (3, 1, "77", back)
    assert flow.draft == new
    assert editing.roll_back(flow, flow.versions.get(number=1), "77") == back


def test_a_timer_that_was_set_before_the_move_does_nothing(flow):
    (run,) = begin(flow)
    key, due = timer_of(run)
    version = publish(flow, document(later=wait(20), thanks=THANKS))
    moving.ask_to_move(flow, version, {(run.version_id, "settle"): "later"}, retime=False, user="42")
    jobs.move_runs()
    assert runs.apply(run_id=run.pk, event=Event(TIMER, "timer:old", due, {"timer": key})) is False


def test_differences_are_told_in_words():
    new = document(
        settle=wait(2, "thanks"), thanks={"kind": "tag", "tag": "done"}, extra={"kind": "send", "message": "hello"}
    )
    new["texts"]["en"]["messages"]["hello"]["text"] = "Good day"
    new["trigger"] = {"news": ["order_paid"], "if": {"fact": "order.total", "at_least": 50}}
    new["exits"] = [{"reason": "Sent back", "news": ["return_requested"]}]
    told = {change.where: [*map(str, change.lines)] for change in differences(OLD, new, {"en": "English"})}
    assert told == {
        "Start and end": [
            "Only if: now “the order's total is at least 50”",
            "Ends early, new: Sent back (a return is asked for)",
        ],
        "Extra": ["New: Send a message. Good day"],
        "Settle": ["Then: goes to “Thanks”, before: “Ask”", "Wait: “7 days” became “2 days”"],
        "Ask": ["Taken out"],
        "Words in English": ["Hello: “Hello” became “Good day”"],
    }
    assert differences(OLD, OLD, {}) == []
    assert differences({}, {"steps": 3}, {}) == []


def test_a_plan_never_names_a_step_that_is_not_there():
    old, new = load(OLD), load(document(settle=wait(2), thanks=THANKS))
    made = moving.plan(old, new, {"settle": "nowhere", "ask": "settle"}, retime=True)
    assert (made.stay, made.steps) == (["settle", "thanks"], {"ask": "settle"})
