"""SIGKILL in the middle of what flows tell others and find out: afterwards each thing has happened once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from post_purchase.flows import editing
from post_purchase.jobs.flows import handle_events, handle_timers
from post_purchase.jobs.outgoing_calls import call_out
from post_purchase.models import Flow, FlowEvent, FlowRun, Order, OutgoingCall, Product, RunEvent
from post_purchase.services.events import record_event
from post_purchase.words import EventKind
from shopapp.lib import clock
from shopapp.models import Shop
from tests import factories
from tests.kill.harness import in_child
from tests.orders.conftest import shop, world
from tests.pretend_world import SHOP

__all__ = ["shop", "world"]
pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True)]
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
POINTS = 8


@pytest.fixture
def at() -> Iterator[Any]:
    with clock.frozen(NOON) as at:
        yield at


def everything() -> None:
    handle_events()
    handle_timers()
    handle_events()  # what the first round found out
    call_out()


def make_flow(shop: Shop, key: str, steps: dict[str, Any], **trigger: Any) -> Flow:
    document = {
        "key": key,
        "name": key,
        "trigger": {"news": ["order_paid"]} | trigger,
        "start": next(iter(steps)),
        "steps": steps,
        "texts": {"en": {}},
    }
    flow = Flow.objects.create(shop=shop, key=key, name=key, draft=document)
    editing.publish(flow, "tests")
    editing.switch_on(flow)
    return flow


def paid(shop: Shop) -> Order:
    order = factories.make_order(shop, factories.make_contact(shop))
    record_event(shop=shop, kind=EventKind.ORDER_PAID, key=f"paid:{order.pk}", order=order, contact=order.contact)
    return order


def killed_at_many_lines(shop: Shop, at: Any) -> Iterator[tuple[Order, int]]:
    """Orders whose work was killed somewhere, and then done by another worker."""
    paid(shop)
    killed, lines = in_child(everything)
    assert not killed
    kills = 0
    for line in range(5, lines, max(1, lines // POINTS)):
        order = paid(shop)
        kills += in_child(everything, kill_at=line)[0]
        for _ in range(3):
            at.move(minutes=3)
            everything()
        yield order, line
    assert kills > POINTS / 2
    assert not FlowEvent.objects.filter(done_at=None).exists()
    assert not FlowRun.objects.filter(status="parked").exists()
    for run in FlowRun.objects.all():
        assert list(run.log.order_by("sequence").values_list("sequence", flat=True)) == list(range(1, run.sequence + 1))


def test_a_workflow_of_shopifys_is_started_at_least_once_and_its_call_stands_once(world, shop, at):
    make_flow(shop, "tell", {"tell": {"kind": "trigger_shopify_flow", "next": "end"}, "end": {"kind": "end"}})
    for order, line in killed_at_many_lines(shop, at):
        [call] = OutgoingCall.objects.filter(run__order=order)
        assert (call.status, call.next_attempt_at, call.error) == ("done", None, ""), line
        heard = [each["payload"]["order_id"] for each in world.state.part("flow_triggers")[SHOP]]
        # Shopify's mutation takes no key of ours: killed between its answer and our row, it is told a second time.
        assert 1 <= heard.count(order.shopify_id) <= 2, line


def test_a_call_to_another_system_is_queued_once_with_one_number(shop, at):
    steps = {"call": {"kind": "call_webhook", "url": "https://127.0.0.1/hook", "next": "end"}, "end": {"kind": "end"}}
    make_flow(shop, "call", steps)
    for order, line in killed_at_many_lines(shop, at):
        [call] = OutgoingCall.objects.filter(run__order=order)  # Doorstep-Call is its number: receivers see repeats
        assert (call.status, call.error) == ("pending", "127.0.0.1 is not a public address"), line
        assert call.next_attempt_at is not None
        assert call.next_attempt_at > NOON


def test_another_flow_is_started_once(shop, at):
    make_flow(shop, "first", {"go": {"kind": "start_flow", "flow": "second", "next": "end"}, "end": {"kind": "end"}})
    make_flow(
        shop,
        "second",
        {"idle": {"kind": "wait", "for": "P9D", "next": "end"}, "end": {"kind": "end"}},
        news=["started_by_hand"],
    )
    for order, line in killed_at_many_lines(shop, at):
        begun = FlowRun.objects.filter(order=order).order_by("pk").values_list("flow__key", "status")
        assert list(begun) == [("first", "ended"), ("second", "active")], line


def test_what_fits_is_found_and_heard_once(shop, at):
    for number, chosen in ((700, [11]), (11, [])):
        Product.objects.create(
            shop=shop,
            shopify_id=number,
            title=f"Product {number}",
            handle=f"p{number}",
            variant_ids=[number * 10],
            chosen_ids=chosen,
            shopify_updated_at=NOON,
        )
    steps = {
        "find": {"kind": "recommend", "next": "idle", "on_none": "none"},
        "idle": {"kind": "wait", "for": "P9D", "next": "none"},
        "none": {"kind": "end"},
    }
    make_flow(shop, "fits", steps)
    for order, line in killed_at_many_lines(shop, at):
        run = FlowRun.objects.get(order=order)
        assert [each["product_id"] for each in run.state["answers"]["products"]] == [11], line
        assert FlowEvent.objects.filter(kind="products_found", order=order).count() == 1, line
        heard = RunEvent.objects.filter(run=run, event_key__startswith="products_found").count()
        assert (heard, "product" in json.dumps(run.state)) == (1, True), line
