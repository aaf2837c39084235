"""Rehearsals through their own door: asked for, played by the job, read back. Nothing is sent and no row changes."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from post_purchase.flows import editing
from post_purchase.flows.definition import COSTLY_FACTS
from post_purchase.flows.facts import gather, load_order
from post_purchase.flows.rehearsal import past, show, stage
from post_purchase.flows.rehearsal.assumptions import Assumptions
from post_purchase.flows.rehearsal.player import OrderPlay, Player
from post_purchase.flows.rehearsal.show import Script
from post_purchase.flows.rehearsal.world import Cast
from post_purchase.flows.versions import document_of
from post_purchase.jobs.rehearsals import rehearse
from post_purchase.models import (
    ContactPoint,
    Conversation,
    FlowEvent,
    FlowRun,
    Message,
    Order,
    OrderBinding,
    OutgoingCall,
    Rehearsal,
    Review,
    Reward,
    RunEvent,
    Timer,
)
from post_purchase.services import rehearsals
from post_purchase.services.consent import record_consent
from shopapp.lib import clock, http
from shopapp.models import Shop
from tests.factories import bind, make_contact, make_point

from .past_shop import cancelled, delivered, flow_of, make_past, refunded

pytestmark = pytest.mark.django_db
ALL_FACTS = frozenset(COSTLY_FACTS)
NOW = datetime.fromisoformat("2026-03-03T10:00:00+00:00")
TOUCHED_BY_NONE = (
    Message,
    Timer,
    FlowRun,
    RunEvent,
    FlowEvent,
    Review,
    Reward,
    OutgoingCall,
    Conversation,
    ContactPoint,
    OrderBinding,
)


@pytest.fixture
def at():
    with clock.frozen(NOW) as moment:
        yield moment


def played(shop: Shop, key: str = "photo_review", seed: int = 1, **assumed: int) -> Rehearsal:
    rehearsals.ask(flow=flow_of(shop, key), assumptions=assumed, days=90, seed=seed)
    rehearse()
    return Rehearsal.objects.latest("pk")


def listed(rehearsal: Rehearsal) -> list[tuple[Any, ...]]:
    rows = rehearsal.messages.order_by("pk")
    return list(rows.values_list("order_id", "flow_key", "message", "outcome", "sent_at", "kind", "language", "reason"))


def switch_on(shop: Shop, *keys: str) -> None:
    for key in keys:
        editing.switch_on(flow_of(shop, key))


def test_nothing_is_sent_and_no_row_changes(at, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("A rehearsal asked the network")

    for name in ("get", "post", "request"):
        if hasattr(http, name):
            monkeypatch.setattr(http, name, refuse)
    shop = make_past(NOW)
    switch_on(shop, "thank_you", "shipped", "delivered")
    before = {model: model.objects.count() for model in TOUCHED_BY_NONE}
    orders = list(Order.objects.order_by("pk").values())
    rehearsal = played(shop, opens=100, answers=100)
    assert rehearsal.result["outcomes"]["sent"] > 60
    assert {model: model.objects.count() for model in TOUCHED_BY_NONE} == before
    assert list(Order.objects.order_by("pk").values()) == orders
    assert flow_of(shop, "photo_review").status == "off"


def test_only_its_own_two_tables_are_written(at):
    shop = make_past(NOW, orders=3)
    rehearsals.ask(flow=flow_of(shop, "thank_you"), assumptions={"opens": 100}, days=90)
    with CaptureQueriesContext(connection) as queries:
        rehearse()
    writes = [q["sql"] for q in queries if q["sql"].split()[0] in ("INSERT", "UPDATE", "DELETE")]
    assert writes
    assert all('"post_purchase_rehears' in sql.split("SET")[0][:80] for sql in writes), writes


def test_the_same_seed_gives_the_same_rehearsal_and_another_one_another(at):
    shop = make_past(NOW)
    switch_on(shop, "thank_you")
    first, second, third = (played(shop, seed=seed) for seed in (1, 1, 2))
    assert Rehearsal.objects.count() == 1  # the flow's earlier ones are gone
    del first, second
    one = played(shop, seed=1)
    rows_one, result_one = listed(one), one.result
    two = played(shop, seed=1)
    assert (listed(two), two.result) == (rows_one, result_one)
    other = played(shop, seed=2)
    assert listed(other) != rows_one
    assert other.result["orders"] == result_one["orders"] == 12
    assert third.result == other.result


def test_a_small_shop_golden(at):
    """One order each: opened and reviewed, cancelled, refunded. Every message with its minute."""
    shop = make_past(NOW, orders=0)
    switch_on(shop, "thank_you", "shipped", "delivered")
    start = NOW - timedelta(days=40)
    delivered(shop, make_contact(shop), start)
    cancelled(shop, make_contact(shop), start)
    refunded(shop, make_contact(shop), start)
    stars = {"five_stars": 100, "four_stars": 0, "three_stars": 0, "two_stars": 0}
    certain = {"opens": 100, "opens_at_delivery": 0, "answers": 100, "answers_within": 0, "stops": 0}
    choices = {"first_choice": 100, "photos": 100, "words": 0}
    rehearsal = played(shop, **certain, **choices, **stars)
    sent = rehearsal.messages.filter(outcome="sent").order_by("sent_at", "pk")
    told = [
        (row.sent_at - start, row.flow_key, row.message, "template" if row.template else "free")
        for row in sent
        if row.order and row.order.delivered_at
    ]
    opened, answered = timedelta(minutes=3), timedelta(minutes=2)
    asked = timedelta(days=4, minutes=20)
    review = timedelta(days=11)
    assert told == [
        (opened, "thank_you", "receipt", "free"),
        (timedelta(days=1, minutes=15), "shipped", "shipped", "template"),
        (asked, "delivered", "delivered", "template"),
        (asked + answered, "delivered", "enjoy", "free"),
        (review, "photo_review", "ask_rating", "template"),
        (review + answered, "photo_review", "ask_more", "free"),
        (review + answered * 2 + timedelta(seconds=7), "photo_review", "thanks_with_code", "free"),
    ]
    assert [row.message for row in sent if row.order and not row.order.delivered_at] == ["receipt", "receipt"]
    result = rehearsal.result
    assert (result["orders"], result["people"], result["opened"], result["most"]) == (3, 3, 3, 7)
    assert result["histogram"] == [[0, 0], [1, 2], [2, 0], [3, 0], [4, 0], [5, 0], [6, 0], [7, 1]]
    assert result["other"] == {"answers": 3, "photos": 1, "reviews": 1, "rewards": 1}
    lines = {(line["category"], line["country"]): (line["count"], line["amount"]) for line in result["cost"]["lines"]}
    assert lines == {("utility", "DE"): (3, "0.17"), ("answer inside 24 hours", "DE"): (6, "0.00")}


def test_who_does_not_open_the_chat_gets_nothing(at):
    shop = make_past(NOW)
    switch_on(shop, "thank_you", "shipped", "delivered")
    result = played(shop, opens=0).result
    assert (result["opened"], result["outcomes"]["sent"], result["most"]) == (0, 0, 0)
    assert result["histogram"] == [[0, result["people"]]]


def test_a_stop_that_was_really_said_is_kept(at):
    shop = make_past(NOW, orders=1)
    order = Order.objects.get()
    point = make_point(order.contact)
    bind(point, order)
    record_consent(point=point, purpose="utility", state="withdrawn", method="stop_word", dedupe_key="stop")
    switch_on(shop, "thank_you")
    assert played(shop, "thank_you", opens=100).result["outcomes"]["sent"] == 0


def test_a_chat_that_was_really_opened_is_played_as_it_was(at):
    shop = make_past(NOW, orders=1)
    order = Order.objects.get()
    point = make_point(order.contact)
    opened = order.placed_at + timedelta(days=2, minutes=7)
    OrderBinding.objects.filter(pk=bind(point, order).pk).update(bound_at=opened)
    with clock.frozen(opened):
        record_consent(point=point, purpose="utility", state="granted", method="chat_button", dedupe_key="yes")
    rehearsal = played(shop, "thank_you", opens=0)
    assert [row.sent_at for row in rehearsal.messages.filter(message="receipt")] == [opened]


def test_the_difference_to_the_published_version_is_shown(at):
    shop = make_past(NOW)
    switch_on(shop, "thank_you", "delivered")
    flow = flow_of(shop, "delivered")
    assert played(shop, "delivered", opens=100).result["difference"] is None
    quiet = {**flow.draft, "trigger": {**flow.draft["trigger"], "if": {"fact": "order.test", "equals": True}}}
    editing.save_draft(flow, quiet)
    result = played(shop, "delivered", opens=100, opens_at_delivery=0).result
    rows = {(row["flow"], row["message"]): (row["now"], row["then"]) for row in result["difference"]["rows"]}
    assert rows["delivered", "delivered"] == (12, 0)
    assert ("thank_you", "receipt") not in rows
    assert result["difference"]["sent"]["now"] > result["difference"]["sent"]["then"]


def test_a_flow_that_is_off_is_compared_with_its_absence(at):
    shop = make_past(NOW)
    switch_on(shop, "thank_you")
    difference = played(shop, "delivered", opens=100, answers=0).result["difference"]
    assert {row["flow"] for row in difference["rows"]} == {"delivered"}
    assert all(row["now"] == 0 for row in difference["rows"])


def test_a_broken_draft_fails_with_its_problem(at):
    shop = make_past(NOW, orders=1)
    flow = flow_of(shop, "thank_you")
    editing.save_draft(flow, {**flow.draft, "start": "nowhere"})
    rehearsal = played(shop, "thank_you")
    assert rehearsal.status == "failed"
    assert rehearsal.error == "This draft cannot be played: start: there is no step 'nowhere'"


def test_a_text_that_would_stop_a_run_is_named(at):
    shop = make_past(NOW, orders=3)
    flow = flow_of(shop, "thank_you")
    texts = dict(flow.draft["texts"])
    texts["en"] = {**texts["en"], "messages": {**texts["en"]["messages"]}}
    texts["en"]["messages"]["receipt"] = {"text": "{{ order.total | money: 'no such money' | day }}"}
    editing.save_draft(flow, {**flow.draft, "texts": {"en": texts["en"]}})
    problems = played(shop, "thank_you", opens=100).result["problems"]
    assert len(problems) == 1
    assert problems[0][1].startswith("receipt (en): ")


def test_an_empty_shop_has_an_empty_rehearsal(at):
    result = played(make_past(NOW, orders=0)).result
    assert (result["orders"], result["people"], result["outcomes"]["sent"]) == (0, 0, 0)
    assert result["cost"]["total"] == "0.00"


def test_without_a_channel_two_are_made_up(at):
    shop = make_past(NOW)
    shop.channels.update(status="disconnected")
    result = played(shop, "thank_you", opens=100).result
    assert result["made_up"]
    assert result["outcomes"]["sent"] == 12


def test_the_facts_at_the_end_are_those_of_the_rows(at):
    """Wound back and forward again, an order's facts are what the flows would be told of it today."""
    shop = make_past(NOW, orders=4)
    theatre = past.theatre_of(shop, NOW - timedelta(days=90), NOW)
    script = Script((), None, Assumptions(opens=0))
    compared = 0
    for person in past.people(theatre, past.keys_of(theatre), more=ALL_FACTS):
        player = Player(person, theatre, Cast([]), script.assumed, show.Chance(1))
        player.play()
        player.now = NOW
        for order in player.orders:
            assert isinstance(order, OrderPlay)
            row = load_order(order.pk)
            now = gather(shop=shop, order=row, contact=row.contact, more=ALL_FACTS)
            known = {**order.facts, "history": player._history(order)}
            seen = {name: value for name, value in known.items() if name in now}
            assert seen == now
            compared += 1
    assert compared == 4


