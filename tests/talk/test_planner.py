"""The planner over real rows: what services/reach and services/history tell the arbiter, and what comes of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from post_purchase.channels.base import OutMessage
from post_purchase.jobs.messages import send_messages
from post_purchase.models import Conversation, Flow, FlowRun, Message, Order, Review
from post_purchase.services import delivery
from post_purchase.services.messages import queue_message
from post_purchase.words import Author, ChannelKind, Direction, MessageStatus, Purpose
from shopapp.lib import clock
from tests import factories
from tests.network import SmallGraph, small_graph

from .rows import make_run
from .test_delivery import NOON, Talk, grant, state

pytestmark = pytest.mark.django_db
TEN_AT_NIGHT = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)  # 22:00 in Berlin
ORDERED = NOON - timedelta(days=20)


@pytest.fixture
def at():
    with clock.frozen(NOON) as frozen:
        yield frozen


@pytest.fixture
def graph(settings):
    with small_graph() as network:
        settings.META_GRAPH_ORIGIN = network.origin
        yield network


@pytest.fixture
def talk(at) -> Talk:
    """Maria, whose only order has arrived, who said yes to offers and wrote some hours ago."""
    talk = Talk()
    Order.objects.filter(pk=talk.order.pk).update(placed_at=ORDERED, delivered_at=NOON - timedelta(days=8))
    talk.order.refresh_from_db()
    talk.point.last_inbound_at = NOON - timedelta(hours=5)
    talk.point.save()
    grant(talk.point, Purpose.MARKETING)
    return talk


def run_of(talk: Talk, name: str) -> FlowRun:
    flow = Flow.objects.get_or_create(shop=talk.shop, key=name.lower(), defaults={"name": name})[0]
    run = make_run(factories.make_order(talk.shop, None, delivered_at=NOON), talk.contact)
    run.flow = flow
    run.save()
    return run


def tell(talk: Talk, flow: str, text: str, **more) -> Message:
    return talk.queue(text, run=run_of(talk, flow), fact_key="shipped:parcel:7", **more)


def test_two_flows_with_the_same_news_say_it_once(talk: Talk, graph: SmallGraph):
    first, second = tell(talk, "Shipped", "It is on its way"), tell(talk, "My own", "Your parcel left")
    send_messages()
    assert graph.texts == ["It is on its way"]
    assert state(first) == ("sent", "")
    assert state(second) == ("suppressed", "Not said twice: “Shipped” told the same just now")


def test_in_the_night_the_second_waits_for_the_first(talk: Talk, graph: SmallGraph, at):
    at.move(hours=9)
    first, second = tell(talk, "Shipped", "It is on its way"), tell(talk, "My own", "Your parcel left")
    send_messages()
    assert state(first) == ("held", "Held until 08:00 in Berlin: quiet hours")
    assert state(second)[0] == "held"
    assert "“Shipped” is about to tell the same" in second.reason
    at.move(hours=10)
    heard_again(talk)
    send_messages()
    at.move(minutes=5)
    send_messages()
    assert graph.texts == ["It is on its way"]
    assert (state(first)[0], state(second)[0]) == ("sent", "suppressed")


def test_where_the_first_is_called_off_the_second_tells_it(talk: Talk, graph: SmallGraph, at):
    at.move(hours=9)
    first, second = tell(talk, "Shipped", "It is on its way"), tell(talk, "My own", "Your parcel left")
    send_messages()
    Message.objects.filter(pk=first.pk).update(status=MessageStatus.SUPPRESSED, next_attempt_at=None)
    at.move(hours=10, minutes=5)
    heard_again(talk)
    send_messages()
    assert graph.texts == ["Your parcel left"]
    assert state(second) == ("sent", "")


def test_one_flow_may_tell_again_and_a_second_parcel_is_no_repetition(talk: Talk, graph: SmallGraph):
    run = run_of(talk, "Shipped")
    for number in (1, 2):
        talk.queue(f"Attempt {number}", run=run, fact_key="attempted:parcel:7")
    tell(talk, "My own", "Parcel 7")
    talk.queue("Parcel 8", run=run_of(talk, "Other"), fact_key="shipped:parcel:8")
    send_messages()
    assert graph.texts == ["Attempt 1", "Attempt 2", "Parcel 7", "Parcel 8"]


def test_two_requests_at_once_take_two_days(talk: Talk, graph: SmallGraph, at):
    first = talk.queue("How is the mug?", purpose=Purpose.REVIEW_REQUEST, run=run_of(talk, "A"))
    second = talk.queue("How is the board?", purpose=Purpose.REVIEW_REQUEST, run=run_of(talk, "B"))
    assert len(delivery.claim_due()) == 1  # one person, one message on its way
    assert delivery.claim_due() == []
    at.move(seconds=91)
    send_messages()
    assert state(first) == ("sent", "")
    assert state(second) == ("held", "Held until Wed 25 Nov 13:01 in Berlin: 1 request or offer in a day already")
    at.move(days=1)
    heard_again(talk)
    send_messages()
    assert state(second) == ("sent", "")


def heard_again(talk: Talk) -> None:
    """The network's window is open; nobody is writing just now."""
    talk.point.last_inbound_at = clock.now() - timedelta(hours=5)
    talk.point.save()


