"""A flow with most effects, over real rows, torn after each effect and after each commit in turn, and given again.

What is left is compared with the same life when nothing was torn. Real kills of processes: tests/kill.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from post_purchase.flows import claiming, runs
from post_purchase.flows.state import RunState
from post_purchase.flows.versions import document_of
from post_purchase.jobs import flows as jobs
from post_purchase.models import (
    ConsentEntry,
    Contact,
    Conversation,
    Flow,
    FlowEvent,
    FlowRun,
    FlowStatus,
    Message,
    Note,
    Order,
    OutgoingCall,
    Review,
    Reward,
    RunStatus,
    Timer,
)
from post_purchase.services.events import record_event
from post_purchase.words import Direction, EventKind, MessageStatus
from shopapp.lib import clock
from tests.factories import bind, make_contact, make_conversation, make_message, make_order, make_point, make_shop

pytestmark = pytest.mark.django_db
T0 = datetime.fromisoformat("2026-03-03T10:00:00+00:00")
ONE_OF_EACH: dict[str, Any] = {
    "key": "random", "name": "Random", "trigger": {"news": ["order_placed"]}, "start": "hello",
    "steps": {
        "hello": {"kind": "send", "message": "hello", "next": "tag"},
        "tag": {"kind": "tag", "tag": "seen", "next": "size"},
        "size": {"kind": "set_field", "field": "size", "value": "M", "next": "coin"},
        "coin": {"kind": "split", "ways": [{"weight": 1, "goto": "guide"}, {"weight": 1, "goto": "guide"}]},
        "guide": {"kind": "send_guide", "message": "hello", "on_none": "note", "next": "note"},
        "note": {"kind": "note", "text": "About {{ order.name }}", "next": "call"},
        "call": {"kind": "call_webhook", "url": "https://example.test/hook", "next": "flow"},
        "flow": {"kind": "trigger_shopify_flow", "next": "other"},
        "other": {"kind": "start_flow", "flow": "other", "next": "again"},
        "again": {"kind": "send", "message": "hello", "next": "stars"},
        "stars": {"kind": "collect_review", "question": "hello", "more_question": "hello",
                  "more_question_low": "hello", "photo_question": "hello", "disclosure": "shown", "timeout": "P1D",
                  "photo_timeout": "P1D", "on_timeout": "thanks", "next": "thanks"},
        "thanks": {"kind": "reward", "timeout": "P1D", "on_failure": "person", "next": "person"},
        "person": {"kind": "hand_off", "reason": "Look", "message": "hello", "next": "close"},
        "close": {"kind": "close", "next": "wait"},
        "wait": {"kind": "wait", "for": "P9D"},
    },
    "exits": [{"reason": "Refunded", "news": ["order_refunded"]}],
    "messages": {"hello": {"purpose": "service"}},
    "texts": {"en": {"messages": {"hello": {"text": "Hello", "choices": {"yes": "Yes", "no": "No"}}},
                     "words": {"shown": "I get a discount for this"}}},
}  # fmt: skip


class Torn(BaseException):
    """The worker is gone: nothing of ours catches it."""


@dataclass
class Tearing:
    """Tears each place the first time that it is reached."""

    on: bool
    torn: set[tuple[str, Any]] = field(default_factory=set)
    event: str = ""
    effects: int = 0

    def here(self, *place: Any) -> None:
        if self.on and (self.event, place) not in self.torn:
            self.torn.add((self.event, place))
            raise Torn

    @contextmanager
    def patched(self) -> Iterator[None]:
        apply, perform, handle = runs.apply, runs.perform, jobs.handle_event
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(runs, "apply", self._apply(apply))
            patch.setattr(runs, "perform", self._perform(perform))
            patch.setattr(jobs, "handle_event", self._handle(handle))
            patch.setattr(claiming, "MAX_ATTEMPTS", 10_000)
            yield

    def _apply(self, real: Callable[..., bool]) -> Callable[..., bool]:
        def apply(**asked: Any) -> bool:
            self.event, self.effects = asked["event"].key, 0
            moved = real(**asked)
            self.here("committed")
            return moved

        return apply

    def _perform(self, real: Callable[..., None]) -> Callable[..., None]:
        def perform(effect: Any, scene: Any) -> None:
            real(effect, scene)
            self.effects += 1
            self.here("effect", self.effects)

        return perform

    def _handle(self, real: Callable[..., int]) -> Callable[..., int]:
        def handle(event: FlowEvent) -> int:
            moved = real(event)
            self.event = event.key
            self.here("handled")
            return moved

        return handle


def work(tearing: Tearing) -> None:
    """Until nothing is due. After a tear another worker has it: the lease is over."""
    for _ in range(2000):
        try:
            jobs.handle_events()
            jobs.handle_timers()
        except Torn:
            _same_numbers()
            FlowEvent.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=clock.now())
            Timer.objects.filter(due_at__lte=clock.now()).update(next_attempt_at=F("due_at"))
            continue
        if not FlowEvent.objects.filter(next_attempt_at__lte=clock.now()).exists():
            return
    raise AssertionError("It does not come to rest")


def _same_numbers() -> None:
    """A split is drawn by the run's number, and PostgreSQL gives no number twice by itself."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence('post_purchase_flowrun', 'id'),"
                " (SELECT coalesce(max(id), 0) + 1 FROM post_purchase_flowrun), false)"
            )


