"""POST /api/flows/<key>/start, as a merchant's own system calls it."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from post_purchase.jobs.flows import handle_events
from post_purchase.models import ApiToken, FlowEvent
from post_purchase.services import api_tokens
from shopapp.lib import queue
from tests.factories import make_contact, make_order, make_shop
from tests.flow_doors.conftest import NOON, make_flow, runs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits_left_over")]


@pytest.fixture
def token(shop) -> str:
    return api_tokens.make_token(shop=shop, name="Our ERP", user_id="42")[1]


def call(
    token: str, body: Any = None, *, key: str = "ask_for_photo", repeat: str = "order-1001", method: str = "post"
) -> HttpResponse:
    raw = body if isinstance(body, bytes) else json.dumps({"order": "#1001"} if body is None else body).encode()
    headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": repeat} if repeat else {})
    return getattr(Client(), method)(f"/api/flows/{key}/start", raw, content_type="application/json", headers=headers)


@pytest.mark.parametrize("name", ["#1001", "5001", "gid://shopify/Order/5001"])
def test_a_flow_starts_for_the_order_that_is_named(order, token, name):
    make_flow(order.shop)
    answer = call(token, {"order": name})
    assert (answer.status_code, answer.json()["accepted"]) == (202, True)
    handle_events()
    assert runs() == [("ask_for_photo", order.pk, order.contact_id)]


def test_the_same_key_starts_once_however_often_and_another_flow_is_another_call(order, token):
    make_flow(order.shop)
    make_flow(order.shop, "thanks")
    answers = [call(token) for _ in range(3)]
    handle_events()
    answers.append(call(token))  # after the run has begun: still the first answer
    assert {(answer.status_code, answer.json()["event"]) for answer in answers} == {(202, FlowEvent.objects.get().pk)}
    assert call(token, key="thanks").status_code == 202
    handle_events()
    assert [key for key, *_ in runs()] == ["ask_for_photo", "thanks"]


def test_a_flow_that_runs_once_says_so_instead_of_pretending(order, token):
    make_flow(order.shop)
    call(token)
    handle_events()
    answer = call(token, repeat="another")
    assert (answer.status_code, answer.json()) == (
        409,
        {"error": "The flow “Ask for a photo” has run for this already, and is set to run once."},
    )


def test_a_flow_about_a_person_starts_for_the_customer(order, token):
    make_flow(order.shop, subject="contact", again_after="P30D")
    assert call(token, {"customer": "gid://shopify/Customer/7001"}).status_code == 202
    handle_events()
    assert runs() == [("ask_for_photo", None, order.contact_id)]


def test_a_token_opens_its_own_shop_only(order, token):
    rival = make_shop("rival-goods.myshopify.com")
    make_flow(rival)
    make_order(rival, make_contact(rival), name="#2002", shopify_id=6002)
    assert call(token, {"order": "#2002"}).status_code == 404
    assert call(token, {"order": "#1001"}).status_code == 409  # the flow is the rival's
    assert not FlowEvent.objects.exists()


@pytest.mark.parametrize("offered", ["", "doorstep_", "doorstep_" + "0" * 32, "x" * 5000, "é"])
def test_without_a_token_nothing_is_told(order, offered):
    answer = call(offered)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_a_revoked_token_and_one_of_a_shop_that_left_are_nobodys(order, token):
    make_flow(order.shop)
    api_tokens.revoke(token=ApiToken.objects.get())
    assert call(token).status_code == 401
    ApiToken.objects.update(revoked_at=None)
    order.shop.status = "uninstalled"
    order.shop.save()
    assert call(token).status_code == 401


def test_a_token_is_kept_as_a_hash_and_its_use_is_noted(order, token):
    make_flow(order.shop)
    call(token)
    row = ApiToken.objects.get()
    assert token not in str(ApiToken.objects.values().get())
    assert (row.tail, row.last_used_at, row.created_by) == (token[-4:], NOON, "42")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"order": "#404"}, 404, "does not know this order"),
        ({"customer": "404"}, 404, "does not know this customer"),
        ({"customer": "maria@example.com"}, 404, "does not know this customer"),
        ({}, 400, "Name an order"),
        ({"ordr": "#1001"}, 400, "must be JSON"),
        ([], 400, "must be JSON"),
        (b"{", 400, "must be JSON"),
        (b"x" * 5000, 413, "longer than 4096"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_what_to_do(order, token, body, status, words):
    make_flow(order.shop)
    answer = call(token, body)
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.content
    assert not FlowEvent.objects.exists()


def test_a_flow_that_is_off_or_unknown_and_a_call_without_its_key_are_refused(order, token):
    flow = make_flow(order.shop)
    assert call(token, repeat="").status_code == 400
    assert call(token, repeat="x" * 101).status_code == 400
    assert call(token, key="unknown").status_code == 409
    assert call(token, key="No-Such").status_code == 404
    flow.status = "off"
    flow.save()
    assert "switched off" in call(token).json()["error"]
    assert call(token, method="put").status_code == 405


def test_a_key_with_an_address_in_it_is_not_kept(order, token):
    make_flow(order.shop)
    call(token, repeat="maria@example.com")
    assert "maria" not in FlowEvent.objects.get().key


def test_a_shop_that_calls_too_often_waits_for_the_next_minute(order, token, at, monkeypatch):
    make_flow(order.shop)
    monkeypatch.setattr(api_tokens, "CALLS_A_MINUTE", 2)
    at.move(seconds=40)
    assert [call(token).status_code for _ in range(3)] == [202, 202, 429]
    assert call(token)["Retry-After"] == "20"
    at.move(seconds=20)
    assert call(token).status_code == 202


def test_without_redis_calls_still_work(order, token, monkeypatch):
    def away() -> None:
        raise queue.RedisError

    make_flow(order.shop)
    with monkeypatch.context() as patched:
        patched.setattr(queue, "redis", away)
        assert call(token).status_code == 202
