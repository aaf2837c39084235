"""Documents that nobody would write, news in any order: the engine stays total, repeatable, silent at the end."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from post_purchase.flows import effects, engine
from post_purchase.flows.definition import DocumentError, FlowDocument, load
from post_purchase.flows.preview import sample_facts
from post_purchase.flows.state import START, TIMER, Event, RunState
from post_purchase.words import EventKind

T0 = datetime.fromisoformat("2026-03-03T10:00:00+00:00")
NAMES = [f"s{number}" for number in range(6)]
NEWS = [kind.value for kind in EventKind]
goto = st.one_of(st.none(), st.sampled_from(NAMES))
news = st.lists(st.sampled_from(NEWS), min_size=1, max_size=3)
duration = st.sampled_from(["PT0S", "PT10M", "P1D", "P30D"])
condition = st.sampled_from(
    [
        {"fact": "order.cancelled", "equals": True},
        {"fact": "answers.size", "exists": True},
        {"fact": "order.total", "at_least": 50},
        {"not": {"fact": "parcel.state", "equals": "delivered"}},
        {"fact": "order.tags", "contains": ["gift"]},
    ]
)


def step(kind: str, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"kind": st.just(kind), "next": goto, **fields})


steps = st.one_of(
    step("send", message=st.just("hello")),
    step(
        "ask",
        message=st.just("hello"),
        choices=st.dictionaries(st.sampled_from(["yes", "no"]), goto, max_size=2),
        any_text=st.booleans(),
        rating=st.booleans(),
        photos=st.booleans(),
        save_as=st.sampled_from(["", "size"]),
        retry_message=st.sampled_from(["", "hello"]),
        reminder=st.sampled_from(["", "hello"]),
        reminder_after=st.one_of(st.none(), duration),
        timeout=duration,
        on_timeout=goto,
    ),
    st.builds(lambda length, next: {"kind": "wait", "for": length, "next": next}, duration, goto),
    step("wait", between=st.just(["10:00", "12:00"]), weekdays=st.lists(st.sampled_from(["mon", "sun"]), max_size=2)),
    step("wait", date=st.sampled_from(["order.day_expected", "answers.size"]), on_missing=goto),
    step("wait", until=condition, timeout=duration, on_timeout=goto, news=news),
    step("branch", cases=st.lists(st.fixed_dictionaries({"if": condition, "goto": goto}), min_size=1, max_size=2)),
    step(
        "split",
        ways=st.lists(
            st.builds(lambda weight, goto: {"weight": weight, "goto": goto}, st.integers(1, 9), goto),
            min_size=2,
            max_size=3,
        ),
    ),
    st.builds(
        lambda length, kinds, next: {"kind": "digest", "for": length, "news": kinds, "next": next}, duration, news, goto
    ),
    step("reward", timeout=duration, on_failure=goto),
    step("recommend", on_none=goto),
    step("send_guide", message=st.just("hello"), on_none=goto),
    step("set_field", field=st.just("size"), answer=st.just("size")),
    step("tag", tag=st.just("seen")),
    step("note", text=st.just("About {{ order.name }}")),
    step("close"),
    step("start_flow", flow=st.just("other")),
    step("hand_off", reason=st.just("Look"), message=st.sampled_from(["", "hello"])),
    st.just({"kind": "end", "reason": "Over"}),
)
documents = st.fixed_dictionaries(
    {
        "key": st.just("random"),
        "name": st.just("Random"),
        "trigger": st.just({"news": ["order_placed"]}),
        "start": st.just("s0"),
        "steps": st.tuples(*[steps] * len(NAMES)).map(lambda drawn: dict(zip(NAMES, drawn, strict=True))),
        "exits": st.lists(st.fixed_dictionaries({"reason": st.just("Out"), "news": news}), max_size=1),
        "goals": st.lists(
            st.fixed_dictionaries({"name": st.just("goal"), "news": news, "ends": st.booleans()}), max_size=1
        ),
        "listeners": st.lists(st.fixed_dictionaries({"news": news, "goto": st.sampled_from(NAMES)}), max_size=2),
        "messages": st.just({"hello": {"purpose": "service", "requires": ["order.day_expected"]}}),
        "texts": st.just({"en": {"messages": {"hello": {"text": "Hello", "choices": {"yes": "Yes", "no": "No"}}}}}),
    }
)
happenings = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(NEWS), st.just(TIMER)),
        st.integers(0, 4),  # key: some come twice
        st.sampled_from(["", "yes", "5", "hello"]),
        st.sampled_from([0, 1, 60, 60 * 24, 60 * 24 * 31]),  # minutes that pass
    ),
    max_size=25,
)


def sound(document: dict[str, Any]) -> FlowDocument | None:
    try:
        return load(document)
    except DocumentError:
        return None


@given(documents, happenings, st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_no_document_and_no_news_break_the_engine(document, happenings, dated):
    flow = sound(document)
    assume(flow is not None)
    facts = sample_facts("en")
    facts["order"]["day_expected"] = "2026-03-05T12:00:00+00:00" if dated else None
    state, now, said = RunState(), T0, set()
    events = [(START, 0, "", 0), *happenings]
    for number, (kind, key, text, minutes) in enumerate(events):
        now += timedelta(minutes=minutes)
        for event in _events(kind, f"{kind}:{key}:{number if kind == TIMER else ''}", text, state, now):
            over = state.status != "active"
            before = state.to_json()
            after, wanted = engine.advance(flow, state, event, facts, now)
            assert state.to_json() == before
            assert engine.advance(flow, RunState.from_json(before), event, facts, now) == (after, wanted)
            assert not (over and wanted)  # nothing after the end
            for effect in wanted:
                if isinstance(effect, effects.Say):
                    assert effect.key not in said  # none twice
                    said.add(effect.key)
                    assert dated
            state = after
    if state.status == "active":
        assert state.threads
        assert engine.waiting_for(flow, state)
        assert all(thread.due_at is not None for thread in state.threads)  # whatever comes, it goes on by itself
    elif state.status == "parked":
        assert "more than" in state.reason


def _events(kind: str, key: str, text: str, state: RunState, now: datetime) -> list[Event]:
    if kind != TIMER:
        return [Event(kind, key, now, {"text": text, "attachments": [1] if text else []}, 1)]
    due = [thread.mark for thread in state.threads if thread.due_at and thread.due_at <= now]
    return [Event(TIMER, f"{key}:{mark}", now, {"timer": mark}) for mark in due[:1]]
