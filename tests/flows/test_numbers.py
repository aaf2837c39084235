"""The numbers on the path."""

from datetime import UTC, datetime, timedelta

import pytest

from post_purchase.flows import editing, numbers
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
    found = numbers_of(flow, flow.draft).steps
    assert dict(found["wait_for_chat"].shown) == {"entered": 4, "waiting": 1, "exited": 1}
    assert found["wait_for_chat"].why == [("The order was cancelled", 1)]
    assert dict(found["review"].shown) == {"entered": 2, "waiting": 1, "answered": 1}
    assert dict(found["late_photos"].shown) == {"waiting": 1}


def test_messages_are_counted_by_what_became_of_them_with_the_reasons(flow):
    began = run(flow, ["review"])
    talk = make_conversation(began.contact)
    for status, reason in (
        ("sent", ""), ("delivered", ""), ("read", ""), ("held", "Held until 09:00 in Lyon: quiet hours"),
        ("suppressed", "No consent"), ("suppressed", "No consent"), ("failed", "Number is dead"),
    ):  # fmt: skip
        make_message(talk, "Stars?", run=began, step_id="review", status=status, reason=reason)
    found = numbers_of(flow, flow.draft).steps["review"]
    assert dict(found.shown) == {
        "entered": 1, "sent": 3, "delivered": 2, "read": 1, "held": 1, "suppressed": 2, "failed": 1,
    }  # fmt: skip
    assert found.why[0] == ("No consent", 2)


def test_the_numbers_cost_three_queries_however_many_runs(flow, django_assert_num_queries):
    for _ in range(12):
        run(flow, ["review"], "review")
    with django_assert_num_queries(3):
        assert numbers_of(flow, flow.draft).steps["review"].waiting == 12


def test_a_reason_is_one_line_whatever_the_town_and_the_hour(flow):
    talk = make_conversation(run(flow, ["review"]).contact)
    began = run(flow, ["review"])
    for reason in (
        "Held until 08:00 in Berlin: quiet hours",
        "Held until Tue 17 Mar 08:30 in Mexico City: quiet hours",
        "Held until 08:00: quiet hours",
        "Held until Sat 21 Mar 11:00 in Lyon: 1 offer in seven days already",
    ):
        make_message(talk, "Stars?", run=began, step_id="review", status="held", reason=reason)
    for hours in (26, 71):
        why = f"The shopper last wrote {hours} hours ago; Instagram takes nothing after 24"
        make_message(talk, "Stars?", run=began, step_id="review", status="suppressed", reason=why)
    assert numbers_of(flow, flow.draft).steps["review"].why == [
        ("Held: quiet hours", 3),
        ("The shopper last wrote too long ago; Instagram takes nothing after 24", 2),
        ("Held: 1 offer in seven days already", 1),
    ]


def test_all_numbers_are_of_the_same_runs_and_the_page_says_of_which(flow, monkeypatch):
    monkeypatch.setattr(numbers, "NEWEST", 2)
    for _ in range(3):
        began = run(flow, ["review"], "review")
        make_message(make_conversation(began.contact), "Stars?", run=began, step_id="review", status="sent")
    found = numbers_of(flow, flow.draft)
    assert dict(found.steps["review"].shown) == {"entered": 2, "waiting": 2, "sent": 2}
    assert found.range == "Of the newest 2 who began, in the last 90 days"
    monkeypatch.setattr(numbers, "NEWEST", 4)
    found = numbers_of(flow, flow.draft)
    assert (found.steps["review"].sent, found.range) == (3, "Of the 3 who began in the last 90 days")


def test_each_version_has_numbers_of_its_own(flow):
    other = flow.versions.create(number=2, document=flow.draft, published_at=NOW)
    run(flow, ["review"], "review")
    began = run(flow, ["review", "late_photos"])
    FlowRun.objects.filter(pk=began.pk).update(version=other)
    make_message(make_conversation(began.contact), "Stars?", run=began, step_id="review", status="read")
    found = numbers_of(flow, flow.draft)
    assert dict(found.of([flow.live_version_id])["review"].shown) == {"entered": 1, "waiting": 1}
    assert dict(found.of([other.pk])["review"].shown) == {"entered": 1, "sent": 1, "delivered": 1, "read": 1}
    assert dict(found.steps["review"].shown)["entered"] == 2
