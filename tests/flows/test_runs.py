"""The flows through their own door: FlowEvent rows in, the jobs, rows out."""

from datetime import datetime, timedelta

import pytest

from post_purchase.flows import editing, engine, shelf
from post_purchase.flows.effects import to_json
from post_purchase.flows.state import Event, RunState
from post_purchase.flows.versions import document_of
from post_purchase.jobs import flows as jobs
from post_purchase.models import Attachment, FlowEvent, FlowRun, Message, Review, Reward, Timer
from post_purchase.services.consent import record_consent
from post_purchase.services.events import record_event
from post_purchase.services.template_words import digest_of
from post_purchase.words import Direction, EventKind, ParcelState
from shopapp.lib import clock
from tests.factories import (
    bind,
    make_contact,
    make_conversation,
    make_message,
    make_order,
    make_parcel,
    make_point,
    make_shop,
)

pytestmark = pytest.mark.django_db
NOW = datetime.fromisoformat("2026-03-03T10:00:00+00:00")


class World:
    """One shop with the first flows on, one order, one shopper on WhatsApp."""

    def __init__(self, *, chat: bool = True) -> None:
        self.shop = make_shop(installed_at=NOW - timedelta(days=30))
        for flow in editing.install_library(self.shop):
            if flow.key in shelf.FIRST:
                editing.switch_on(flow)
        self.contact = make_contact(self.shop)
        self.order = make_order(self.shop, self.contact, name="#1001")
        self.conversation = make_conversation(self.contact)
        self.point = make_point(self.contact)
        self.numbers = 0
        if chat:
            self.open_chat()

    def open_chat(self) -> None:
        bind(self.point, self.order)
        record_consent(point=self.point, purpose="utility", state="granted", method="chat_button", dedupe_key="yes")

    def tell(self, kind: EventKind, *, key: str = "", handle: bool = True, **fields) -> None:
        self.numbers += 1
        about = {"order": self.order, "contact": self.contact} | fields
        record_event(shop=self.shop, kind=kind, key=key or f"{kind}:{self.numbers}", **about)
        if handle:
            jobs.handle_events()

    def write(self, text: str, *, button_id: str = "", has_media: bool = False) -> Message:
        message = make_message(self.conversation, text, direction=Direction.IN, point=self.point)
        data = {"text": text, "button_id": button_id, "has_media": has_media, "message": message.pk}
        self.tell(EventKind.MESSAGE_RECEIVED, order=None, message=message, conversation=self.conversation, data=data)
        return message

    def parcel(self, state: str, event: EventKind | None, **fields):
        parcel = make_parcel(self.order, state, **fields)
        if event:
            self.tell(event, key=f"{event}:{parcel.pk}", parcel=parcel)
            self.gathered()
        return parcel

    def gathered(self) -> None:
        """News of a parcel waits some minutes for news of another one."""
        clock.Frozen().move(minutes=20)
        jobs.handle_timers()

    def deliver(self):
        parcel = self.order.parcels.first() or make_parcel(self.order, ParcelState.DELIVERED)
        parcel.state = ParcelState.DELIVERED
        parcel.delivered_at = self.order.delivered_at = clock.now()
        parcel.save()
        self.order.save()
        self.tell(EventKind.PARCEL_DELIVERED, key=f"parcel_delivered:{parcel.pk}", parcel=parcel)
        self.gathered()
        return parcel

    def run(self, key: str = "thank_you") -> FlowRun:
        return FlowRun.objects.get(flow__key=key)

    @property
    def said(self) -> list[str]:
        return list(Message.objects.filter(direction=Direction.OUT).order_by("pk").values_list("step_id", flat=True))

    @property
    def newest(self) -> Message:
        return Message.objects.filter(direction=Direction.OUT).latest("pk")


def assert_replays(run: FlowRun) -> None:
    """The recorded log gives the same state and the same effects."""
    document, state = document_of(run.version_id), RunState()
    for entry in run.log.order_by("sequence"):
        state, wanted = engine.advance(
            document, RunState.from_json(state.to_json()), Event.from_json(entry.event), entry.facts, entry.happened_at
        )
        assert [to_json(effect) for effect in wanted] == entry.effects
    assert state.to_json() == run.state


@pytest.fixture
def at():
    with clock.frozen(NOW) as moment:
        yield moment


