"""A question that nothing can answer: the shopper hears once that a person will reply, and the team sees it."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from post_purchase.flows import editing, shelf
from post_purchase.jobs import flows as jobs
from post_purchase.models import Conversation, FlowEvent, Message, TeamAlert
from post_purchase.services import conversations, links
from post_purchase.services.arbiter import Decision, judge
from post_purchase.services.events import record_event
from post_purchase.services.phrases import load
from post_purchase.services.promises import opens_again
from post_purchase.services.reach import Facts
from post_purchase.words import Direction, EventKind, TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import grouped
from tests import factories
from tests.talk.test_answers import LANGUAGES, Talk

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday, 13:00 in Berlin
QUESTION = "Is the mug dishwasher safe?"
PROMISE = load("phrases")["promised"]["en"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at():
    with clock.frozen(NOON) as frozen:
        yield frozen


def ask(talk: Talk, text: str = QUESTION, **more) -> list[str]:
    """What the shopper hears of it."""
    before = len(talk.answers())
    talk.says(text, **more)
    jobs.handle_events()
    return talk.answers()[before:]


def conversation() -> Conversation:
    return Conversation.objects.get()


def test_the_shopper_hears_that_a_person_will_reply_and_the_team_sees_who_waits():
    talk = Talk()
    assert ask(talk) == [PROMISE]
    assert (conversation().answer_promised_at, conversation().unread) == (NOON, 1)
    assert conversation().handed_off_at is None  # news of the parcel goes on


@pytest.mark.parametrize("language", [*LANGUAGES, "da"])
def test_it_is_said_in_the_shoppers_language(language: str):
    assert ask(Talk(language)) == [load("phrases")["promised"][language]]


def test_it_is_said_once_until_a_person_has_replied():
    talk = Talk()
    assert ask(talk) == [PROMISE]
    assert ask(talk, "And the microwave, what about that?") == []
    conversations.reply_as_person(conversation=conversation(), text="Yes, both", user_id="42", dedupe_key="reply:1")
    assert conversation().answer_promised_at is None
    assert ask(talk, "Wonderful, and is the apron washable?") == [PROMISE]


@pytest.mark.parametrize("done", [conversations.close, conversations.take_back])
def test_a_matter_that_the_team_has_put_away_is_over(done):
    talk = Talk()
    ask(talk)
    done(conversation=conversation())
    assert ask(talk) == [PROMISE]


def test_a_machine_that_answers_every_message_is_answered_once():
    talk = Talk()
    heard = [
        answer for number in range(20) for answer in ask(talk, f"I am out of office until Monday. Ticket {number}")
    ]
    assert heard == [PROMISE]


def test_the_same_event_handled_again_says_nothing_more():
    talk = Talk()
    ask(talk)
    FlowEvent.objects.filter(kind=EventKind.MESSAGE_RECEIVED).update(next_attempt_at=NOON, done_at=None)
    jobs.handle_events()
    assert talk.answers() == [PROMISE]


@pytest.mark.parametrize("text", ["ok", "👍", "Perfect!", "Thank you so much", "STOP", "はい"])
def test_what_asks_for_nothing_gets_no_promise(text: str):
    talk = Talk()
    assert PROMISE not in ask(talk, text)
    assert conversation().answer_promised_at is None


def test_who_was_just_asked_for_the_order_number_is_not_promised_a_person():
    talk = Talk(bound=False)
    [answer] = ask(talk)
    assert answer.startswith(load("phrases")["which_order"]["en"])
    assert ask(talk, "I would only like to know whether it is safe") == [PROMISE]  # the question is asked once a day


def test_while_a_person_is_at_it_nothing_is_promised():
    talk = Talk()
    talk.says("I want to talk to a person")
    assert ask(talk) == []


def test_who_was_answered_by_a_person_meanwhile_is_promised_nothing():
    talk = Talk()
    talk.says(QUESTION)
    conversations.reply_as_person(conversation=conversation(), text="Yes", user_id="42", dedupe_key="reply:1")
    jobs.handle_events()
    assert talk.answers() == ["Yes"]


def test_outside_the_teams_hours_the_shopper_hears_when_it_is_back_in_her_own_time(at):
    talk = Talk()
    settings = talk.shop.settings
    settings.team_from, settings.team_until, settings.team_days = time(9), time(17), [0, 1, 2, 3, 4]
    settings.save()
    talk.order.timezone = "Europe/London"
    talk.order.save()
    assert ask(talk) == [PROMISE]  # Tuesday, 13:00 in Berlin: they are there
    conversations.close(conversation=conversation())
    at.to(datetime(2026, 11, 27, 17, 30, tzinfo=UTC))  # Friday evening
    [answer] = ask(talk, "Is the apron washable, too?")
    assert answer == load("phrases")["promised_at"]["en"].format(when="Mon, Nov 30, 8:00\u202fAM")


def coded(talk: Talk) -> str:
    touchpoint = links.touchpoint_of(shop=talk.shop, kind=TouchpointKind.PACKAGE_INSERT)
    return grouped(links.link_for_order(touchpoint=touchpoint, order=talk.order)[1])


@pytest.mark.parametrize("flows_on", [True, False])
def test_the_code_of_an_order_that_no_flow_speaks_of_is_greeted_once(flows_on: bool):
    talk = Talk(bound=False)  # an order from before the app: no run was ever started for it
    for flow in editing.install_library(talk.shop) if flows_on else ():
        if flow.key in shelf.FIRST:
            editing.switch_on(flow)
    code = coded(talk)
    assert ask(talk, f"Hi! My code is {code}") == [load("phrases")["bound"]["en"].format(order="#1001")]
    if flows_on:
        assert ask(talk, f"Hi! My code is {code}") == []
    assert ask(talk, "Where is my order?")[0].startswith("Your order #1001")


def test_the_card_in_the_parcel_is_about_the_newest_order_of_who_is_known():
    talk = Talk()
    newest = factories.make_order(talk.shop, talk.contact, name="#1002", placed_at=NOON)
    factories.bind(talk.point, newest)
    card = links.touchpoint_of(shop=talk.shop, kind=TouchpointKind.PACKAGE_INSERT)
    code = grouped(links.shop_link(touchpoint=card)[1])
    assert ask(talk, f"Hi! My code is {code}") == [load("phrases")["bound"]["en"].format(order="#1002")]


def test_a_flow_that_greets_is_not_repeated():
    talk = Talk(bound=False)
    for flow in editing.install_library(talk.shop):
        if flow.key in shelf.FIRST:
            editing.switch_on(flow)
    record_event(shop=talk.shop, kind=EventKind.ORDER_PAID, key="paid", order=talk.order, contact=talk.contact)
    jobs.handle_events()
    [receipt] = ask(talk, f"Hi! My code is {coded(talk)}")
    assert receipt.startswith("Thank you, Maria! Here is your receipt")


def test_after_a_stop_a_question_is_a_persons_and_no_machine_promises_it():
    talk = Talk()
    ask(talk, "STOP")
    assert ask(talk) == []
    assert (conversation().answer_promised_at, TeamAlert.objects.count()) == (NOON, 1)


def test_a_second_stop_is_met_with_silence():
    talk = Talk()
    assert len(ask(talk, "STOP")) == 1
    assert ask(talk, "STOP") == []


@pytest.mark.parametrize(
    ("now", "hours", "days", "back"),
    [
        ("2026-11-24T07:59", ("09:00", "17:00"), [], "2026-11-24T09:00"),
        ("2026-11-24T08:00", ("09:00", "17:00"), [], None),
        ("2026-11-24T16:00", ("09:00", "17:00"), [], "2026-11-25T09:00"),
        ("2026-11-24T23:30", ("18:00", "02:00"), [], None),  # 00:30 in Berlin: yesterday's evening goes on
        ("2026-11-24T12:00", ("09:00", "17:00"), [2], "2026-11-25T09:00"),
        ("2026-11-24T17:00", ("09:00", "17:00"), [1], "2026-12-01T09:00"),
        ("2026-11-24T12:00", ("09:00", "09:00"), [], None),
        ("2026-11-24T12:00", (None, None), [], None),
    ],
)
def test_when_the_team_is_back(now, hours, days, back):
    opens, closes = (time.fromisoformat(each) if each else None for each in hours)
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    found = opens_again(opens=opens, closes=closes, days=days, zone=ZoneInfo("Europe/Berlin"), now=moment)
    assert (found.strftime("%Y-%m-%dT%H:%M") if found else None) == back


def test_a_promise_waits_for_nobody_longer_than_it_is_useful():
    talk = Talk()
    ask(talk)
    message = Message.objects.get(direction=Direction.OUT)
    assert message.use_by_at == NOON + timedelta(days=2)


def test_a_clear_wish_stands_in_words_in_the_inbox_and_is_a_persons_from_then_on():
    talk = Talk()
    assert ask(talk, "my mug came broken") == [PROMISE]
    reason = conversation().hand_off_reason
    assert reason.startswith("The shopper asks")
    assert conversation().handed_off_at == NOON
    assert TeamAlert.objects.get().reason == reason
    assert ask(talk, "and cancel my order") == []  # it was promised


def test_a_wish_that_leaves_room_for_machines_is_named_to_the_team_alone():
    talk = Talk()
    assert ask(talk, "Can I have an invoice?") == [PROMISE]
    assert conversation().handed_off_at is None
    assert TeamAlert.objects.get().reason == "The shopper asks for an invoice"


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("waiting", [False, True])
def test_who_taps_the_review_button_is_asked_at_once_and_by_nothing_else(at, known: bool, waiting: bool):
    """Also in the middle of a talk, and at night."""
    talk = Talk(bound=known)
    factories.make_parcel(talk.order, "delivered", delivered_at=NOON - timedelta(hours=5))
    talk.order.delivered_at = NOON - timedelta(hours=5)
    talk.order.save()
    for flow in editing.install_library(talk.shop):
        if flow.key in shelf.FIRST:
            editing.switch_on(flow)
    if waiting:
        record_event(shop=talk.shop, kind=EventKind.ORDER_DELIVERED, key="d", order=talk.order, contact=talk.contact)
        jobs.handle_events()
    at.to(NOON + timedelta(hours=11))  # midnight in Berlin
    ask(talk, "Thanks, all fine!")
    before = Message.objects.filter(direction=Direction.OUT).count()
    talk.says(f"Hello! {grouped(links.review_link(talk.order)[1])}")
    jobs.handle_events()
    said = list(Message.objects.filter(direction=Direction.OUT).order_by("pk")[before:])
    assert [(message.step_id, message.purpose, message.point) for message in said] == [
        ("review", "service", talk.point)
    ], [message.text for message in said]
    reach = Facts(said, now=clock.now()).reach_of(said[0])
    verdict = judge(reach.proposal, reach.situation, clock.now())
    assert verdict.decision == Decision.GO, verdict.reason
