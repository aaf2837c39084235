"""A tap on a message of yesterday: after its step was mapped to another, and after its question was closed."""

from datetime import UTC, datetime

import pytest

from post_purchase.channels.base import Inbound
from post_purchase.flows import editing, engine, moving, runs
from post_purchase.flows.definition import FlowDocument
from post_purchase.flows.state import MOVED, START, Event, RunState
from post_purchase.jobs import flows as jobs
from post_purchase.models import Flow, FlowRun, Message
from post_purchase.services.receiving import receive
from post_purchase.words import Direction
from shopapp.lib import clock
from tests import factories
from tests.flows.test_moving import document, publish, replays

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TAGS = {"glad": {"kind": "tag", "tag": "glad"}, "sad": {"kind": "tag", "tag": "sad"}}


def ask(**more) -> dict:
    return {"kind": "ask", "message": "hello", "choices": {"yes": "glad", "no": "sad"}, "timeout": "P2D"} | more


def flow_of(**steps) -> dict:
    words = {"text": "Well?", "choices": {"yes": "Yes", "no": "No"}}
    return document(**steps, **TAGS) | {"texts": {"en": {"messages": {"hello": words}}}}


OLD, NEW = flow_of(first=ask()), flow_of(second=ask())


@pytest.mark.parametrize("anew", [(), ("first",)])
def test_the_old_button_answers_the_step_that_stands_for_it_through_two_moves(anew):
    third = flow_of(third=ask())
    state, _ = engine.advance(FlowDocument.model_validate(OLD), RunState(), Event(START, "s", NOW), {}, NOW)
    steps = {"steps": {"first": "second"}, "anew": anew}
    state, _ = engine.advance(FlowDocument.model_validate(NEW), state, Event(MOVED, "m1", NOW, steps), {}, NOW)
    steps = {"steps": {"second": "third"}}
    state, _ = engine.advance(FlowDocument.model_validate(third), state, Event(MOVED, "m2", NOW, steps), {}, NOW)
    state = RunState.from_json(state.to_json())
    assert state.moved == {"first:1": "third:1", "second:1": "third:1"}
    tap = Event("message_received", "t", NOW, {"text": "Sim", "button_id": "first:1:no"})
    ended, effects = engine.advance(FlowDocument.model_validate(third), state, tap, {}, NOW)
    assert [effect.tag for effect in effects if effect.kind == "tag"] == ["sad"]
    assert ended.status == "ended"
    gone = Event("message_received", "t", NOW, {"text": "Sim", "button_id": "elsewhere:1:no"})
    assert engine.advance(FlowDocument.model_validate(third), state, gone, {}, NOW)[0].status == "active"


class Talk:
    def __init__(self) -> None:
        self.shop = factories.make_shop()
        self.contact = factories.make_contact(self.shop)
        self.order = factories.make_order(self.shop, self.contact)
        self.channel = factories.make_channel(self.shop)
        self.point = factories.make_point(self.contact, last_inbound_at=NOW)
        factories.bind(self.point, self.order)
        row = Flow.objects.create(shop=self.shop, key="care", name="Care", draft=OLD)
        self.flow = editing.switch_on(row, "42")
        event = Event(START, "start", NOW, {"by": "order_paid"})
        run = runs.start(flow=self.flow, subject_key=f"order:{self.order.pk}", order=self.order, event=event)
        assert run is not None
        self.run: FlowRun = run

    def tap(self, choice: str, number: int) -> list[str]:
        """The texts that it was answered with at once."""
        last = Message.objects.order_by("pk").last()
        inbound = Inbound(
            account_id=self.channel.account_id, provider_id=f"wamid.{number}", address=self.point.address,
            happened_at=clock.now(), text="Tapped", button_id=choice,
        )  # fmt: skip
        receive(channel=self.channel, inbound=inbound)
        jobs.handle_events()
        self.run.refresh_from_db()
        said = Message.objects.filter(direction=Direction.OUT, author="answer", pk__gt=last.pk if last else 0)
        return list(said.values_list("text", flat=True))


@pytest.mark.django_db
def test_after_publishing_with_people_inside_the_old_message_still_works():
    with clock.frozen(NOW):
        talk = Talk()
        version = publish(talk.flow, NEW)
        chosen = {(talk.run.version_id, "first"): "second"}
        moving.ask_to_move(talk.flow, version, chosen, retime=False, user="42")
        jobs.move_runs()
        assert talk.tap(f"f{talk.run.pk}:first:1:yes", 1) == []
        talk.contact.refresh_from_db()
        assert (talk.run.status, talk.contact.tags) == ("ended", ["glad"])
        replays(talk.run)
        # The second tap on what was answered has had its answer.
        assert talk.tap(f"f{talk.run.pk}:first:1:no", 2) == []


@pytest.mark.django_db
def test_a_question_that_is_closed_says_so_once_and_only_to_its_own_shop():
    with clock.frozen(NOW) as at:
        talk = Talk()
        at.move(days=3)
        jobs.handle_timers()
        talk.run.refresh_from_db()
        assert talk.run.status == "ended"
        button = f"f{talk.run.pk}:first:1:yes"
        (said,) = talk.tap(button, 1)
        assert "closed" in said
        assert talk.tap(button, 2) == []
        for number, strange in enumerate(
            ("f999999:first:1:yes", f"f{'9' * 30}:first:1:yes", "fx:first:1:yes", "f:yes"), start=3
        ):
            assert talk.tap(strange, number) == []
        talk.contact.refresh_from_db()
        assert talk.contact.tags == []
