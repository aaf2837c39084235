"""SIGKILL in the middle of flow steps: afterwards every step has happened once."""

from datetime import UTC, datetime

import pytest

from post_purchase.flows.editing import install_library, publish, switch_on
from post_purchase.jobs.flows import handle_events, handle_timers
from post_purchase.jobs.messages import send_messages
from post_purchase.models import ConsentState, FlowEvent, FlowRun, Message, Order, Timer
from post_purchase.services.consent import record_consent
from post_purchase.services.events import record_event
from post_purchase.words import EventKind, ParcelState, Purpose
from shopapp.lib import clock
from tests import factories
from tests.kill.harness import in_child
from tests.network import SmallGraph, small_graph

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True)]
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
POINTS = 14


@pytest.fixture
def graph(settings):
    with small_graph() as network:
        settings.META_GRAPH_ORIGIN = network.origin
        yield network


def everything() -> None:
    handle_events()
    handle_timers()
    send_messages()


def an_order_with_news(number: int) -> Order:
    """Paid, begun to chat, and one parcel late: two messages are due, a receipt and the news of the parcel."""
    shop = factories.make_shop()
    contact = factories.make_contact(shop)
    order = factories.make_order(shop, contact)
    point = factories.make_point(contact, address=f"DE.{number}77777", last_inbound_at=clock.now())
    factories.bind(point, order)
    conversation = factories.make_conversation(contact, order=order)
    for purpose in (Purpose.SERVICE, Purpose.UTILITY):
        record_consent(
            point=point,
            purpose=purpose,
            state=ConsentState.GRANTED,
            method="test",
            dedupe_key=f"t:{point.pk}:{purpose}",
        )
    for kind in (EventKind.ORDER_PAID, EventKind.CONVERSATION_STARTED):
        record_event(
            shop=shop, kind=kind, key=f"{kind}:{order.pk}", order=order, contact=contact, conversation=conversation
        )
    return order


def be_late(order: Order) -> None:
    parcel = factories.make_parcel(order, ParcelState.DELAYED)
    key = f"parcel_delayed:{parcel.pk}"
    record_event(
        shop=order.shop, kind=EventKind.PARCEL_DELAYED, key=key, order=order, parcel=parcel, contact=order.contact
    )


def told(order: Order) -> list[str]:
    return list(Message.objects.filter(order=order).order_by("pk").values_list("step_id", flat=True))


def test_killed_anywhere_between_an_event_and_its_message(graph: SmallGraph):
    with clock.frozen(NOON) as at:
        shop = factories.make_shop()
        factories.make_channel(shop)
        install_library(shop)
        for key in ("thank_you", "delivery_trouble"):
            flow = shop.flows.get(key=key)
            publish(flow, "tests")
            switch_on(flow)
        order = an_order_with_news(0)
        everything()
        be_late(order)
        killed, lines = in_child(everything)
        assert not killed
        wanted = told(order)
        assert len(wanted) == 2
        kills = 0
        for number, line in enumerate(range(5, lines, max(1, lines // POINTS)), 1):
            order = an_order_with_news(number)
            everything()
            be_late(order)
            kills += in_child(everything, kill_at=line)[0]
            for _ in range(3):
                at.move(minutes=3)
                everything()
            assert told(order) == wanted, line
            for message in Message.objects.filter(order=order):
                assert graph.refs.count(message.ref) <= 1, line
                assert message.status in ("sent", "sending"), (line, message.status, message.reason)
        assert kills > POINTS / 2
        assert not FlowEvent.objects.filter(done_at=None).exists()
        assert not FlowRun.objects.filter(status="parked").exists()
        assert not Timer.objects.filter(next_attempt_at__lte=clock.now()).exists()
        for run in FlowRun.objects.all():
            assert list(run.log.order_by("sequence").values_list("sequence", flat=True)) == list(
                range(1, run.sequence + 1)
            )
