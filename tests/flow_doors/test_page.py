"""The page of connections, and a flow started by hand."""

import pytest

from post_purchase.jobs.flows import handle_events
from post_purchase.models import ApiToken, FlowEvent, OutgoingCall
from post_purchase.services import api_tokens, outgoing_calls
from tests.factories import make_contact, make_order
from tests.flow_doors.conftest import NOON, make_flow, runs

pytestmark = pytest.mark.django_db
KEY = "ABCDEFGHJKMNPQRS"


def test_a_token_is_shown_once_and_opens_the_door(owner, shop):
    html = owner.post("/app/settings/connections/tokens", {"name": "Our ERP"}).json()["html"]
    token = html.split('id="new-token" tabindex="0">')[1].split("<")[0]
    assert api_tokens.shop_of(token) == shop
    page = owner.get("/app/settings/connections").content.decode()
    assert token not in page
    assert f"…{token[-4:]}" in page
    assert owner.post(f"/app/settings/connections/tokens/{ApiToken.objects.get().pk}/revoke").status_code == 200
    assert api_tokens.shop_of(token) is None
    assert "There is no token yet" in owner.get("/app/settings/connections").content.decode()


def test_a_token_needs_a_name_and_there_are_not_more_than_a_person_can_watch(owner, shop, monkeypatch):
    assert list(owner.post("/app/settings/connections/tokens", {"name": " "}).json()["errors"]) == ["name"]
    monkeypatch.setattr(api_tokens, "MAX_TOKENS", 1)
    owner.post("/app/settings/connections/tokens", {"name": "One"})
    refused = owner.post("/app/settings/connections/tokens", {"name": "Two"})
    assert (refused.status_code, "Revoke one" in refused.json()["message"]) == (422, True)


def outgoing(shop, **fields) -> OutgoingCall:
    defaults = {
        "kind": "webhook",
        "url": "https://erp.example.com/hook",
        "body": {"flow": "x"},
        "dedupe_key": f"k{OutgoingCall.objects.count()}",
        "created_at": NOON,
    }
    return OutgoingCall.objects.create(shop=shop, **(defaults | fields))


def test_each_call_shows_what_came_of_it_and_the_secret_is_there_to_copy(owner, shop):
    outgoing(shop, status="failed", error="The address answered 500")
    outgoing(shop, kind="shopify_flow", url="", status="done")
    outgoing(shop, status="pending", next_attempt_at=NOON, error="No answer")
    page = owner.get("/app/settings/connections").content.decode()
    for words in ("The address answered 500", "Shopify Flow", "No answer; next try 24 Nov, 13:00"):
        assert words in page
    assert outgoing_calls.secret_of(shop) in page
    failed = owner.get("/app/settings/connections?state=failed").content.decode()
    assert "answered 500" in failed
    assert "No answer" not in failed


def test_a_failed_call_is_made_again_and_only_a_failed_one(owner, shop):
    failed = outgoing(shop, status="failed", error="x", attempts=9, finished_at=NOON)
    assert owner.post(f"/app/calls/{failed.pk}/again").status_code == 200
    failed.refresh_from_db()
    assert (failed.status, failed.attempts, failed.error, failed.next_attempt_at) == ("pending", 0, "", NOON)
    for fields in ({"status": "done"}, {"status": "pending"}, {"status": "failed", "body": {}}):  # {}: erased
        row = outgoing(shop, **fields)
        assert owner.post(f"/app/calls/{row.pk}/again").status_code == 422
        before = row.status
        row.refresh_from_db()
        assert row.status == before


def start(owner, placed, **form):
    talk = placed.contact.conversation
    return owner.post(
        f"/app/conversations/{talk.pk}/start-flow",
        {"flow": "ask_for_photo", "order": str(placed.pk), "key": KEY} | form,
    )


def test_a_flow_is_started_by_hand_once_however_often_it_is_clicked(owner, order):
    make_flow(order.shop)
    page = owner.get(f"/app/conversations/{order.contact.conversation.pk}/flows").content.decode()
    assert 'value="ask_for_photo"' in page
    assert "Order #1001" in page
    for _ in range(3):
        assert start(owner, order).status_code == 200
    handle_events()
    assert runs() == [("ask_for_photo", order.pk, order.contact_id)]
    again = start(owner, order, key="0" * 16)
    assert (again.status_code, "has run for this already" in again.json()["errors"]["flow"]) == (422, True)


def test_by_hand_a_flow_about_a_person_needs_no_order(owner, order):
    make_flow(order.shop, subject="contact")
    assert start(owner, order, order="").status_code == 200
    handle_events()
    assert runs() == [("ask_for_photo", None, order.contact_id)]


def test_a_flow_cannot_be_started_for_somebody_elses_order(owner, order):
    make_flow(order.shop)
    other = make_order(order.shop, make_contact(order.shop, first_name="Otto"))
    assert start(owner, order, order=str(other.pk)).status_code == 404
    assert start(owner, order, flow="").status_code == 422
    assert start(owner, order, key="short").status_code == 422
    assert not FlowEvent.objects.exists()


def test_what_is_off_or_begins_with_a_review_is_not_offered(owner, order):
    flow = make_flow(order.shop)
    make_flow(order.shop, "after_review", news=["review_given"], subject="review")
    page = f"/app/conversations/{order.contact.conversation.pk}/flows"
    assert 'value="after_review"' not in owner.get(page).content.decode()
    flow.status = "off"
    flow.save()
    assert "No flow is switched on" in owner.get(page).content.decode()
