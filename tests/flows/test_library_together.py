"""All eighteen ready flows switched on at once, through rows and jobs: one shopper's months, nothing said twice."""

from datetime import datetime, timedelta

import pytest

from post_purchase.flows import editing
from post_purchase.flows.facts import gather, load_order, rhythm_of
from post_purchase.flows.watching import watch
from post_purchase.jobs import flows as jobs
from post_purchase.models import ConsentEntry, FlowRun, Message, Note, Timer
from post_purchase.services import conversations
from post_purchase.services.consent import record_consent
from post_purchase.words import Author, Direction, EventKind, ParcelState
from shopapp.lib import clock
from tests.factories import make_message, make_order, make_parcel

from .test_runs import NOW, World, assert_replays

pytestmark = pytest.mark.django_db


class Everything(World):
    def __init__(self, **more) -> None:
        super().__init__(**more)
        for flow in self.shop.flows.all():
            editing.switch_on(flow)

    def until(self, at, **later: float) -> None:
        """Time goes on from timer to timer, and to a look at what time alone brings at least every six days."""
        end = clock.now() + timedelta(**later)
        while clock.now() < end:
            due = Timer.objects.filter(next_attempt_at__gt=clock.now()).order_by("next_attempt_at").first()
            at.to(min(end, clock.now() + timedelta(days=6), *([due.next_attempt_at] if due else [])))
            watch()
            jobs.handle_events()
            jobs.handle_timers()

    def tap(self, choice: str) -> None:
        [button] = [each for each in self.newest.content["buttons"] if each["id"].endswith(f":{choice}")]
        self.write(button["title"], button_id=button["id"])

    @property
    def told(self) -> list[str]:
        """ "<flow>.<step>" of everything said, in order."""
        found = Message.objects.filter(direction=Direction.OUT).order_by("pk").select_related("run__flow")
        return [f"{message.run.flow.key}.{message.step_id}" if message.run else message.step_id for message in found]


@pytest.fixture
def at():
    with clock.frozen(NOW) as moment:
        yield moment


def test_one_order_with_every_flow_on_says_each_thing_once(at):
    world = Everything()
    watch()
    world.tell(EventKind.ORDER_PLACED)
    world.tell(EventKind.ORDER_PAID)
    world.tell(EventKind.CONVERSATION_STARTED)
    world.until(at, minutes=5)
    assert world.told == ["thank_you.receipt", "sale_alerts.ask"]
    world.tap("agree")
    world.parcel(ParcelState.IN_TRANSIT, EventKind.PARCEL_SHIPPED)
    world.until(at, days=2)
    world.deliver()
    world.tell(EventKind.ORDER_DELIVERED)
    world.tap("arrived")
    assert world.told[2:] == ["sale_alerts.confirm", "shipped.tell", "delivered.ask_arrived", "delivered.say_enjoy"]
    world.until(at, days=4, hours=1)
    assert world.told[6:] == ["check_in.ask"]
    world.tap("good")
    world.until(at, days=4)
    assert world.told[7:] == ["check_in.say_glad", "photo_review.review"]
    world.write("5")
    world.until(at, days=11)
    assert [told for told in world.told[9:] if told.startswith(("photo_review", "low_rating"))] == [
        "photo_review.review",
        "photo_review.review",
        "photo_review.reward_late",  # nobody has made the code here
    ]
    assert len(world.told) == len(set(world.told)) + 2  # the review step speaks three times
    world.until(at, days=100)
    assert FlowRun.objects.filter(status="parked").count() == 0
    assert FlowRun.objects.filter(status="active").count() == 0
    for run in FlowRun.objects.all():
        assert_replays(run)


def test_a_yes_to_sales_is_a_line_in_the_ledger_with_its_words_and_its_proof(at):
    world = Everything()
    world.tell(EventKind.CONVERSATION_STARTED)
    world.until(at, minutes=5)
    question = world.newest
    world.tap("agree")
    entry = ConsentEntry.objects.get(purpose="marketing")
    answer = Message.objects.filter(direction=Direction.IN).latest("pk")
    assert (entry.state, entry.method, entry.point, entry.language) == ("granted", "answer_in_chat", world.point, "en")
    assert entry.wording == question.text
    assert entry.proof["message"] == answer.pk
    assert gather(
        shop=world.shop, order=load_order(world.order.pk), contact=world.contact, more=frozenset({"consent"})
    )["consent"]["marketing"]
    # Once in a lifetime: another order's chat asks nothing.
    world.order = make_order(world.shop, world.contact, name="#1002")
    world.tell(EventKind.CONVERSATION_STARTED)
    world.until(at, days=2)
    assert world.told.count("sale_alerts.ask") == 1


@pytest.mark.parametrize("answer", ["No, thanks", "maybe", "why?", "STOP it"])
def test_nothing_else_is_a_yes(at, answer):
    world = Everything()
    world.tell(EventKind.CONVERSATION_STARTED)
    world.until(at, minutes=5)
    world.write(answer)
    world.until(at, days=3)
    assert not ConsentEntry.objects.filter(purpose="marketing").exists()


def test_who_did_not_say_yes_is_offered_nothing_for_months(at):
    world = Everything()
    watch()
    world.tell(EventKind.ORDER_PAID)
    make_order(world.shop, world.contact, placed_at=NOW - timedelta(days=60))
    world.deliver()
    world.tell(EventKind.ORDER_DELIVERED)
    world.until(at, days=8)
    world.write("5")
    world.until(at, days=200)
    assert not Message.objects.filter(purpose="marketing").exists()
    started = set(FlowRun.objects.values_list("flow__key", flat=True))
    assert not started & {"goes_with", "replenish", "referral", "win_back"}


