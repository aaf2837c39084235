"""In the conversation stands why a flow wrote nothing, and why it ended early."""

import pytest

from post_purchase.flows import editing, runs
from post_purchase.flows.numbers import numbers_of
from post_purchase.flows.state import START, Event
from post_purchase.models import Flow
from shopapp.lib import clock
from tests.pages.seed import seed

RICH = {"fact": "order.total", "at_least": 5000}


@pytest.fixture
def rows(shop):
    return seed(shop)


@pytest.fixture
def flow(rows) -> Flow:
    steps = {
        "rich": {"kind": "branch", "cases": [{"if": RICH, "goto": "rest"}]},
        "rest": {"kind": "wait", "for": "P9D", "next": None},
    }
    document = {
        "schema": 1, "key": "gift", "name": "A gift", "trigger": {"news": ["order_paid"]}, "start": "rich",
        "steps": steps, "messages": {}, "texts": {},
    }  # fmt: skip
    return editing.switch_on(Flow.objects.create(shop=rows.shop, key="gift", name="A gift", draft=document))


def begin(flow: Flow, rows):
    event = Event(START, "start:1", clock.now(), {"by": "order_paid"})
    return runs.start(flow=flow, subject_key=f"order:{rows.order.pk}", order=rows.order, event=event)


def read(owner, rows, more: str = "") -> str:
    return owner.get(f"/app/conversations/{rows.conversation.pk}{more}").content.decode()


def test_why_no_message_went_stands_in_the_conversation_and_on_the_path(owner, rows, flow):
    assert "A gift" not in read(owner, rows)
    run = begin(flow, rows)
    story = f"A gift for {rows.order.name}: no message. It ended there, as this was not so: the order&#x27;s total"
    assert story in read(owner, rows)
    assert story in read(owner, rows, "/live")
    assert run.contact_id == rows.conversation.contact_id
    assert "Ended: No message went. It ended there" in read(owner, rows, "/beside")
    numbers = numbers_of(flow, flow.draft).steps["rich"]
    assert ("left out", 1) in numbers.shown
    assert numbers.why == [("It ended there, as this was not so: the order's total is at least 5000", 1)]


def test_why_a_flow_ended_early_stands_there_and_an_ordinary_end_does_not(owner, rows, flow):
    rows.order.total = 9000
    rows.order.save()
    run = begin(flow, rows)
    assert "A gift" not in read(owner, rows)
    runs.interrupt(run_id=run.pk, reason="A newer run of the same flow took over", key="newer")
    assert f"A gift for {rows.order.name} ended early. A newer run of the same flow took over." in read(owner, rows)
    run.refresh_from_db()
    run.ended_reason = "Finished"
    run.save()
    assert "A gift" not in read(owner, rows)


def test_a_story_stands_at_its_time_between_the_messages_and_not_among_older_ones(owner, rows, flow):
    begin(flow, rows)
    newest = rows.conversation.messages.order_by("-pk").first()
    older = read(owner, rows, f"?before={newest.pk}")
    assert "A gift" not in older
    newest.happened_at = clock.now().replace(year=2040)
    newest.save()
    html = read(owner, rows, "/live")
    assert html.index("A gift") < html.rindex('class="bubble')
