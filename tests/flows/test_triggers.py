"""What starts a run, how often, and what time alone brings."""

import hashlib
import hmac
from datetime import timedelta
from typing import get_args

import pytest

from post_purchase.flows import editing, watching
from post_purchase.flows.definition import DocumentError, IntentName, load
from post_purchase.flows.versions import document_of
from post_purchase.jobs import flows as jobs
from post_purchase.models import Attachment, FlowEvent, FlowRun, Note, OutgoingCall
from post_purchase.services import outgoing_calls, reviews
from post_purchase.services.phrases import load as data_of
from post_purchase.web.forms.starts import INTENTS
from post_purchase.words import Direction, EventKind, ParcelState
from shopapp.lib import clock
from tests.factories import bind, make_contact, make_message, make_order, make_parcel, make_point

from .test_runs import NOW, World

pytestmark = pytest.mark.django_db
DOCUMENT = {
    "key": "own",
    "name": "Own",
    "trigger": {"news": ["order_paid"]},
    "start": "say",
    "steps": {"say": {"kind": "send", "message": "hello", "next": "stay"}, "stay": {"kind": "wait", "for": "P9D"}},
    "messages": {"hello": {"purpose": "service"}},
    "texts": {"en": {"messages": {"hello": {"text": "Hello"}}}},
}


class OneFlow(World):
    def __init__(self, trigger: dict, steps: dict | None = None) -> None:
        super().__init__()
        self.shop.flows.all().delete()
        document = DOCUMENT | {"trigger": trigger} | ({"steps": steps, "start": next(iter(steps))} if steps else {})
        self.flow = self.shop.flows.create(key="own", name="Own", draft=document)
        editing.switch_on(self.flow)
        self.flow.refresh_from_db()

    @property
    def runs(self) -> int:
        return FlowRun.objects.filter(flow=self.flow).count()


@pytest.fixture
def at():
    with clock.frozen(NOW) as frozen:
        yield frozen.to


def test_a_contact_is_a_subject_of_its_own_once(at):
    world = OneFlow({"news": ["order_paid"], "subject": "contact"})
    world.tell(EventKind.ORDER_PAID)
    world.tell(EventKind.ORDER_PAID)
    assert world.runs == 1


def test_again_only_after_the_time_that_was_set(at):
    world = OneFlow({"news": ["order_paid"], "subject": "contact", "again_after": "P30D"})
    world.tell(EventKind.ORDER_PAID, key="one")
    at(NOW + timedelta(days=29))
    world.tell(EventKind.ORDER_PAID, key="two")
    assert world.runs == 1
    at(NOW + timedelta(days=31))
    world.tell(EventKind.ORDER_PAID, key="three")
    FlowEvent.objects.filter(key="three").update(next_attempt_at=clock.now(), done_at=None)  # a crash: it comes again
    world.tell(EventKind.ORDER_EDITED)
    assert world.runs == 2


@pytest.mark.parametrize(("rule", "runs", "ended"), [("passive", 2, 0), ("skip", 1, 0), ("interrupt", 2, 1)])
def test_a_run_that_is_under_way_for_the_same_person(at, rule, runs, ended):
    world = OneFlow({"news": ["order_paid"], "if_running": rule})
    world.tell(EventKind.ORDER_PAID)
    other = make_order(world.shop, world.contact, name="#1002")
    world.tell(EventKind.ORDER_PAID, order=other)
    assert world.runs == runs
    assert FlowRun.objects.filter(flow=world.flow, status="ended").count() == ended
    if ended:
        assert world.flow.runs.get(status="ended").ended_reason == "A newer run of the same flow took over"


def test_who_wants_to_review_after_the_question_went_unanswered_is_asked_anew(at):
    ask = {"say": {"kind": "send", "message": "hello", "next": "stay"}, "stay": {"kind": "wait", "for": "P1D"}}
    world = OneFlow({"news": ["order_paid", "review_wanted"]}, ask)
    world.tell(EventKind.ORDER_PAID)
    world.tell(EventKind.REVIEW_WANTED, key="while it waits")
    assert world.runs == 1
    FlowRun.objects.update(status="ended")
    world.tell(EventKind.REVIEW_WANTED, key="anew")
    FlowEvent.objects.filter(key="anew").update(next_attempt_at=clock.now(), done_at=None)  # a crash: it comes again
    world.tell(EventKind.ORDER_EDITED)
    assert (world.runs, FlowRun.objects.filter(status="active").count()) == (2, 1)
    FlowRun.objects.update(status="ended")
    world.order.reviews.create(shop=world.shop, rating=1, dedupe_key="r", submitted_at=clock.now())
    world.tell(EventKind.REVIEW_WANTED, key="given already")
    assert world.runs == 2