@pytest.mark.parametrize(
    ("answer", "wants_offers", "waits"), [("good", True, 1), ("good", False, 0), ("problem", True, 0)]
)
def test_a_good_check_in_is_a_reason_for_what_goes_with_it(at, answer, wants_offers, waits):
    world = Everything()
    world.tell(EventKind.CONVERSATION_STARTED)
    world.until(at, minutes=5)
    world.tap("agree" if wants_offers else "decline")
    world.deliver()
    world.tell(EventKind.ORDER_DELIVERED)
    world.until(at, days=4, hours=3)
    assert world.told[-1] == "check_in.ask"
    world.tap(answer)
    jobs.handle_events()
    assert FlowRun.objects.filter(flow__key="goes_with", status="active").count() == waits
    # A good review after it begins no second one.
    world.until(at, days=4)
    world.write("5")
    jobs.handle_events()
    assert FlowRun.objects.filter(flow__key="goes_with").count() == waits


def test_a_low_rating_tells_the_team_at_once_and_offers_help_the_next_day(at):
    world = Everything()
    world.deliver()
    world.tell(EventKind.ORDER_DELIVERED)
    world.until(at, days=8)
    world.write("1")
    jobs.handle_events()
    assert [note.text for note in Note.objects.all()] == [
        f"A low rating for order {world.order.name}. Help may still make it good; the review stays as it is."
    ]
    world.until(at, days=1, hours=12)
    assert world.told.count("low_rating.ask") == 1
    assert "goes_with" not in set(FlowRun.objects.values_list("flow__key", flat=True))


def test_who_asked_for_help_is_not_offered_it_again(at):
    world = Everything()
    world.deliver()
    world.tell(EventKind.ORDER_DELIVERED)
    world.until(at, days=8)
    world.write("1")
    jobs.handle_events()
    world.tap("help")
    world.until(at, days=5)
    assert "low_rating.ask" not in world.told


def test_the_talk_is_asked_about_only_where_a_person_answered(at):
    world = Everything()
    conversations.close(conversation=world.conversation)
    jobs.handle_events()
    world.until(at, hours=1)
    assert world.told == []
    conversations.reopen(conversation=world.conversation)
    make_message(
        world.conversation, "Here you are", direction=Direction.OUT, author=Author.PERSON, happened_at=clock.now()
    )
    conversations.close(conversation=world.conversation)
    jobs.handle_events()
    world.until(at, hours=1)
    assert world.told[1:] == ["csat.ask"]
    world.tap("bad")
    world.write("It took three days")
    world.conversation.refresh_from_db()
    assert Note.objects.get().text == "The help was not good, and why: It took three days"
    assert world.conversation.handed_off_at is not None


def test_a_word_of_a_return_is_met_with_help_and_brings_a_person(at):
    world = Everything()
    world.write("I would like to exchange the mug")
    assert world.told == ["return_help.ask"]
    world.tap("exchange")
    world.write("The blue one")
    world.conversation.refresh_from_db()
    assert world.told == ["return_help.ask", "return_help.which_one", "return_help.bring_person"]
    assert Note.objects.get().text == "Wants an exchange. Instead: The blue one"
    assert world.conversation.handed_off_at is not None


def test_an_order_that_is_packed_in_time_is_not_excused(at):
    world = Everything()
    world.tell(EventKind.ORDER_PAID)
    make_parcel(world.order, ParcelState.LABEL)
    world.until(at, days=9)
    assert "packed_late.ask" not in world.told
    assert FlowRun.objects.get(flow__key="packed_late").ended_reason == "Goal reached: Packed"


def test_a_person_s_own_rhythm_needs_three_orders():
    def moment(day: int) -> datetime:
        return NOW + timedelta(days=day)

    now = moment(100)
    none = {"days_since_order": None, "bought_since": False, "due_again_at": None, "win_back_at": None}
    assert rhythm_of([], None, now) == none
    assert rhythm_of([moment(0), moment(20)], None, now) == none | {"days_since_order": 80}
    assert rhythm_of([moment(0), moment(20), moment(60)], None, now) == {
        "days_since_order": 40,
        "bought_since": False,
        "due_again_at": moment(90).isoformat(),
        "win_back_at": moment(120).isoformat(),  # never sooner than sixty days after the last
    }
    slow = rhythm_of([moment(0), moment(40), moment(80)], None, now)
    assert slow["win_back_at"] == moment(150).isoformat()


def test_an_order_since_is_known(at):
    world = Everything()
    world.order.placed_at = NOW - timedelta(days=40)
    world.order.save()

    def bought_since() -> bool:
        order = load_order(world.order.pk)
        history = gather(shop=world.shop, order=order, contact=world.contact, more=frozenset({"history"}))["history"]
        return bool(history["bought_since"])

    assert not bought_since()
    make_order(world.shop, world.contact, placed_at=NOW, test=True)
    assert not bought_since()
    make_order(world.shop, world.contact, placed_at=NOW)
    assert bought_since()


def test_a_friends_code_is_called_so_and_needs_a_yes_to_offers(at):
    world = Everything()
    watch()
    record_consent(point=world.point, purpose="marketing", state="granted", method="test", dedupe_key="m")
    make_order(world.shop, world.contact, placed_at=NOW - timedelta(days=90))
    world.deliver()
    world.tell(EventKind.ORDER_DELIVERED)
    world.until(at, days=22)
    assert "referral.ask" in world.told
    run = FlowRun.objects.get(flow__key="referral")
    asked = Message.objects.get(run=run, step_id="ask")
    [button] = [each for each in asked.content["buttons"] if each["id"].endswith(":agree")]
    world.write(button["title"], button_id=button["id"])
    reward = run.rewards.get()
    assert reward.code.startswith("FRIEND-")
    assert reward.review is None
