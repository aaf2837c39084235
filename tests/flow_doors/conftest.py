from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from post_purchase.flows import editing
from post_purchase.models import Flow, FlowRun, Order
from shopapp.lib import clock, queue
from shopapp.models import Shop
from tests.factories import make_contact, make_conversation, make_order, make_shop
from tests.pages.visitor import Visitor

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def at() -> Iterator[Any]:
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def shop(db: None, at: Any) -> Shop:
    return make_shop()


@pytest.fixture
def order(shop: Shop) -> Order:
    contact = make_contact(shop, shopify_customer_id=7001)
    order = make_order(shop, contact, name="#1001", shopify_id=5001)
    make_conversation(contact, order=order)
    return order


@pytest.fixture
def owner(shop: Shop) -> Visitor:
    return Visitor(shop.domain)


@pytest.fixture
def no_limits_left_over() -> Iterator[None]:
    def clear() -> None:
        for key in queue.redis().scan_iter("doorstep:api:*"):
            queue.redis().delete(key)

    clear()
    yield
    clear()


def make_flow(shop: Shop, key: str = "ask_for_photo", **trigger: Any) -> Flow:
    """On, of one step that waits: a run that has begun stays."""
    document = {
        "key": key,
        "name": "Ask for a photo",
        "trigger": {"news": ["order_paid"]} | trigger,
        "start": "idle",
        "steps": {"idle": {"kind": "wait", "for": "P1D", "next": "done"}, "done": {"kind": "end", "reason": "done"}},
        "texts": {"en": {}},
    }
    flow = Flow.objects.create(shop=shop, key=key, name="Ask for a photo", draft=document)
    editing.publish(flow, "tests")
    editing.switch_on(flow)
    flow.refresh_from_db()
    return flow


def runs() -> list[tuple[str, int | None, int | None]]:
    return list(FlowRun.objects.order_by("pk").values_list("flow__key", "order_id", "contact_id"))
