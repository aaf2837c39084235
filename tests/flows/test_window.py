"""Which messages may come when WhatsApp's window is closed."""

import pytest

from post_purchase.flows import shelf, window
from post_purchase.flows.own_templates import add_template, numbered
from post_purchase.flows.reshaping import CannotReshape

ASK = {"kind": "ask", "message": "ask", "choices": {"yes": "then"}, "timeout": "P2D", "on_timeout": "silent"}


def late(**steps: dict) -> list[str]:
    said = {step.get("message") for step in steps.values()} - {None}
    raw = {
        "trigger": {"news": ["message_received"]},
        "start": next(iter(steps)),
        "steps": steps,
        "messages": {name: {"purpose": "service"} for name in said},
    }
    return [problem.path.split(".")[1] for problem in window.lint(raw)]


def send(message: str, then: str | None = None) -> dict:
    return {"kind": "send", "message": message, "next": then}


def test_an_answer_is_in_time_and_what_waits_for_days_is_not():
    assert late(a=send("hi")) == []
    assert late(a={"kind": "wait", "for": "PT23H", "next": "b"}, b=send("hi")) == []
    assert late(a={"kind": "wait", "for": "P2D", "next": "b"}, b=send("hi")) == ["hi"]
    assert late(a={"kind": "wait", "for": "PT1H", "from": "order.delivered_at", "next": "b"}, b=send("hi")) == ["hi"]
    assert late(a=ASK, then=send("thanks"), silent=send("pity")) == ["pity"]
    review = {"kind": "collect_review", "question": "q", "photo_timeout": "P2D", "timeout": "P7D", "next": "b"}
    assert late(a=review, b=send("thanks")) == ["thanks"]


def test_short_waits_in_a_circle_add_up_and_end():
    again = {"kind": "wait", "for": "PT1H", "next": "hi"}
    assert late(hi=send("hi", "again"), again=again) == ["hi"]


def test_nothing_breaks_it():
    for broken in ({}, {"steps": None, "start": 4}, {"start": "a", "steps": {"a": {"kind": "wait", "for": "soon"}}}):
        assert window.lint(broken) == []
    assert window.silences({"start": "a", "steps": {"a": {"kind": "end"}}}) == {"a": window.LATE}


def test_what_of_the_ready_made_flows_may_not_arrive_on_whatsapp():
    """Each of them by design: see the comments in the files."""
    found = {f"{key}.{one.path.split('.')[1]}" for key, raw in shelf.library().items() for one in window.lint(raw)}
    assert found == {"thank_you.welcome", "photo_review.reward_late", "csat.ask"}


@pytest.mark.parametrize("key", shelf.library())
def test_every_message_of_the_ready_made_flows_can_begin_a_text_for_whatsapp(key):
    raw = shelf.library()[key]
    for message, spec in raw["messages"].items():
        if "template" in spec:
            with pytest.raises(CannotReshape):
                add_template(raw, message, "en")
            continue
        changed = add_template(raw, message, "en")
        template = changed["messages"][message]["template"]
        assert template["name"] == f"{key}_{message}"
        for tag, spoken in changed["texts"].items():
            body = spoken["messages"].get(message, {}).get("template", "")
            assert "{%" not in body, tag
            assert numbered(template, body) == body, tag
