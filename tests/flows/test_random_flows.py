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
        {"fact": "answers.size", "at_least": 10},
        {"fact": "answers.variant_s1", "equals": "a"},
        {"any": [{"fact": "answers.rating", "at_most": 2}, {"fact": "event.text", "one_of": ["yes", "NaN"]}]},
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
        save_as=st.sampled_from(["", "size", "day", "taste"]),
        retry_message=st.sampled_from(["", "hello"]),
        reminder=st.sampled_from(["", "hello"]),
        reminder_after=st.one_of(st.none(), duration),
        timeout=duration,
        on_timeout=goto,
    ),
    st.builds(lambda length, next: {"kind": "wait", "for": length, "next": next}, duration, goto),
    step("wait", between=st.just(["10:00", "12:00"]), weekdays=st.lists(st.sampled_from(["mon", "sun"]), max_size=2)),
    step(
        "wait",
        date=st.sampled_from(["order.day_expected", "answers.size"]),
        offset=st.sampled_from(["PT0S", "P2D", "-P2D"]),
        on_missing=goto,
    ),
    step(
        "collect_review",
        question=st.just("hello"),
        more_question=st.just("hello"),
        more_question_low=st.just("hello"),
        photo_question=st.just("hello"),
        disclosure=st.just("shown"),
        timeout=duration,
        photo_timeout=duration,
        on_timeout=goto,
        on_help=goto,
    ),
    step("add_photo", review_step=st.sampled_from(NAMES)),
    step("give_consent", purpose=st.just("marketing"), asked_in=st.just("hello")),
    step("call_webhook", url=st.just("https://example.test/hook")),
    step("trigger_shopify_flow"),
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
        st.one_of(
            st.sampled_from(["", "yes", "5", "hello", "NaN", "sNaN", "Infinity", "9999-12-31", "0001-01-01"]),
            st.sampled_from(["9999-12-31T23:59:59-12:00", "2026-03-04", "1e999999999", "\u0665", "-0"]),
            st.text(max_size=12),
        ),
        st.sampled_from([0, 1, 60, 60 * 24, 60 * 24 * 31]),  # minutes that pass
    ),
    max_size=25,
)


def sound(document: dict[str, Any]) -> FlowDocument | None:
    try:
        return load(document)
    except DocumentError:
        return None


zones = st.sampled_from(["Europe/Berlin", "", "America", "Europe", "../x", "a\0b", "x" * 300, "Pacific/Apia"])


@given(documents, happenings, st.booleans(), zones)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_no_document_and_no_news_break_the_engine(document, happenings, dated, zone):
    flow = sound(document)
    assume(flow is not None)
    facts = sample_facts("en")
    facts["timezone"] = zone
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
        photo = bool(text) and len(text) % 2 == 0
        return [Event(kind, key, now, {"text": text, "has_media": photo, "attachments": [1] if text else []}, 1)]
    due = [thread.mark for thread in state.threads if thread.due_at and thread.due_at <= now]
    return [Event(TIMER, f"{key}:{mark}", now, {"timer": mark}) for mark in due[:1]]