def test_words_start_a_flow_as_words(at):
    world = OneFlow({"news": ["message_received"], "subject": "contact", "words": ["size guide", "Größe"]})
    world.write("I guess the sizes guided me")
    assert world.runs == 0
    world.write("Do you have a SIZE  guide?")
    assert world.runs == 1
    assert world.flow.runs.get().contact == world.contact


def test_what_a_message_asks_starts_a_flow_in_any_language_and_however_it_is_spelled(at):
    trigger = {"news": ["message_received"], "subject": "contact"}
    world = OneFlow(trigger | {"intents": ["return_exchange"], "words": ["xyz"]})
    world.write("What a lovely mug")
    assert world.runs == 0
    world.write("Ich möchte die Bestellung zurückschicken")
    assert world.runs == 1
    world.write("xyz")
    assert world.runs == 1  # once for each shopper


def test_every_intent_that_is_understood_can_start_a_flow_and_can_be_picked():
    understood = set(data_of("intents")) - {"stop", "but"}
    assert set(get_args(IntentName)) == set(INTENTS) == understood


def test_an_intent_that_nobody_understands_is_refused():
    with pytest.raises(DocumentError, match=r"trigger\.intents"):
        load(DOCUMENT | {"trigger": {"news": ["message_received"], "intents": ["world_peace"]}})


def test_a_review_with_a_photo_starts_a_flow_once(at):
    world = OneFlow(
        {"news": ["review_photo_added"], "subject": "review", "if": {"fact": "event.rating", "at_least": 4}}
    )
    run = FlowRun.objects.create(
        shop=world.shop, flow=world.flow, version=world.flow.live_version, subject_key="x", started_at=NOW
    )
    review = reviews.save_review(
        run=run, order=world.order, contact=world.contact, rating=5, text="", product_id=None, language="en",
        channel_kind="whatsapp", incentivised=False, disclosure="", dedupe_key="one",
    )  # fmt: skip
    jobs.handle_events()
    assert world.runs == 1
    message = make_message(world.conversation, "", direction=Direction.IN, point=world.point)
    for position in range(2):
        photo = Attachment.objects.create(message=message, position=position, status="stored", file="x", thumbnail="y")
        reviews.add_photo(review=review, attachment=photo)
    jobs.handle_events()
    jobs.handle_events()
    assert world.runs == 2
    FlowRun.objects.filter(pk=run.pk).delete()


def test_a_flow_is_started_by_hand_for_one_order_though_its_news_never_came(at):
    world = OneFlow({"news": ["order_cancelled"]})
    world.tell(EventKind.STARTED_BY_HAND, data={"flow": "other"})
    assert world.runs == 0
    world.tell(EventKind.STARTED_BY_HAND, data={"flow": "own"})
    assert world.runs == 1


def watched(world: OneFlow) -> list[FlowEvent]:
    watching.watch()
    return list(FlowEvent.objects.filter(data__flow="own"))


def test_a_parcel_without_a_scan_for_three_working_days(at):
    world = OneFlow({"news": ["parcel_stalled"], "subject": "parcel", "working_days": 3})
    world.shop.country = world.order.shipping_country = "DE"
    world.shop.save()
    world.order.save()
    friday = NOW + timedelta(days=3)
    parcel = make_parcel(world.order, ParcelState.IN_TRANSIT, state_at=friday)
    at(friday)
    assert watched(world) == []  # the first look only sets the mark
    at(friday + timedelta(days=4, hours=23))
    assert watched(world) == []  # Friday to Wednesday is three working days
    at(friday + timedelta(days=5, minutes=1))
    assert [(event.kind, event.parcel) for event in watched(world)] == [("parcel_stalled", parcel)]
    at(friday + timedelta(days=5, minutes=6))
    assert len(watched(world)) == 1


def test_switching_on_does_not_wake_the_past(at):
    world = OneFlow({"news": ["purchase_aged"], "after": "P30D"})
    world.order.delivered_at = NOW - timedelta(days=40)
    world.order.save()
    assert watched(world) == []
    at(NOW + timedelta(minutes=5))
    assert watched(world) == []


def test_a_purchase_that_is_thirty_days_old_starts_a_run_once(at):
    world = OneFlow({"news": ["purchase_aged"], "after": "P30D"})
    world.order.delivered_at = NOW
    world.order.save()
    watching.watch()
    at(NOW + timedelta(days=30, minutes=1))
    # The clock process was away for a month: only the last week is looked through.
    assert len(watched(world)) == 1
    world.tell(EventKind.ORDER_EDITED)
    assert world.runs == 1


def test_silence_is_counted_from_the_last_word_too(at):
    world = OneFlow({"news": ["contact_silent"], "subject": "contact", "after": "P60D"})
    world.order.placed_at = NOW
    world.order.save()
    world.conversation.last_inbound_at = NOW + timedelta(days=10)
    world.conversation.save()
    at(NOW + timedelta(days=59))
    watching.watch()
    at(NOW + timedelta(days=61))
    assert watched(world) == []
    at(NOW + timedelta(days=66))
    watching.watch()
    at(NOW + timedelta(days=70, minutes=1))
    assert [event.contact for event in watched(world)] == [world.contact]