def test_what_waits_for_tomorrow_holds_up_no_answer(talk: Talk, graph: SmallGraph):
    talk.queue("Ten per cent off", purpose=Purpose.MARKETING)
    talk.queue("How is the mug?", purpose=Purpose.REVIEW_REQUEST)
    answer = talk.queue("It arrives today", purpose=Purpose.SERVICE, point=talk.point)
    send_messages()
    assert state(answer) == ("sent", "")


def test_the_more_urgent_goes_first_though_it_was_queued_later(talk: Talk, graph: SmallGraph):
    offer = talk.queue("Ten per cent off", purpose=Purpose.MARKETING)
    talk.queue("Your refund is on its way")
    send_messages()
    assert graph.texts == ["Your refund is on its way"]
    assert state(offer)[0] == "held"
    assert offer.reason.endswith("something more urgent goes first: order update")


def test_answers_do_not_count_against_the_caps(talk: Talk, graph: SmallGraph):
    for number in range(3):
        talk.queue(f"Answer {number}", purpose=Purpose.REVIEW_REQUEST, point=talk.point)
    send_messages()
    Message.objects.update(sent_at=NOON - timedelta(hours=3))
    offer = talk.queue("Ten per cent off", purpose=Purpose.MARKETING)
    send_messages()
    assert state(offer) == ("sent", "")


def test_an_offer_waits_for_every_parcel_and_a_request_for_its_own(talk: Talk, graph: SmallGraph):
    travelling = factories.make_order(talk.shop, talk.contact, placed_at=NOON - timedelta(days=2))
    factories.bind(talk.point, travelling)
    offer = talk.queue("Ten per cent off", purpose=Purpose.MARKETING)
    early = talk.queue("How is the board?", purpose=Purpose.REVIEW_REQUEST, order=travelling)
    request = talk.queue("How is the mug?", purpose=Purpose.REVIEW_REQUEST)
    send_messages()
    assert state(request) == ("sent", "")
    for message in (offer, early):
        assert state(message)[0] == "held"
        assert "the order has not arrived yet" in message.reason


@pytest.mark.parametrize(
    "fields",
    [
        {"cancelled_at": NOON},
        {"financial_status": "refunded"},
        {"requires_shipping": False},
        {"source_name": "pos"},
        {"placed_at": NOON - timedelta(days=61)},
    ],
)
def test_what_never_travels_is_not_waited_for(talk: Talk, graph: SmallGraph, fields):
    factories.make_order(talk.shop, talk.contact, **({"placed_at": NOON - timedelta(days=2)} | fields))
    offer = talk.queue("Ten per cent off", purpose=Purpose.MARKETING)
    send_messages()
    assert state(offer) == ("sent", "")


def rate(talk: Talk, rating: int, days_ago: int) -> None:
    at = NOON - timedelta(days=days_ago)
    Review.objects.create(
        shop=talk.shop, contact=talk.contact, rating=rating, submitted_at=at, dedupe_key=f"{rating}:{days_ago}"
    )


def test_after_a_low_rating_there_are_no_offers_and_requests_as_ever(talk: Talk, graph: SmallGraph):
    rate(talk, 5, 40)
    rate(talk, 2, 28)
    offer = talk.queue("Ten per cent off", purpose=Purpose.MARKETING)
    send_messages()
    assert state(offer) == (
        "held",
        "Held until Thu 26 Nov 13:00 in Berlin: the last rating was low, so no offers for a while",
    )
    request = talk.queue("How is the mug?", purpose=Purpose.REVIEW_REQUEST)
    send_messages()
    assert state(request) == ("sent", "")


