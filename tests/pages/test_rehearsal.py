"""The page of a rehearsal: from asking over progress to the result and one person's journey."""

from datetime import timedelta

import pytest

from post_purchase.flows.editing import save_draft, switch_off, switch_on
from post_purchase.jobs.rehearsals import rehearse
from post_purchase.models import Contact, Flow, FlowEvent, Rehearsal
from post_purchase.services import rehearsals
from post_purchase.services.events import record_event
from post_purchase.words import EventKind
from tests.flows.past_shop import flow_of, make_past
from tests.pages.conftest import NOW


@pytest.fixture
def flow(shop) -> Flow:
    make_past(NOW, orders=8, domain=shop.domain)
    return flow_of(shop, "thank_you")


def start(owner, flow, **typed):
    return owner.post(f"/app/flows/{flow.pk}/rehearsal/start", typed)


def page_of(owner, flow) -> str:
    return owner.get(f"/app/flows/{flow.pk}/rehearsal").content.decode()


def test_rehearse_then_switch_on_is_two_clicks(owner, flow):
    assert f'action="/app/flows/{flow.pk}/rehearsal/start"' in owner.get(f"/app/flows/{flow.pk}").content.decode()
    answer = start(owner, flow, if_needed="1").json()  # the first click
    assert answer["go"].startswith(f"/app/flows/{flow.pk}/rehearsal?")
    assert "The rehearsal is being played" in page_of(owner, flow)
    rehearse()
    html = page_of(owner, flow)
    assert "What would have happened" in html
    assert f'action="/app/flows/{flow.pk}/switch"' in html
    owner.post(f"/app/flows/{flow.pk}/switch", {"to": "on"})  # the second
    flow.refresh_from_db()
    assert flow.status == "on"


def test_what_was_played_today_is_not_played_again_unless_asked(owner, flow):
    start(owner, flow, if_needed="1")
    rehearse()
    start(owner, flow, if_needed="1")
    assert Rehearsal.objects.count() == 1
    assert not Rehearsal.objects.get().is_open
    start(owner, flow)
    assert Rehearsal.objects.latest("pk").is_open
    rehearse()
    save_draft(flow, {**flow.draft, "name": "Another"})
    start(owner, flow, if_needed="1")
    assert Rehearsal.objects.latest("pk").document["name"] == "Another"


def test_assumptions_are_kept_and_shown_again(owner, flow):
    assert start(owner, flow, opens="100", answers="0", days="30").status_code == 200
    row = Rehearsal.objects.get()
    assert (row.assumptions["opens"], row.assumptions["answers"], (row.until - row.since).days) == (100, 0, 30)
    rehearse()
    assert 'name="opens" min="0" max="100" value="100"' in page_of(owner, flow)


@pytest.mark.parametrize(
    ("name", "typed"),
    [("opens", "-1"), ("opens", "101"), ("answers", "many"), ("photos", "1.5"), ("five_stars", "99"), ("days", "4000")],
)
def test_a_wrong_assumption_is_said_at_its_field(owner, flow, name, typed):
    answer = start(owner, flow, **{name: typed})
    assert answer.status_code == 422
    assert name in answer.json()["errors"]
    assert not Rehearsal.objects.exists()


def test_a_draft_with_problems_is_not_rehearsed(owner, flow):
    save_draft(flow, {**flow.draft, "start": "nowhere"})
    answer = start(owner, flow)
    assert answer.status_code == 422
    assert "there is no step" in answer.json()["message"]
    assert not Rehearsal.objects.exists()


def test_progress_and_stop(owner, flow):
    start(owner, flow)
    row = Rehearsal.objects.get()
    claimed = rehearsals.claim()
    assert claimed is not None
    rehearsals.note(rehearsal=claimed, done=3, total=6)
    live = owner.get(f"/app/rehearsals/{row.pk}/live")
    assert "3 of 6 people" in live.content.decode()
    same = owner.get(f"/app/rehearsals/{row.pk}/live", HTTP_IF_NONE_MATCH=live["ETag"])
    assert same.status_code == 304
    assert owner.post(f"/app/rehearsals/{row.pk}/cancel").json()["toast"] == "Stopped."
    assert "The rehearsal was stopped" in page_of(owner, flow)
    assert owner.post(f"/app/rehearsals/{row.pk}/cancel").json()["toast"] == "It had ended already."


