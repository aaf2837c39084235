"""Whatever comes to an open door, signed or not, is answered, and its job ends: never a fault of ours."""

import base64
import hashlib
import hmac
import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from post_purchase.channels.base import Inbound
from post_purchase.jobs.webhooks import process_webhooks
from post_purchase.models import Message
from post_purchase.services import links
from post_purchase.services.api_tokens import make_token
from post_purchase.services.conversations import receive
from post_purchase.words import ChannelKind, TouchpointKind
from shopapp.lib import clock
from shopapp.lib.storable import storable
from tests import factories
from tests.extension.conftest import buyer_token
from tests.shopapp.pretend import SHOP, admin_claims, sign

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TOPICS = ("orders/create", "orders/updated", "fulfillments/create", "refunds/create", "customers/redact")
NAMES = (
    "id admin_graphql_api_id shop_domain customer order_id line_items fulfillments created_at email phone code "
    "language key text version read button checkout_token order country consent purpose entry messages changes value "
    "object ids"
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["gid://x/1"])
JSON = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=5),
    max_leaves=15,
)
BODIES = JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60)
whatever = effort(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class World:
    def __init__(self) -> None:
        self.shop = factories.make_shop()
        self.order = factories.make_order(self.shop, factories.make_contact(self.shop))
        self.numbers = factories.make_channel(self.shop)
        self.count = itertools.count(1)
        self.room = factories.make_channel(self.shop, ChannelKind.WEBCHAT).pk
        touchpoint = links.touchpoint_of(shop=self.shop, kind=TouchpointKind.THANK_YOU_PAGE)
        self.code = links.link_for_order(touchpoint=touchpoint, order=self.order)[1]
        self.token = make_token(shop=self.shop, name="Tests")[1]
        self.client = Client(raise_request_exception=False)
        begun = {"code": self.code, "language": "en"}
        self.chatter = {"Authorization": f"Bearer {'a' * 43}"}
        self.client.post(f"/api/chat/{self.room}/start", begun, "application/json", headers=self.chatter)

    def post(self, path: str, body: bytes, **headers: str) -> int:
        return self.client.post(path, body, content_type="application/json", headers=headers).status_code


@pytest.fixture
def world(db: None, media: Any) -> Any:
    with clock.frozen(NOON):
        yield World()


def shopifys(body: bytes) -> dict[str, str]:
    signature = base64.b64encode(hmac.new(b"test-client-secret", body, hashlib.sha256).digest()).decode()
    return {"X-Shopify-Hmac-Sha256": signature}


@given(body=BODIES, topic=st.sampled_from(TOPICS), number=st.integers(0, 2**60))
@whatever
def test_shopifys_door(world: World, body: bytes, topic: str, number: int) -> None:
    named = {"X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": SHOP, "X-Shopify-Event-Id": str(number)}
    assert world.post("/webhooks/shopify", body, **named) in (400, 401, 411)  # without a signature, or empty
    assert world.post("/webhooks/shopify", body, **named, **shopifys(body)) in (200, 411)
    process_webhooks()
    assert world.post("/shopify-flow/start", body, **shopifys(body)) < 500


@pytest.mark.parametrize("network", ["whatsapp", "messenger", "instagram"])
@given(body=BODIES)
@whatever
def test_metas_doors(world: World, network: str, body: bytes) -> None:
    signature = "sha256=" + hmac.new(b"test-meta-secret", body, hashlib.sha256).hexdigest()
    assert world.post(f"/webhooks/{network}", body, **{"X-Hub-Signature-256": signature}) in (200, 411)
    process_webhooks()


@pytest.mark.parametrize("path", ["start", "messages", "photos", "feed", "continue"])
@given(body=BODIES)
@whatever
def test_the_chats_doors(world: World, path: str, body: bytes) -> None:
    assert world.post(f"/api/chat/{world.room}/{path}", body, **world.chatter) < 500


@pytest.mark.parametrize("path", ["thank-you", "order-status", "consent", "chat"])
@given(body=BODIES)
@whatever
def test_the_checkouts_doors(world: World, path: str, body: bytes) -> None:
    assert world.post(f"/api/extension/{path}", body, Authorization=f"Bearer {buyer_token()}") < 500


@pytest.mark.parametrize("path", ["order", "start", "customer", "print"])
@given(body=BODIES)
@whatever
def test_the_doors_beside_an_order(world: World, path: str, body: bytes) -> None:
    token = sign(admin_claims(SHOP))
    assert world.post(f"/api/admin/{path}", body, Authorization=f"Bearer {token}") < 500


@given(body=BODIES, key=st.text(min_size=1, max_size=20))
@whatever
def test_the_door_for_other_systems(world: World, body: bytes, key: str) -> None:
    assert world.post("/api/flows/photo_review/start", body, Authorization=f"Bearer {world.token}") < 500
    assert world.client.get("/c/x", {"code": key}).status_code < 500


@pytest.mark.parametrize("path", ["media/", "photos/", "pictures/", "unsubscribe/", "qr/", "chat/", "c/", "proxy/c/"])
@given(rest=st.text(min_size=1, max_size=30))
@whatever
def test_addresses_that_were_made_up(world: World, path: str, rest: str) -> None:
    address = f"/{path}{quote(rest.encode('utf-8', 'replace'))}"
    assert world.client.get(address).status_code < 500
    assert world.client.post(address, {"code": "x"}).status_code < 500


WORDS = st.lists(
    st.sampled_from(["where is my order", "STOP", "code", "#1001", "12345", "cancel it", "5", "★", "👍", "\0"])
)


@given(text=st.text(max_size=60) | WORDS.map(" ".join), number=st.integers(0, 10**9))
@whatever
def test_whatever_a_shopper_writes_is_kept(world: World, text: str, number: int) -> None:
    sender = f"DE.{number}"
    code = Inbound(
        account_id=world.numbers.account_id,
        provider_id=f"wamid.code{next(world.count)}",
        address=sender,
        text=f"My code is {world.code}",
        happened_at=NOON,
    )
    receive(channel=world.numbers, inbound=code)
    asked = replace(code, provider_id=f"wamid.{next(world.count)}", text=text)
    message = receive(channel=world.numbers, inbound=asked)
    assert message is not None
    assert Message.objects.get(pk=message.pk).text == storable(text)