def test_one_order_from_payment_to_rewarded_review(at):
    world = World()
    world.tell(EventKind.ORDER_PAID)
    assert world.said == ["receipt"]
    assert world.newest.text.startswith("Thank you, Maria! Here is your receipt from Fern & Field.\n\nOrder #1001\n")
    assert (world.newest.purpose, world.newest.order_id, world.newest.fixed_point) == ("utility", world.order.pk, False)

    parcel = world.parcel(ParcelState.IN_TRANSIT, EventKind.PARCEL_SHIPPED)
    shipped = shelf.ready_made("shipped")
    assert world.newest.content["template"] == {
        "name": "doorstep_parcel_shipped",
        "language": "en",
        "parameters": ["Stoneware mug", "#1001", "DHL", parcel.tracking_url],
        "category": "UTILITY",
        "bodies": {"en": digest_of(shipped.texts["en"].messages["shipped"].template)},
        "orders": {},
        "sent": False,
    }
    at.move(days=2)
    world.deliver()
    assert world.said == ["receipt", "tell", "ask_arrived"]
    world.write("Yes", button_id=world.newest.content["buttons"][0]["id"])
    assert world.newest.step_id == "say_enjoy"
    assert (world.newest.fixed_point, world.newest.point_id) == (True, world.point.pk)

    at.move(days=7)
    jobs.handle_timers()
    jobs.handle_timers()
    assert world.newest.step_id == "review"
    assert len(world.newest.content["buttons"]) == 5
    world.write("5")
    photo = world.write("Lovely", has_media=True)
    attachment = Attachment.objects.create(message=photo, status="stored")
    world.tell(EventKind.MEDIA_STORED, order=None, message=photo, data={"attachments": [attachment.pk]})
    review = Review.objects.get()
    assert (review.rating, review.text, review.incentivised) == (5, "Lovely", True)
    assert review.disclosure == "The reviewer got a 10% discount for giving a review, whatever the rating."
    assert [row.attachment_id for row in review.photos.all()] == [attachment.pk]
    reward = Reward.objects.get()
    data = {"run": reward.run_id, "code": "THANKS-7F3K", "percentage": "10", "ends_at": "2026-05-10T10:00:00+00:00"}
    world.tell(EventKind.REWARD_ISSUED, data=data)
    assert world.newest.text.endswith("THANKS-7F3K")
    before = world.said
    at.move(days=70)
    jobs.handle_timers()
    assert world.said == before
    assert set(FlowRun.objects.values_list("status", flat=True)) == {"ended"}
    assert not Timer.objects.exists()
    for run in FlowRun.objects.all():
        assert_replays(run)


def test_the_same_event_again_changes_nothing(at):
    world = World()
    world.tell(EventKind.ORDER_PAID)
    parcel = world.parcel(ParcelState.IN_TRANSIT, EventKind.PARCEL_SHIPPED)
    FlowEvent.objects.update(next_attempt_at=clock.now(), done_at=None)
    jobs.handle_events()
    world.tell(EventKind.ORDER_PAID)
    world.tell(EventKind.PARCEL_SHIPPED, key=f"parcel_shipped:{parcel.pk}", parcel=parcel)
    world.gathered()
    assert world.said == ["receipt", "tell"]
    assert FlowRun.objects.count() == 2


def test_news_that_a_run_gathers_starts_no_second_run_and_news_after_it_does(at):
    world = World()
    first = make_parcel(world.order, ParcelState.IN_TRANSIT)
    second = make_parcel(world.order, ParcelState.IN_TRANSIT)
    third = make_parcel(world.order, ParcelState.IN_TRANSIT)
    world.tell(EventKind.PARCEL_SHIPPED, key="one", parcel=first)
    at.move(minutes=10)
    world.tell(EventKind.PARCEL_SHIPPED, key="two", parcel=second)
    FlowEvent.objects.filter(key="two").update(next_attempt_at=clock.now(), done_at=None)  # a crash: it comes again
    jobs.handle_events()
    world.gathered()
    assert world.said == ["tell"]
    assert world.newest.content["template"]["parameters"][0] == "Stoneware mug and Stoneware mug"
    world.tell(EventKind.PARCEL_SHIPPED, key="three", parcel=third)
    world.gathered()
    assert world.said == ["tell", "tell"]
    assert FlowRun.objects.filter(flow__key="shipped", status="ended").count() == 2
    for run in FlowRun.objects.all():
        assert_replays(run)


def test_without_a_chat_nothing_is_queued_and_the_receipt_comes_late(at):
    world = World(chat=False)
    world.tell(EventKind.ORDER_PAID)
    world.parcel(ParcelState.IN_TRANSIT, EventKind.PARCEL_SHIPPED)
    assert world.said == []
    assert world.run().waiting_for == "the shopper to open the chat"
    world.open_chat()
    world.tell(EventKind.CONVERSATION_STARTED)
    assert world.said == ["receipt"]
    assert "Stoneware mug: on the way with DHL." in world.newest.text
    assert_replays(world.run())


