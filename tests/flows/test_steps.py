"""Each kind of step by itself: a small document, events in, effects out."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from post_purchase.flows import effects, engine
from post_purchase.flows.definition import DocumentError, load
from post_purchase.flows.preview import sample_facts
from post_purchase.flows.state import INTERRUPT, START, TIMER, Event, RunState

T0 = datetime.fromisoformat("2026-03-03T10:00:00+00:00")  # Tuesday, 11:00 in Berlin
HELLO = {"messages": {"hello": {"purpose": "service"}}, "texts": {"en": {"messages": {"hello": {"text": "Hello"}}}}}


class Walk:
    def __init__(self, steps: dict[str, Any], *, run: int = 7, **document: Any) -> None:
        base = {"key": "walk", "name": "Walk", "trigger": {"news": ["order_placed"]}, "start": next(iter(steps))}
        self.document = load({**base, **HELLO, "steps": steps, **document})
        self.state, self.now = RunState(), T0
        self.facts = sample_facts("en") | {"run": {"id": run}}
        self.number = 0

    def hear(self, kind: str, *, parcel: int | None = None, **data: Any) -> list[effects.Effect]:
        self.number += 1
        event = Event(kind, f"{kind}:{self.number}", self.now, data, parcel)
        before = self.state.to_json()
        again = engine.advance(self.document, RunState.from_json(before), event, self.facts, self.now)
        after, wanted = engine.advance(self.document, self.state, event, self.facts, self.now)
        assert self.state.to_json() == before  # pure
        assert (after, wanted) == again  # deterministic, also through JSON
        self.state = after
        return [effect for effect in wanted if not isinstance(effect, effects.End)]

    def start(self) -> list[effects.Effect]:
        return self.hear(START)

    def ring(self, **later: float) -> list[effects.Effect]:
        self.now += timedelta(**later)
        return self.hear(TIMER, timer=self.state.threads[0].mark)

    @property
    def at(self) -> str:
        return self.state.threads[0].step if self.state.threads else ""

    @property
    def due(self) -> datetime | None:
        return self.state.threads[0].due_at


SEND = {"kind": "send", "message": "hello"}


def test_a_split_sends_each_run_the_same_way_every_time_and_all_of_them_by_weight():
    steps = {
        "chance": {"kind": "split", "ways": [{"weight": 3, "goto": "a"}, {"weight": 1, "goto": "b"}]},
        "a": {"kind": "end", "reason": "a"},
        "b": {"kind": "end", "reason": "b"},
    }
    ends = []
    for run in range(400):
        walk = Walk(steps, run=run)
        walk.start()
        ends.append(walk.state.reason)
    assert 260 < ends.count("a") < 340
    assert ends.count("a") + ends.count("b") == 400


def test_an_experiment_remembers_its_variant_and_needs_a_declared_goal():
    variants = [{"name": "short", "goto": "say"}, {"name": "long", "goto": None}]
    steps = {"try": {"kind": "experiment", "goal": "rated", "variants": variants}, "say": SEND}
    walk = Walk(steps, goals=[{"name": "rated", "news": ["review_given"]}])
    walk.start()
    assert walk.state.answers["variant_try"] in ("short", "long")
    with pytest.raises(DocumentError, match="there is no goal 'rated'"):
        Walk(steps)
    with pytest.raises(DocumentError, match="two variants have the same name"):
        twins = [variants[0], variants[0]]
        Walk({"try": {"kind": "experiment", "goal": "rated", "variants": twins}, "say": SEND})


def test_a_goal_ends_the_run_once_and_is_told():
    walk = Walk(
        {"wait": {"kind": "wait", "for": "P7D", "next": "say"}, "say": SEND},
        goals=[{"name": "bought", "title": "Bought again", "news": ["order_paid"]}],
    )
    walk.start()
    told = walk.hear("order_paid")
    assert effects.GoalReached(name="bought") in told
    assert any(isinstance(effect, effects.CancelWaiting) for effect in told)
    assert (walk.state.status, walk.state.reason) == ("ended", "Goal reached: Bought again")


def test_a_goal_that_does_not_end_the_run_is_told_once():
    walk = Walk(
        {"wait": {"kind": "wait", "for": "P7D"}},
        goals=[{"name": "bought", "news": ["order_paid"], "ends": False}],
    )
    walk.start()
    assert walk.hear("order_paid") == [effects.GoalReached(name="bought")]
    assert walk.hear("order_paid") == []
    assert walk.state.status == "active"


def test_several_news_within_the_window_become_one_message_that_names_all_parcels():
    walk = Walk(
        {
            "idle": {"kind": "wait", "for": "P30D"},
            "gather": {"kind": "digest", "for": "PT30M", "news": ["parcel_shipped"], "next": "say"},
            "say": SEND,
        },
        listeners=[{"news": ["parcel_shipped"], "goto": "gather"}],
    )
    walk.start()
    assert walk.hear("parcel_shipped", parcel=1) == []
    walk.now += timedelta(minutes=10)
    assert walk.hear("parcel_shipped", parcel=2) == []
    assert walk.hear("parcel_shipped", parcel=1) == []  # again
    gathering = next(thread for thread in walk.state.threads if thread.step == "gather")
    assert gathering.due_at == T0 + timedelta(minutes=30)  # the first is not made to wait longer
    walk.now = T0 + timedelta(minutes=30)
    said = walk.hear(TIMER, timer=gathering.mark)
    assert [(effect.message, effect.parcels) for effect in said] == [("hello", (1, 2))]
    walk.hear("parcel_shipped", parcel=3)
    assert sum(thread.step == "gather" for thread in walk.state.threads) == 1  # a new window


@pytest.mark.parametrize(
    ("wait", "due"),
    [
        ({"date": "order.day_expected"}, "2026-03-05T12:00:00+00:00"),
        ({"date": "order.day_expected", "offset": "-P1D"}, "2026-03-04T12:00:00+00:00"),
        ({"date": "contact.fields.birthday", "offset": "PT9H"}, "2026-04-01T07:00:00+00:00"),  # nine in Berlin
        ({"between": ["10:00", "19:00"], "weekdays": ["sat"]}, "2026-03-07T09:00:00+00:00"),
        ({"between": ["08:00", "10:00"]}, "2026-03-04T07:00:00+00:00"),
    ],
)
def test_waits_for_a_date_a_weekday_an_hour(wait, due):
    walk = Walk({"wait": {"kind": "wait", "next": "say", **wait}, "say": SEND})
    walk.facts["contact"]["fields"] = {"birthday": "2026-04-01"}
    assert walk.start() == []
    assert walk.due == datetime.fromisoformat(due)


def test_a_date_that_moved_meanwhile_is_waited_for_anew():
    walk = Walk({"wait": {"kind": "wait", "date": "order.day_expected", "next": "say"}, "say": SEND})
    walk.start()
    walk.facts["order"]["day_expected"] = "2026-03-09T12:00:00+00:00"
    walk.now = datetime.fromisoformat("2026-03-05T12:00:00+00:00")
    assert walk.hear(TIMER, timer=walk.state.threads[0].mark) == []
    assert walk.due == datetime.fromisoformat("2026-03-09T12:00:00+00:00")


@pytest.mark.parametrize("value", [None, "", "soon", 5])
def test_a_date_that_is_not_known_has_its_own_way_on(value):
    walk = Walk(
        {
            "wait": {"kind": "wait", "date": "order.day_expected", "next": "say", "on_missing": "other"},
            "say": SEND,
            "other": {"kind": "end", "reason": "No date"},
        }
    )
    walk.facts["order"]["day_expected"] = value
    assert walk.start() == []
    assert walk.state.reason == "No date"


def test_a_message_whose_fact_is_missing_is_left_out_with_the_reason():
    messages = {"hello": {"purpose": "service", "requires": ["order.day_expected"]}}
    walk = Walk({"say": {**SEND, "next": "ask"}, "ask": ASK}, messages=messages)
    walk.facts["order"]["day_expected"] = None
    skipped = walk.start()
    assert [type(effect) for effect in skipped] == [effects.Skip, effects.Skip]
    assert skipped[0].reason == "Left out, as it needs what is not known: the order is expected"
    assert walk.state.status == "ended"  # the question that was not put waits for nothing


ASK = {"kind": "ask", "message": "hello", "timeout": "P1D", "save_as": "answer", "next": None, "on_timeout": None}


def test_a_question_takes_stars_and_photos_as_answers():
    walk = Walk({"ask": {**ASK, "rating": True}})
    walk.start()
    assert walk.hear("message_received", text="⭐⭐⭐⭐") == []
    assert walk.state.answers["answer"] == 4

    walk = Walk({"ask": {**ASK, "photos": True}})
    walk.start()
    walk.hear("message_received", text="", has_media=True)
    assert walk.at == "ask"  # until it is stored
    walk.hear("media_stored", attachments=[])
    assert walk.at == "ask"  # refused: another may come
    walk.hear("media_stored", attachments=[3, 4])
    assert walk.state.answers["answer"] == [3, 4]
    assert walk.state.status == "ended"


def test_what_was_answered_is_remembered_about_the_contact():
    steps = {
        "ask": {**ASK, "any_text": True, "next": "keep"},
        "keep": {"kind": "set_field", "field": "size", "answer": "answer", "next": "fixed"},
        "fixed": {"kind": "set_field", "field": "taste", "value": "green"},
    }
    walk = Walk(steps)
    walk.start()
    kept = walk.hear("message_received", text="M")
    assert kept == [effects.SetField(name="size", value="M"), effects.SetField(name="taste", value="green")]
    with pytest.raises(DocumentError, match="takes one of: value, answer"):
        Walk({"keep": {"kind": "set_field", "field": "size"}})


def test_the_small_steps_say_what_they_want_and_go_on():
    walk = Walk(
        {
            "note": {"kind": "note", "text": "Rated {{ answers.rating }}", "next": "close"},
            "close": {"kind": "close", "next": "call"},
            "call": {"kind": "call_webhook", "url": "https://erp.example.com/hook", "next": "trigger"},
            "trigger": {"kind": "trigger_shopify_flow", "next": "other"},
            "other": {"kind": "start_flow", "flow": "photo_review"},
        }
    )
    assert [effect.kind for effect in walk.start()] == [
        "write_note",
        "close_conversation",
        "call_webhook",
        "trigger_shopify_flow",
        "start_flow",
    ]
    with pytest.raises(DocumentError, match=r"steps\.call\.url"):
        Walk({"call": {"kind": "call_webhook", "url": "http://plain.example.com"}})
    with pytest.raises(DocumentError, match=r"steps\.note\.text"):
        Walk({"note": {"kind": "note", "text": "{{ oops"}})


def test_a_guide_is_sent_where_the_merchant_wrote_one():
    steps = {"guide": {"kind": "send_guide", "message": "hello", "on_none": "none"}, "none": {"kind": "end"}}
    walk = Walk(steps)
    walk.facts["guide"] = None
    assert [effect.reason for effect in walk.start()] == ["No guide is written for what was bought"]
    walk = Walk(steps)
    walk.facts["guide"] = {"text": "Rinse it first."}
    assert [effect.message for effect in walk.start()] == ["hello"]


def test_products_that_fit_are_looked_for_and_named():
    steps = {
        "look": {"kind": "recommend", "limit": 1, "next": "say", "on_none": "none"},
        "say": SEND,
        "none": {"kind": "end", "reason": "Nothing fits"},
    }
    walk = Walk(steps)
    assert walk.start() == [effects.FindProducts(key="look:1", step="look", by="compatible", limit=1)]
    assert walk.hear("products_found", **{"for": "else:1", "products": [{"title": "x"}]}) == []
    said = walk.hear("products_found", **{"for": "look:1", "products": [{"title": "Lid"}, {"title": "Tray"}]})
    assert [effect.message for effect in said] == ["hello"]
    assert walk.state.answers["products"] == [{"title": "Lid"}]
    walk = Walk(steps)
    walk.start()
    walk.hear("products_found", **{"for": "look:1", "products": []})
    assert walk.state.reason == "Nothing fits"


def test_an_interrupted_run_ends_and_drops_what_it_has_not_sent():
    walk = Walk({"wait": {"kind": "wait", "for": "P7D", "next": "say"}, "say": SEND})
    walk.start()
    dropped = walk.hear(INTERRUPT, reason="A newer run took over")
    assert dropped == [effects.CancelWaiting(reason="A newer run took over")]
    assert walk.state.status == "ended"


@pytest.mark.parametrize(
    ("trigger", "problem"),
    [
        ({"news": ["contact_silent"], "subject": "contact"}, "contact_silent needs after"),
        ({"news": ["parcel_stalled"], "subject": "parcel"}, "parcel_stalled needs working_days"),
        ({"news": ["date_reached"], "subject": "contact"}, "date_reached needs date"),
        ({"news": ["date_reached"], "subject": "contact", "date": "contact.a__b"}, "trigger.date"),
    ],
)
def test_a_trigger_without_its_measure_is_refused(trigger, problem):
    with pytest.raises(DocumentError, match=problem):
        Walk({"say": SEND}, trigger=trigger)


def test_a_list_fact_contains_one_of_the_words_whatever_their_case():
    steps = {
        "which": {"kind": "branch", "cases": [{"if": {"fact": "order.tags", "contains": ["GIFT"]}, "goto": "say"}]},
        "say": SEND,
    }
    walk = Walk(steps)
    walk.facts["order"]["tags"] = ["vip", "Gift"]
    assert walk.start()
    walk = Walk(steps)
    walk.facts["order"]["tags"] = "gift"  # not a list
    assert not walk.start()
