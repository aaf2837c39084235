"""The action of Shopify Flow, signed as Shopify signs it, and what both extensions say of themselves."""

import base64
import hashlib
import hmac
import json
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve

from post_purchase.flows.performing import _told_shopify_flow
from post_purchase.jobs.flows import handle_events
from post_purchase.models import FlowEvent
from post_purchase.services.outgoing_calls import SHOPIFY_FLOW_HANDLE
from post_purchase.web.public import shopify_flow
from tests.factories import make_contact, make_order, make_parcel, make_shop
from tests.flow_doors.conftest import make_flow, runs

ROOT = Path(__file__).resolve().parents[2] / "extensions"
TRIGGER = tomllib.loads((ROOT / "flow-trigger" / "shopify.extension.toml").read_text("utf-8"))
ACTION = tomllib.loads((ROOT / "flow-action" / "shopify.extension.toml").read_text("utf-8"))
# As Shopify's CLI 4.8 takes them (its serializeFields): references, and what else an action or a trigger may ask for.
REFERENCES = {"customer_reference", "order_reference", "product_reference", "company_reference"}
OF_ACTIONS = {"boolean", "email", "multi_line_text_field", "number_integer", "single_line_text_field", "url"}
OF_TRIGGERS = {"boolean", "email", "single_line_text_field", "url", "number_decimal"}


def call(*, run: str = "run-1", secret: bytes = b"test-client-secret", **changes: Any) -> HttpResponse:
    properties = {"flow": "ask_for_photo", "order_id": "gid://shopify/Order/5001"} | changes.pop("properties", {})
    body: dict[str, Any] = {
        "shop_id": 60100000001,
        "shopify_domain": "fern-and-field.myshopify.com",
        "action_run_id": run,
        "handle": "start-doorstep-flow",
        "properties": properties,
    }
    raw = json.dumps(body | changes).encode()
    signature = base64.b64encode(hmac.new(secret, raw, hashlib.sha256).digest()).decode()
    headers = {"X-Shopify-Hmac-Sha256": signature}
    return Client().post("/shopify-flow/start", raw, content_type="application/json", headers=headers)


@pytest.mark.django_db
@pytest.mark.parametrize("order_id", ["gid://shopify/Order/5001", "5001", 5001])
def test_a_workflow_starts_a_flow_once_also_when_shopify_calls_again(order, order_id):
    make_flow(order.shop)
    for _ in range(2):
        assert call(properties={"order_id": order_id}).status_code == 200
    handle_events()
    assert call(properties={"order_id": order_id}).status_code == 200
    assert runs() == [("ask_for_photo", order.pk, order.contact_id)]
    assert FlowEvent.objects.get().kind == "shopify_flow"


@pytest.mark.django_db
def test_a_forged_call_is_refused_and_starts_nothing(order):
    make_flow(order.shop)
    assert call(secret=b"wrong").status_code == 401
    unsigned = Client().post("/shopify-flow/start", b"{}", content_type="application/json")
    assert unsigned.status_code == 401
    assert not FlowEvent.objects.exists()


@pytest.mark.django_db
def test_an_order_that_is_not_here_yet_is_asked_for_again_by_shopify(order):
    make_flow(order.shop)
    answer = call(properties={"order_id": "gid://shopify/Order/404"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"properties": {"flow": "unknown"}}, 422, "There is no flow with this key"),
        ({"properties": {"flow": ""}}, 422, "Fill in the key"),
        ({"properties": {"flow": None}}, 422, "Fill in the key"),
        ({"properties": {"order_id": None}}, 422, "is about an order"),
        ({"properties": {"order_id": None, "customer_id": "1"}}, 422, "does not know this customer"),
        ({"action_run_id": ""}, 422, "Fill in"),
        ({"shopify_domain": "stranger.myshopify.com"}, 404, "does not use Doorstep"),
    ],
)
def test_what_cannot_work_is_said_in_the_log_of_the_workflow(order, changes, status, words):
    make_flow(order.shop)
    answer = call(**changes)
    assert (answer.status_code, words in answer.json()["message"]) == (status, True), answer.content
    assert not FlowEvent.objects.exists()


@pytest.mark.django_db
def test_another_shops_order_is_not_found(order):
    rival = make_shop("rival-goods.myshopify.com")
    make_order(rival, make_contact(rival), shopify_id=6002)
    make_flow(order.shop)
    assert call(properties={"order_id": "6002"}).status_code == 503


@pytest.mark.django_db
def test_a_flow_about_a_parcel_takes_the_newest_and_one_about_a_review_cannot_be_started(order):
    make_flow(order.shop, subject="parcel")
    assert "about a parcel" in call().json()["message"]
    make_parcel(order)
    newest = make_parcel(order)
    make_parcel(order, "cancelled")
    assert call(run="run-2").status_code == 200
    assert FlowEvent.objects.get().parcel == newest
    make_flow(order.shop, "after_review", news=["review_given"], subject="review")
    assert "begins with a review" in call(run="run-3", properties={"flow": "after_review"}).json()["message"]


def test_other_methods_and_large_bodies_are_refused():
    assert Client().get("/shopify-flow/start").status_code == 405
    large = b"x" * (shopify_flow.MAX_BODY + 1)
    assert Client().post("/shopify-flow/start", large, content_type="application/json").status_code == 413


@pytest.mark.parametrize(
    ("toml", "kind", "custom"), [(TRIGGER, "flow_trigger", OF_TRIGGERS), (ACTION, "flow_action", OF_ACTIONS)]
)
def test_the_extensions_are_as_shopifys_cli_takes_them(toml, kind, custom):
    [one] = toml["extensions"]
    assert one["type"] == kind
    assert re.fullmatch(r"[a-z0-9-]{1,30}", one["handle"])
    for field in toml["settings"]["fields"]:
        if field["type"] in REFERENCES:
            assert "key" not in field
        else:
            assert field["type"] in custom
            assert re.fullmatch(r"[a-zA-Z\s]+" if kind == "flow_trigger" else r"[a-z_]+", field["key"])


def test_the_trigger_has_the_fields_that_flows_send():
    declared = {
        field["key"] if "key" in field else field["type"].replace("_reference", "_id")
        for field in TRIGGER["settings"]["fields"]
    }
    run = SimpleNamespace(
        order=SimpleNamespace(shopify_id=1),
        contact=SimpleNamespace(shopify_customer_id=2),
        flow=SimpleNamespace(key="f"),
    )
    told = _told_shopify_flow(SimpleNamespace(run=run, answers={"rating": 5}))
    assert set(told) == declared
    assert TRIGGER["extensions"][0]["handle"] == SHOPIFY_FLOW_HANDLE


def test_the_action_leads_to_our_door_and_asks_for_what_it_reads():
    url = ACTION["extensions"][0]["runtime_url"]
    assert url.startswith("https://")
    assert resolve("/" + url.split("/", 3)[3]).func is shopify_flow.start
    fields = {field.get("key") or field["type"].replace("_reference", "_id") for field in ACTION["settings"]["fields"]}
    assert fields == set(shopify_flow.Properties.model_fields)
