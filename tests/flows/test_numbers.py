"""The numbers on the path."""

from datetime import UTC, datetime, timedelta

import pytest

from post_purchase.flows import editing
from post_purchase.flows.numbers import numbers_of
from post_purchase.models import Flow, FlowRun
from shopapp.lib import clock
from tests.factories import make_contact, make_conversation, make_message, make_order, make_shop

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def flow():
    with clock.frozen(NOW):
        shop = make_shop()
        made = next(one for one in editing.install_library(shop) if one.key == "photo_review")
        yield editing.switch_on(made)


def run(flow: Flow, seen: list[str], at: str = "", *, days: int = 1, **more: object) -> FlowRun:
    contact = make_contact(flow.shop)
    order = make_order(flow.shop, contact)
    return FlowRun.objects.create(
        shop=flow.shop, flow=flow, version=flow.live_version, subject_key=f"order:{order.pk}", order=order,
        contact=contact, started_at=NOW - timedelta(days=days), at_steps=at,
        state={"seen": dict.fromkeys(seen, 1), "answers": more.pop("answers", {})}, **more,
    )  # fmt: skip


def test_each_step_tells_who_came_who_waits_who_answered_and_who_left(flow):
    run(flow, ["wait_for_chat"], "wait_for_chat")
    run(flow, ["wait_for_chat", "review"], "review late_photos")
    run(flow, ["wait_for_chat", "review"], "", status="ended", answers={"rating": 5}, ended_reason="Finished")
    run(flow, ["wait_for_chat"], "wait_for_chat", status="ended", ended_reason="The order was cancelled")
    run(flow, ["wait_for_chat"], "wait_for_chat", days=100)
    found = numbers_of(flow, flow.draft)
    assert dict(found["wait_for_chat"].shown) == {"entered": 4, "waiting": 1, "exited": 1}
    assert found["wait_for_chat"].why == [("The order was cancelled", 1)]
    assert dict(found["review"].shown) == {"entered": 2, "waiting": 1, "answered": 1}
    assert dict(found["late_photos"].shown) == {"waiting": 1}


def test_messages_are_counted_by_what_became_of_them_with_the_reasons(flow):
    began = run(flow, ["review"])
    talk = make_conversation(began.contact)
    for status, reason in (
        ("sent", ""), ("delivered", ""), ("read", ""), ("held", "Held until 09:00"),
        ("suppressed", "No consent"), ("suppressed", "No consent"), ("failed", "Number is dead"),
    ):  # fmt: skip
        make_message(talk, "Stars?", run=began, step_id="review", status=status, reason=reason)
    found = numbers_of(flow, flow.draft)["review"]
    assert dict(found.shown) == {
        "entered": 1, "sent": 3, "delivered": 2, "read": 1, "held": 1, "suppressed": 2, "failed": 1,
    }  # fmt: skip
    assert found.why[0] == ("No consent", 2)


def test_the_numbers_cost_three_queries_however_many_runs(flow, django_assert_num_queries):
    for _ in range(12):
        run(flow, ["review"], "review")
    with django_assert_num_queries(3):
        assert numbers_of(flow, flow.draft)["review"].waiting == 12