def test_who_is_happy_again_gets_offers(talk: Talk, graph: SmallGraph):
    rate(talk, 1, 9)
    rate(talk, 4, 2)
    offer = talk.queue("Ten per cent off", purpose=Purpose.MARKETING)
    send_messages()
    assert state(offer) == ("sent", "")


def test_while_an_answer_is_owed_nothing_is_offered(talk: Talk, graph: SmallGraph, at):
    Conversation.objects.filter(pk=talk.conversation.pk).update(answer_promised_at=NOON - timedelta(hours=1))
    offer = talk.queue("Ten per cent off", purpose=Purpose.MARKETING)
    news = talk.queue("Your refund is on its way")
    send_messages()
    assert state(offer)[0] == "held"
    assert offer.reason.endswith("the shopper waits for an answer of your team")
    assert state(news) == ("sent", "")
    Conversation.objects.filter(pk=talk.conversation.pk).update(answer_promised_at=None)
    at.move(hours=4)
    send_messages()
    assert state(offer) == ("sent", "")


def test_another_persons_messages_are_nobody_elses_caps(talk: Talk, graph: SmallGraph):
    other = factories.make_conversation(factories.make_contact(talk.shop))
    for number in range(4):
        factories.make_message(
            other, f"{number}", purpose=Purpose.MARKETING, status="sent", sent_at=NOON, next_attempt_at=None
        )
    offer = talk.queue("Ten per cent off", purpose=Purpose.MARKETING)
    send_messages()
    assert state(offer) == ("sent", "")


def test_the_other_channel_is_named_at_the_message(talk: Talk, graph: SmallGraph, mailoutbox):
    factories.make_channel(talk.shop, ChannelKind.EMAIL, credentials={})
    mail = factories.make_point(talk.contact, ChannelKind.EMAIL)
    factories.bind(mail, talk.order)
    grant(mail, Purpose.UTILITY)
    talk.point.blocked_at, talk.point.blocked_reason = NOON, "the shopper blocked this number"
    talk.point.save()
    message = talk.queue()
    send_messages()
    message.refresh_from_db()
    assert message.channel.kind == ChannelKind.EMAIL
    assert message.detour == "By E-mail: WhatsApp cannot be used: the shopper blocked this number"
    assert message.reason == ""


def people(talk: Talk, count: int, prefix: str) -> None:
    """Each with a request, an offer's history, a fact, a rating and a parcel on its way."""
    for number in range(count):
        contact = factories.make_contact(talk.shop)
        order = factories.make_order(talk.shop, contact, delivered_at=NOON - timedelta(days=9))
        point = factories.make_point(contact, address=f"DE.{prefix}{number}", last_inbound_at=NOON - timedelta(hours=5))
        factories.bind(point, order)
        for purpose in (Purpose.UTILITY, Purpose.MARKETING):
            grant(point, purpose)
        conversation = factories.make_conversation(contact)
        Review.objects.create(
            shop=talk.shop, contact=contact, rating=4, submitted_at=NOON, dedupe_key=f"{prefix}{number}"
        )
        factories.make_message(
            conversation, status="sent", sent_at=NOON - timedelta(days=3), next_attempt_at=None, purpose="marketing"
        )
        purpose = (Purpose.MARKETING, Purpose.REVIEW_REQUEST, Purpose.UTILITY)[number % 3]
        fact = "shipped:parcel:1" if purpose == Purpose.UTILITY else ""
        queue_message(
            conversation=conversation,
            content=talk_content(prefix, number),
            purpose=purpose,
            dedupe_key=f"{prefix}{number}",
            author=Author.FLOW,
            order=order,
            run=make_run(order, contact),
            fact_key=fact,
        )


def talk_content(prefix: str, number: int) -> OutMessage:
    return OutMessage(text=f"{prefix}{number}")


def test_the_planner_costs_as_many_queries_for_many_as_for_few(talk: Talk, graph: SmallGraph):
    counts = []
    for count, prefix in ((6, "A"), (24, "B")):
        people(talk, count, prefix)
        with CaptureQueriesContext(connection) as seen:
            calls = delivery.deliver(delivery.claim_due(batch=count))
        assert len(calls) == count * 2 // 3  # the offers wait: one was made three days ago
        counts.append(len(seen))
    assert counts[0] == counts[1]
    assert counts[0] <= 26
    assert Message.objects.filter(status=MessageStatus.HELD, direction=Direction.OUT).count() == 10
