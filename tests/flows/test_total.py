"""Whatever a shopper answers, a merchant names or a clock is called: the engine gives a state and no exception."""

from datetime import UTC, datetime

import pytest

from post_purchase.flows import engine
from post_purchase.flows.definition import DocumentError, load
from post_purchase.flows.state import START, Event, RunState
from post_purchase.flows.step import Claim

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ASK = {"kind": "ask", "message": "q", "any_text": True, "save_as": "size", "timeout": "P1D", "next": "then"}


def document(**steps):
    return load(
        {
            "key": "x",
            "name": "x",
            "trigger": {"news": ["order_placed"]},
            "start": next(iter(steps)),
            "steps": steps,
            "messages": {"q": {"purpose": "service"}},
            "texts": {"en": {"messages": {"q": {"text": "hello"}}}},
        }
    )


def play(flow, *events, **facts) -> RunState:
    state = RunState()
    known = {"run": {"id": 1}, "timezone": "UTC", "parcels": {}} | facts
    for event in (Event(START, "start", NOW, {}), *events):
        state, _ = engine.advance(flow, state, event, known, NOW)
    return state


def said(text: str) -> Event:
    return Event("message_received", "m", NOW, {"text": text})


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1e999999999", "ten"])
def test_words_that_look_like_numbers_are_compared_as_no_number(text):
    cases = [{"if": {"fact": "answers.size", "at_least": 10}, "goto": "high"}]
    flow = document(ask=ASK, then={"kind": "branch", "cases": cases}, high={"kind": "wait", "for": "P1D"})
    state = play(flow, said(text))
    large = text == "1e999999999"
    assert (state.status, [thread.step for thread in state.threads]) == (
        ("active", ["high"]) if large else ("ended", [])
    )


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "9999-12-31T23:59:59-12:00", "2026-13-01"])
@pytest.mark.parametrize("offset", ["P2D", "-P2D"])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Apia", "America"])
def test_a_day_that_no_calendar_reaches_is_a_day_that_is_not_known(day, offset, zone):
    wait = {"kind": "wait", "date": "answers.size", "offset": offset, "on_missing": "lost"}
    flow = document(ask=ASK, then=wait, lost={"kind": "wait", "for": "P1D"})
    state = play(flow, said(day), timezone=zone)
    assert state.status in ("active", "ended")
    assert state.reason in ("", "Finished")


@pytest.mark.parametrize("zone", ["America", "Europe", "/etc/passwd", "../x", "a\0b", "x" * 300])
def test_a_zone_that_is_none_is_utc(zone):
    flow = document(wait={"kind": "wait", "between": ["13:00", "14:00"]})
    [thread] = play(flow, timezone=zone).threads
    assert thread.due_at == NOW.replace(hour=13)


@pytest.mark.parametrize("name", ["goals", "rating", "photos", "products", "reward", "variant_a"])
def test_an_answer_is_not_kept_where_the_flow_keeps_its_own(name):
    with pytest.raises(DocumentError, match="choose another name"):
        document(ask=ASK | {"save_as": name}, then={"kind": "end", "reason": "Over"})


@pytest.mark.parametrize("facts", [{"run": None}, {"run": 5}])
def test_facts_of_another_shape_are_none(facts):
    flow = document(split={"kind": "split", "ways": [{"weight": 1, "goto": None}, {"weight": 1, "goto": None}]})
    assert play(flow, **facts).status == "ended"


def test_what_nobody_thought_of_stops_this_run_and_says_where(monkeypatch):
    def breaks(*args):
        raise ZeroDivisionError

    flow = document(ask=ASK, then={"kind": "wait", "for": "P1D"})
    before = play(flow)
    monkeypatch.setattr(type(flow.steps["ask"]), "resume", breaks)
    monkeypatch.setattr(type(flow.steps["ask"]), "claims", lambda *args: Claim.YES)
    state, wanted = engine.advance(flow, before, said("5"), {"run": {"id": 1}}, NOW)
    assert (state.status, [effect.kind for effect in wanted]) == ("parked", ["park"])
    assert state.reason == "At ask, message received could not be read (ZeroDivisionError)"
    assert before.status == "active"
    monkeypatch.setattr(type(flow.steps["ask"]), "claims", breaks)
    assert engine.claim(flow, before, said("5"), {"run": {"id": 1}}, NOW) == Claim.YES