def lived(document: dict[str, Any], happens: list[tuple[str, str, int]], *, torn: bool) -> tuple[dict[str, Any], int]:
    """What is there at the end, and how often it was torn."""
    tearing = Tearing(torn)
    with clock.frozen(T0) as at, transaction.atomic(), tearing.patched():
        document_of.cache_clear()
        _same_numbers()
        order = _order(document)
        _tell(order, EventKind.ORDER_PLACED, "placed")
        work(tearing)
        for number, (kind, text, minutes) in enumerate(happens):
            at.move(minutes=minutes)
            work(tearing)
            _tell(order, kind, f"{kind}:{number}", text)
            work(tearing)
        for _ in range(4):
            at.move(days=40)
            work(tearing)
        found = _left()
        transaction.set_rollback(True)
    return found, len(tearing.torn)


def _order(document: dict[str, Any]) -> Order:
    shop = make_shop()
    contact = make_contact(shop)
    order = make_order(shop, contact, name="#1001", shopify_id=5001)
    bind(make_point(contact), order)
    make_conversation(contact, order=order)
    flow = Flow.objects.create(shop=shop, key="random", name="Random", status=FlowStatus.ON, draft=document)
    flow.live_version = flow.versions.create(number=1, document=document, published_at=T0)
    flow.save()
    return order


def _tell(order: Order, kind: str, key: str, text: str = "") -> None:
    conversation = Conversation.objects.get()
    message, data = None, {}
    if kind == EventKind.MESSAGE_RECEIVED:
        point = order.contact.points.get()
        message = make_message(conversation, text, direction=Direction.IN, point=point)
        data = {"text": text, "button_id": "", "message": message.pk}
    elif kind == EventKind.REWARD_ISSUED:
        data = {"code": "A-1", "percentage": "10", "ends_at": "2026-12-01T00:00:00+00:00"}
    record_event(
        shop=order.shop, kind=kind, key=key, order=None if message else order, contact=order.contact,
        conversation=conversation, message=message, data=data,
    )  # fmt: skip


def _left() -> dict[str, Any]:
    """All that a flow can have done, without the numbers of rows."""
    contact, conversation = Contact.objects.get(), Conversation.objects.get()
    said = Message.objects.filter(direction=Direction.OUT).order_by("pk")
    for run in FlowRun.objects.all():
        _is_sound(run)
    found = {
        "said": list(said.values_list("step_id", "text", "purpose", "status", "reason", "dedupe_key")),
        "notes": list(Note.objects.order_by("pk").values_list("text", flat=True)),
        "calls": list(OutgoingCall.objects.order_by("pk").values_list("kind", "step_id", "body", "dedupe_key")),
        "rewards": list(Reward.objects.values_list("dedupe_key", "status")),
        "reviews": list(Review.objects.values_list("rating", "text", "disclosure", "incentivised")),
        "consent": list(ConsentEntry.objects.order_by("pk").values_list("purpose", "state", "wording", "method")),
        "person": (contact.tags, contact.fields, conversation.state, conversation.closed_at),
        "news": sorted(FlowEvent.objects.values_list("kind", "key", "done_at", "error")),
        "runs": list(FlowRun.objects.values_list("subject_key", "status", "ended_reason", "sequence", "state")),
        "timers": sorted(Timer.objects.values_list("key", "due_at")),
    }
    if connection.vendor != "postgresql":
        return found
    plain: dict[str, Any] = _without_numbers(found)
    return plain | {"news": sorted(plain["news"])}


def _without_numbers(value: Any) -> Any:
    """PostgreSQL gives no number twice, also where the row was rolled back: "order:7" is "order:n"."""
    if isinstance(value, dict):
        return {_without_numbers(key): _without_numbers(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_without_numbers(each) for each in value)
    return re.sub(r":\d+(?=:|$)", ":n", value) if isinstance(value, str) else value


def _is_sound(run: FlowRun) -> None:
    log = list(run.log.order_by("sequence"))
    assert [entry.sequence for entry in log] == list(range(1, run.sequence + 1))
    done = [effect for entry in log for effect in entry.effects]
    spoken = [effect["key"] for effect in done if effect["kind"] == "say"]
    assert len(spoken) == len(set(spoken))
    assert run.messages.count() == sum(effect["kind"] in ("say", "unsaid") for effect in done)
    ended = [number for number, entry in enumerate(log) if any(e["kind"] == "end" for e in entry.effects)]
    assert ended in ([], [len(log) - 1])  # after an exit there is nothing
    if any(effect["kind"] == "cancel_waiting" for effect in done):
        assert not run.messages.filter(status__in=(MessageStatus.QUEUED, MessageStatus.HELD)).exists()
    if run.status == RunStatus.ACTIVE:
        assert run.waiting_for
        waits = {thread.mark for thread in RunState.from_json(run.state).threads if thread.due_at}
        assert waits == set(run.timers.values_list("key", flat=True)) != set()
    elif run.status == RunStatus.PARKED:
        assert "more than" in run.ended_reason


@pytest.mark.parametrize("answer", ["5", "1", ""])
def test_each_effect_is_torn_and_done_once(answer):
    talk = [(EventKind.MESSAGE_RECEIVED, answer, 1), (EventKind.MESSAGE_RECEIVED, "Nice", 1)] if answer else []
    happens = [*talk, (EventKind.ORDER_REFUNDED, "", 1500 * 3), (EventKind.MESSAGE_RECEIVED, "5", 1)]
    calm, _ = lived(ONE_OF_EACH, happens, torn=False)
    torn, tears = lived(ONE_OF_EACH, happens, torn=True)
    assert torn == calm
    assert tears >= 20
    assert (len(calm["notes"]), len(calm["calls"])) == (1, 2)