def test_people_are_read_in_a_fixed_number_of_queries(at):
    counts = []
    for number, domain in ((3, "one.myshopify.com"), (12, "two.myshopify.com")):
        shop = make_past(NOW, orders=number, domain=domain)
        theatre = past.theatre_of(shop, NOW - timedelta(days=90), NOW)
        keys = past.keys_of(theatre)
        with CaptureQueriesContext(connection) as queries:
            assert len(list(past.people(theatre, keys, more=ALL_FACTS))) == len(keys)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_one_journey_is_the_same_as_in_the_rehearsal(at):
    shop = make_past(NOW)
    switch_on(shop, "thank_you", "shipped")
    rehearsal = played(shop, "delivered", opens=100)
    why, key, count = rehearsal.result["examples"][0]
    contact = int(key.removeprefix("contact:"))
    theatre = past.theatre_of(shop, rehearsal.since, rehearsal.until)
    found = show.journey(theatre, stage.script_of(rehearsal), (contact, None))
    assert found is not None
    sent = [(m.told.message, m.told.at) for m in found[1] if m.told and m.told.at]
    rows = rehearsal.messages.filter(contact_id=contact, outcome="sent").order_by("sent_at", "pk")
    assert sent == [(row.message, row.sent_at) for row in rows]
    assert (why, len(sent)) == ("Got the most messages", count)
    assert all(m.text for m in found[1] if m.told)
    closed = [m for m in found[1] if m.told and m.told.mode == "template"]  # who and how many hangs on numbers of rows
    assert closed
    for each in closed:
        assert each.content.template.parameters[0] in each.shown
        assert (each.shown, each.text == each.shown) == (each.template, False)


def test_the_versions_of_then_are_played_whatever_is_published_later(at):
    shop = make_past(NOW, orders=2)
    switch_on(shop, "thank_you")
    rehearsals.ask(flow=flow_of(shop, "thank_you"), assumptions={"opens": 100}, days=90)
    flow = flow_of(shop, "thank_you")
    editing.save_draft(flow, {**flow.draft, "name": "Another name"})
    editing.publish(flow)
    rehearse()
    rehearsal = Rehearsal.objects.latest("pk")
    assert rehearsal.result["difference"] is None
    assert document_of(next(iter(rehearsal.versions.values()))).name != "Another name"