def test_the_list_and_the_journey_name_people_only_to_the_merchant(owner, rival, flow):
    start(owner, flow, opens="100", opens_at_delivery="0")
    rehearse()
    row = Rehearsal.objects.get()
    html = owner.get(f"/app/rehearsals/{row.pk}/messages").content.decode()
    assert html.count("<s-table-row") == 8
    assert "Person0" in html
    found = owner.get(f"/app/rehearsals/{row.pk}/messages?q=Person1&outcome=sent&flow=thank_you").content.decode()
    assert found.count("<s-table-row") == 1
    nobody = owner.get(f"/app/rehearsals/{row.pk}/messages?q=Nobody").content.decode()
    assert "Nothing here" in nobody
    contact = row.messages.filter(contact__first_name="Person1").get().contact_id
    journey = owner.get(f"/app/rehearsals/{row.pk}/journey/contact-{contact}").content.decode()
    assert "Person1" in journey
    assert "Order placed" in journey
    assert "Thank you" in journey
    assert rival.get(f"/app/rehearsals/{row.pk}/journey/contact-{contact}").status_code == 404


@pytest.mark.parametrize(
    "who", ["contact-0", "contact-999999999999999999", "order-1", "x-1", "contact-", "contact-1-2"]
)
def test_a_journey_of_nobody_is_not_found(owner, flow, who):
    start(owner, flow)
    rehearse()
    assert owner.get(f"/app/rehearsals/{Rehearsal.objects.get().pk}/journey/{who}").status_code == 404


def test_the_result_says_when_the_draft_has_changed_since(owner, flow):
    start(owner, flow)
    rehearse()
    assert "The draft has changed since" not in page_of(owner, flow)
    save_draft(flow, {**flow.draft, "name": "Another"})
    assert "The draft has changed since" in page_of(owner, flow)


def test_a_failed_rehearsal_says_why(owner, flow):
    start(owner, flow)
    claimed = rehearsals.claim()
    assert claimed is not None
    rehearsals.fail(rehearsal=claimed, error="Shown as it is: <b>")
    assert "Shown as it is: &lt;b&gt;" in page_of(owner, flow)
    switch_off(flow)


def rehearsed(owner, flow) -> str:
    start(owner, flow, opens="100", opens_at_delivery="0")
    rehearse()
    return page_of(owner, flow)


def test_the_first_figures_are_those_of_the_rehearsed_flow(owner, flow):
    switch_on(flow_of(flow.shop, "shipped"))
    own, _, together = rehearsed(owner, flow).partition("Together with your live flows")
    sent = {one["key"]: one["sent"] for one in Rehearsal.objects.get().result["flows"]}
    assert sent["shipped"] > 0
    assert f"<strong>{sent['thank_you']}</strong><span>messages sent" in own
    assert f"<strong>{sum(sent.values())}</strong><span>messages sent" in together


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("delivery_trouble", "That did not happen once in these 90 days."),
        ("return_help", "And it cannot be rehearsed when the shopper writes."),
        ("csat", "That did not happen once in these 90 days. We know of it only as long as we keep such news."),
    ],
)
def test_a_flow_that_did_not_begin_once_says_so_and_why(owner, flow, key, why):
    switch_on(flow)
    html = rehearsed(owner, flow_of(flow.shop, key))
    assert f"“{flow_of(flow.shop, key).name}” would not have begun once" in html
    assert why in html
    assert html.index("What would have happened") < html.index("Together with your live flows")


def test_what_only_you_start_cannot_be_rehearsed_and_the_page_says_so(owner, flow):
    save_draft(flow, {**flow.draft, "trigger": {"news": ["api_called"], "subject": "order"}})
    html = rehearsed(owner, flow)
    assert "It begins when your own system starts it. That cannot be rehearsed" in html


def test_news_that_came_and_a_condition_that_did_not_hold_is_told_apart(owner, flow):
    trigger = {"news": ["order_paid"], "subject": "order", "if": {"fact": "order.total", "at_least": 100000}}
    save_draft(flow, {**flow.draft, "trigger": trigger})
    html = rehearsed(owner, flow)
    assert "if the order&#x27;s total is at least 100000. That news came 8 times in these 90 days" in html


def test_a_talk_that_the_team_closed_is_played(owner, flow):
    contact = Contact.objects.filter(shop=flow.shop).order_by("pk").first()
    record_event(
        shop=flow.shop, kind=EventKind.CONVERSATION_CLOSED, key="closed", contact=contact,
        data={"answered_by_person": True, "may_ask": True},
    )  # fmt: skip
    FlowEvent.objects.update(happened_at=NOW - timedelta(days=20))
    rehearsed(owner, flow_of(flow.shop, "csat"))
    assert Rehearsal.objects.get().result["own"]["started"] == 1


def test_the_histogram_has_its_figures_beside_its_bars(owner, flow):
    html = rehearsed(owner, flow)
    bars = Rehearsal.objects.get().result["histogram"]
    drawn = html.partition('<div class="days bars">')[2].partition("<svg")[0]
    assert drawn == f'<div class="under">{"".join(f"<span>{people}</span>" for _, people in bars)}</div>'
