"""The recorded log of a run, played again: the same state and the same effects, in the version that it had then."""

from post_purchase.flows import engine
from post_purchase.flows.effects import to_json
from post_purchase.flows.state import MOVED, Event, RunState
from post_purchase.flows.versions import document_of
from post_purchase.models import FlowRun


def assert_replays(run: FlowRun) -> None:
    entries = list(run.log.order_by("sequence"))
    if not entries or any(effect["kind"] == "park" for entry in entries for effect in entry.effects):
        return  # begun by a test's own hand, or stopped with its state as it was
    moves = [entry.event["data"]["version"] for entry in entries if entry.event["kind"] == MOVED]
    version = run.flow.versions.order_by("number").values_list("pk", flat=True)[0] if moves else run.version_id
    state = RunState()
    for entry in entries:
        if entry.event["kind"] == MOVED:
            version = moves.pop(0)
        state, wanted = engine.advance(
            document_of(version),
            RunState.from_json(state.to_json()),
            Event.from_json(entry.event),
            entry.facts,
            entry.happened_at,
        )
        assert [to_json(effect) for effect in wanted] == entry.effects, (run, entry.event_key)
    assert state.to_json() == run.state, run