def test_stop_ends_the_runs_and_later_news_is_silent(at):
    world = World()
    world.tell(EventKind.ORDER_PAID)
    world.parcel(ParcelState.DELIVERED, EventKind.PARCEL_DELIVERED)
    asked = world.run("delivered")
    assert world.said == ["receipt", "ask_arrived"]
    record_consent(point=world.point, purpose="utility", state="withdrawn", method="stop_word", dedupe_key="stop")
    world.tell(EventKind.OPTED_OUT, order=None)
    asked.refresh_from_db()
    assert (asked.status, asked.ended_reason) == ("ended", "The shopper wrote STOP")
    assert Message.objects.get(step_id="ask_arrived").status == "suppressed"
    assert not Timer.objects.filter(run=asked).exists()
    world.parcel(ParcelState.IN_TRANSIT, EventKind.PARCEL_SHIPPED)
    assert world.said == ["receipt", "ask_arrived"]


def test_a_refund_before_the_week_is_over_means_no_review_question(at):
    world = World()
    world.deliver()
    world.order.refunded = world.order.total
    world.order.save()
    world.tell(EventKind.ORDER_REFUNDED)
    at.move(days=9)
    jobs.handle_timers()
    assert world.said == ["ask_arrived"]
    assert world.run("photo_review").ended_reason == "The order was fully refunded"


def test_point_of_sale_orders_start_nothing_and_test_orders_do(at):
    world = World()
    world.order.source_name = "pos"
    world.order.save()
    world.tell(EventKind.ORDER_PAID)
    assert not FlowRun.objects.exists()
    world.order.source_name, world.order.test = "web", True
    world.order.save()
    world.tell(EventKind.ORDER_PAID)
    assert world.said == ["receipt"]


def test_flows_that_are_off_start_nothing_and_running_ones_finish(at):
    world = World(chat=False)
    world.tell(EventKind.ORDER_PAID)
    editing.switch_off(world.run().flow)
    world.open_chat()
    world.tell(EventKind.CONVERSATION_STARTED)
    assert world.said == ["receipt"]
    world.order = make_order(world.shop, world.contact)
    world.tell(EventKind.ORDER_PAID)
    assert FlowRun.objects.count() == 1


def test_a_run_keeps_the_version_it_entered(at):
    world = World(chat=False)
    world.tell(EventKind.ORDER_PAID)
    flow = world.run().flow
    editing.save_draft(flow, editing.apply_edits(flow.draft, {"texts.en.messages.receipt.text": "Gone!"}))
    editing.publish(flow)
    world.open_chat()
    world.tell(EventKind.CONVERSATION_STARTED)
    assert world.newest.text.startswith("Thank you")
    assert world.run().version.number == 1


def test_a_person_takes_over_after_not_here(at):
    world = World()
    world.tell(EventKind.ORDER_PAID)
    world.deliver()
    world.write("not here")
    world.conversation.refresh_from_db()
    assert world.newest.step_id == "help_missing"
    assert world.conversation.handed_off_at == NOW + timedelta(minutes=20)


def test_a_message_answers_one_question_only(at):
    world = World()
    world.tell(EventKind.ORDER_PAID)
    world.deliver()
    other = make_order(world.shop, world.contact, name="#1002")
    bind(world.point, other)
    first, world.order = world.order, other
    world.tell(EventKind.ORDER_PAID)
    at.move(minutes=1)
    world.deliver()
    world.write("damaged")
    states = {run.order.name: run.state["answers"] for run in FlowRun.objects.filter(flow__key="delivered")}
    assert (states["#1001"], states["#1002"]["arrived"]) == ({}, "damaged")
    assert first.name == "#1001"


def test_another_shoppers_message_moves_nothing(at):
    world = World()
    world.tell(EventKind.ORDER_PAID)
    world.deliver()
    stranger = make_contact(world.shop)
    world.contact, world.conversation = stranger, make_conversation(stranger)
    world.point = make_point(stranger, address="US.999")
    world.write("damaged")
    assert world.said == ["receipt", "ask_arrived", ""]  # the last one is no flow's: a person is promised


def test_who_shares_a_contact_answers_only_for_the_orders_that_their_own_chat_has_proved(at):
    world = World()
    world.tell(EventKind.ORDER_PAID)
    world.deliver()
    buyer, world.point = world.point, make_point(world.contact, address="US.999")  # unpacked another order, a gift
    bind(world.point, make_order(world.shop, world.contact, name="#1002"))
    world.write("damaged")
    assert world.said == ["receipt", "ask_arrived", ""]  # the last one is no flow's: a person is promised
    world.point = buyer
    world.write("damaged")
    assert world.run("delivered").state["answers"] == {"arrived": "damaged"}


def test_events_of_one_order_are_handled_in_their_order(at):
    world = World()
    world.tell(EventKind.ORDER_PAID, handle=False)
    parcel = make_parcel(world.order, ParcelState.IN_TRANSIT)
    world.tell(EventKind.PARCEL_SHIPPED, parcel=parcel, handle=False)
    jobs.handle_events()
    world.gathered()
    assert world.said == ["receipt", "tell"]