@pytest.mark.parametrize("date", ["03-05", "contact.birthday"])
def test_a_day_of_the_year_comes_once_a_year(at, date):
    world = OneFlow({"news": ["date_reached"], "subject": "contact", "date": date, "again_after": "P300D"})
    world.contact.fields = {"birthday": "1990-03-05"}
    world.contact.save()
    world.conversation.last_inbound_at = NOW
    world.conversation.save()
    watching.watch()
    at(NOW + timedelta(days=1))
    assert watched(world) == []
    at(NOW + timedelta(days=2))
    assert len(watched(world)) == 1
    at(NOW + timedelta(days=2, hours=5))
    assert len(watched(world)) == 1


def test_delivery_is_assumed_two_days_after_a_silent_estimate(at):
    world = OneFlow({"news": ["delivery_assumed"], "subject": "parcel"})
    make_parcel(world.order, ParcelState.IN_TRANSIT, state_at=NOW, estimated_delivery_at=NOW + timedelta(days=1))
    watching.watch()
    at(NOW + timedelta(days=2, hours=23))
    assert watched(world) == []
    at(NOW + timedelta(days=3, minutes=1))
    assert len(watched(world)) == 1


def test_the_effects_of_the_small_steps_are_rows(at):
    steps = {
        "note": {"kind": "note", "text": "About {{ order.name }}", "next": "keep"},
        "keep": {"kind": "set_field", "field": "size", "value": "M", "next": "call"},
        "call": {"kind": "call_webhook", "url": "https://erp.example.com/hook", "next": "close"},
        "close": {"kind": "close"},
    }
    world = OneFlow({"news": ["order_paid"]}, steps)
    world.tell(EventKind.ORDER_PAID)
    assert Note.objects.get().text == "About #1001"
    world.contact.refresh_from_db()
    assert world.contact.fields == {"size": "M"}
    world.conversation.refresh_from_db()
    assert world.conversation.closed_at == NOW
    assert FlowEvent.objects.filter(kind=EventKind.CONVERSATION_CLOSED).count() == 1
    call = OutgoingCall.objects.get()
    assert call.body["order"] == {"id": world.order.gid, "name": "#1001"}
    told = str(call.body)
    assert world.order.email not in told or not world.order.email
    assert document_of(world.flow.live_version_id).steps["call"].kind == "call_webhook"


def test_a_private_address_is_never_called_and_a_dead_one_is_given_up_after_two_days(at):
    world = OneFlow({"news": ["order_paid"]}, {"call": {"kind": "call_webhook", "url": "https://127.0.0.1/hook"}})
    world.tell(EventKind.ORDER_PAID)
    outgoing_calls.call_due()
    call = OutgoingCall.objects.get()
    assert (call.status, call.error) == ("pending", "127.0.0.1 is not a public address")
    assert call.next_attempt_at == NOW + timedelta(seconds=30)
    at(NOW + timedelta(days=2, minutes=1))
    outgoing_calls.call_due()
    call.refresh_from_db()
    assert (call.status, call.next_attempt_at) == ("failed", None)


def test_what_a_receiver_needs_to_check_the_signature():
    told = outgoing_calls.signature(b'{"a":1}', secret="secret", at=1700000000)
    assert told == "t=1700000000,v1=" + told.split("v1=")[1]
    assert told.split("v1=")[1] == hmac.new(b"secret", b'1700000000.{"a":1}', hashlib.sha256).hexdigest()


def test_no_more_offers_leaves_order_news_alone_and_ends_what_only_promotes(at):
    world = World()
    world.deliver()
    offers = {"point": world.point.pk, "purposes": ["marketing", "review_request"]}
    world.tell(EventKind.OPTED_OUT, order=None, data=offers)
    ended = {run.flow.key: run.status for run in FlowRun.objects.select_related("flow")}
    assert ended.pop("photo_review") == "ended"
    assert set(ended.values()) <= {"active", "ended"}
    reasons = set(FlowRun.objects.exclude(flow__key="photo_review").values_list("ended_reason", flat=True))
    assert "The shopper wrote STOP" not in reasons


def test_the_stop_of_another_person_on_the_same_order_ends_nothing_of_mine(at):
    world = OneFlow({"news": ["order_paid"]})
    world.tell(EventKind.ORDER_PAID)
    other = make_contact(world.shop)
    bind(make_point(other, address="DE.2"), world.order)
    world.tell(EventKind.OPTED_OUT, order=None, contact=other, data={})
    assert world.flow.runs.get().status == "active"
    world.tell(EventKind.OPTED_OUT, order=None, data={})
    assert world.flow.runs.get().status == "ended"
