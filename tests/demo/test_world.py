"""The stand-ins are strict: what the real ones refuse, they refuse, with the same error."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from demo.shopify import webhooks
from demo.world import DemoWorld
from shopapp.shopify import operations
from tests.pretend_world import ENVIRONMENT, SHOP

NUMBER = "106540352242922"
HTTP = httpx.Client(verify=False, limits=httpx.Limits(max_keepalive_connections=0))  # of this machine


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> Iterator[DemoWorld]:
    with DemoWorld.running(environment=ENVIRONMENT, now=clock) as world:
        world.shopify.create_shop(SHOP)
        world.whatsapp.create_number(NUMBER)
        world.messenger.create_page()
        yield world


def exchange(world: DemoWorld, **changes: object) -> httpx.Response:
    body = {
        "client_id": "test-client-id",
        "client_secret": "test-client-secret",
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": world.shopify.oauth.admin_token(SHOP),
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
        "expiring": 1,
    }
    return HTTP.post(f"{world.url}/shops/{SHOP}/admin/oauth/access_token", json=body | changes)


def refresh(world: DemoWorld, token: str) -> httpx.Response:
    return exchange(world, grant_type="refresh_token", refresh_token=token)


def ask(world: DemoWorld, token: str, query: str, **variables: object) -> httpx.Response:
    return HTTP.post(
        f"{world.url}/shops/{SHOP}/admin/api/2026-10/graphql.json",
        json={"query": query, "variables": variables},
        headers={"X-Shopify-Access-Token": token},
    )


def send(world: DemoWorld, token: str = "EAADemoWhatsAppToken", **message: object) -> httpx.Response:
    return HTTP.post(
        f"{world.url}/graph/v25.0/{NUMBER}/messages",
        json={"messaging_product": "whatsapp", "recipient_type": "individual", **message},
        headers={"Authorization": f"Bearer {token}"},
    )


class TestTokens:
    def test_an_id_token_is_exchanged_for_an_expiring_pair(self, world: DemoWorld) -> None:
        answer = exchange(world).json()
        assert (answer["expires_in"], answer["refresh_token_expires_in"]) == (3600, 90 * 86400)
        assert "write_discounts" in answer["scope"]

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"expiring": 0}, "invalid_request"),
            ({"client_secret": "wrong"}, "invalid_client"),
            ({"subject_token": "rubbish"}, "invalid_subject_token"),
        ],
    )
    def test_what_shopify_refuses_is_refused(self, world: DemoWorld, change: dict[str, object], error: str) -> None:
        answer = exchange(world, **change)
        assert answer.status_code in (400, 401)
        assert answer.json()["error"] == error

    def test_a_buyers_token_buys_nothing(self, world: DemoWorld) -> None:
        token = world.shopify.oauth.buyer_token(SHOP)
        assert exchange(world, subject_token=token).json()["error"] == "invalid_subject_token"

    def test_an_access_token_dies_after_an_hour(self, world: DemoWorld, clock: Clock) -> None:
        token = exchange(world).json()["access_token"]
        assert ask(world, token, "{ shop { name } }").status_code == 200
        clock.at += timedelta(hours=1, seconds=1)
        assert ask(world, token, "{ shop { name } }").status_code == 401

    def test_the_old_refresh_token_works_until_the_new_one_is_used(self, world: DemoWorld) -> None:
        first = exchange(world).json()["refresh_token"]
        second = refresh(world, first).json()["refresh_token"]
        assert refresh(world, first).status_code == 200
        assert refresh(world, second).status_code == 200
        spent = refresh(world, first)
        assert (spent.status_code, spent.json()["error"]) == (400, "invalid_grant")

    def test_uninstalling_kills_every_token(self, world: DemoWorld) -> None:
        pair = exchange(world).json()
        world.shopify.uninstall(SHOP)
        assert ask(world, pair["access_token"], "{ shop { name } }").status_code == 401
        assert refresh(world, pair["refresh_token"]).json()["error"] == "invalid_grant"
        assert [each.label for each in world.courier.take()] == ["app/uninstalled"]


class TestAdminApi:
    def test_the_selected_fields_come_and_no_others(self, world: DemoWorld) -> None:
        order = world.shopify.place_order(SHOP, tell=False)
        token = exchange(world).json()["access_token"]
        query = "query($id: ID!) { order(id: $id) { name lineItems(first: 2) { nodes { title currentQuantity } } } }"
        data = ask(world, token, query, id=order["admin_graphql_api_id"]).json()["data"]
        assert data == {
            "order": {"name": order["name"], "lineItems": {"nodes": [{"title": "Stoneware mug", "currentQuantity": 1}]}}
        }

    def test_an_unknown_field_is_an_error(self, world: DemoWorld) -> None:
        answer = ask(world, exchange(world).json()["access_token"], "{ shop { favouriteColour } }")
        assert "Cannot query field 'favouriteColour'" in answer.json()["errors"][0]["message"]

    def test_an_empty_bucket_is_a_throttled_200(self, world: DemoWorld) -> None:
        token = exchange(world).json()["access_token"]
        query = "{ orders(first: 250) { nodes { name customer { id } lineItems(first: 4) { nodes { title } } } } }"
        world.shopify.graphql.buckets[SHOP] = (5.0, time.monotonic())
        answer = ask(world, token, query)
        assert answer.status_code == 200
        assert answer.json()["errors"][0]["extensions"]["code"] == "THROTTLED"
        assert answer.json()["extensions"]["cost"]["throttleStatus"]["restoreRate"] == 100

    def test_what_was_asked_for_and_not_found_costs_nothing(self, world: DemoWorld) -> None:
        world.shopify.place_order(SHOP, tell=False)
        query = "{ orders(first: 50) { nodes { name customer { id } } } }"
        cost = ask(world, exchange(world).json()["access_token"], query).json()["extensions"]["cost"]
        assert cost["requestedQueryCost"] > cost["actualQueryCost"] == 3

    def test_a_discount_code_exists_once_and_is_used_once(self, world: DemoWorld, clock: Clock) -> None:
        token = exchange(world).json()["access_token"]
        mutation = """mutation($d: DiscountCodeBasicInput!) { discountCodeBasicCreate(basicCodeDiscount: $d) {
            codeDiscountNode { id } userErrors { field code message } } }"""
        discount = {
            "title": "Thanks",
            "code": "THANKS-1",
            "startsAt": "2026-11-24T12:00:00Z",
            "endsAt": "2026-12-24T12:00:00Z",
            "usageLimit": 1,
            "appliesOncePerCustomer": True,
            "context": {"all": "ALL"},
            "customerGets": {"items": {"all": True}, "value": {"percentage": 0.1}},
        }
        first = ask(world, token, mutation, d=discount).json()["data"]["discountCodeBasicCreate"]
        again = ask(world, token, mutation, d=discount).json()["data"]["discountCodeBasicCreate"]
        assert first["userErrors"] == []
        assert [each["code"] for each in again["userErrors"]] == ["TAKEN"]
        assert [world.shopify.redeem_discount(SHOP, "thanks-1") for _ in range(2)] == ["ok", "used up"]

    def test_orders_are_found_by_when_they_changed(self, world: DemoWorld, clock: Clock) -> None:
        world.shopify.place_order(SHOP, tell=False)
        clock.at += timedelta(hours=1)
        young = world.shopify.place_order(SHOP, tell=False)
        token = exchange(world).json()["access_token"]
        query = """query($q: String) {
            orders(first: 5, query: $q, sortKey: UPDATED_AT) { nodes { name } pageInfo { hasNextPage } } }"""
        found = ask(world, token, query, q="updated_at:>='2026-11-24T12:30:00Z'").json()["data"]["orders"]
        assert found == {"nodes": [{"name": young["name"]}], "pageInfo": {"hasNextPage": False}}


class TestShopifyWebhooks:
    def test_a_paid_order_is_told_with_a_signature_over_the_raw_bytes(self, world: DemoWorld) -> None:
        world.shopify.place_order(SHOP)
        created, paid = world.courier.take()
        assert [created.label, paid.label] == ["orders/create", "orders/paid"]
        assert created.headers["X-Shopify-Shop-Domain"] == SHOP
        digest = hmac.new(b"test-client-secret", created.body, hashlib.sha256).digest()
        assert created.headers["X-Shopify-Hmac-Sha256"] == __import__("base64").b64encode(digest).decode()

    def test_a_repeat_has_the_same_event_and_another_delivery(self, world: DemoWorld) -> None:
        world.faults.switches["duplicate"] = True
        world.shopify.place_order(SHOP)
        first, second, *_ = world.courier.take()
        assert first.headers["X-Shopify-Event-Id"] == second.headers["X-Shopify-Event-Id"]
        assert first.headers["X-Shopify-Webhook-Id"] != second.headers["X-Shopify-Webhook-Id"]


class TestWhatsApp:
    @pytest.fixture
    def person(self, world: DemoWorld) -> str:
        return world.whatsapp.create_person("Maria", phone="4915100000001")

    def test_free_text_goes_within_24_hours_of_the_shoppers_word(
        self, world: DemoWorld, person: str, clock: Clock
    ) -> None:
        refused = send(world, recipient=person, type="text", text={"body": "Hi"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, 131047)
        world.whatsapp.write(person, "Hello")
        assert send(world, recipient=person, type="text", text={"body": "Hi"}).status_code == 200
        clock.at += timedelta(hours=24, seconds=1)
        assert send(world, recipient=person, type="text", text={"body": "Hi"}).json()["error"]["code"] == 131047
        assert [entry["text"] for entry in world.whatsapp.received(person)] == ["Hi"]

    @pytest.mark.parametrize(
        ("message", "code"),
        [
            ({"to": "499999", "type": "text", "text": {"body": "Hi"}}, 131026),
            ({"to": "4915100000001", "type": "text", "text": {"body": "x" * 4097}}, 131009),
            (
                {"to": "4915100000001", "type": "template", "template": {"name": "no", "language": {"code": "en"}}},
                132001,
            ),
        ],
    )
    def test_what_meta_refuses_is_refused(
        self, world: DemoWorld, person: str, message: dict[str, object], code: int
    ) -> None:
        world.whatsapp.write(person, "Hello")
        assert send(world, **message).json()["error"]["code"] == code
        assert world.whatsapp.received(person) == []

    def test_a_fourth_button_is_refused(self, world: DemoWorld, person: str) -> None:
        world.whatsapp.write(person, "Hello")
        buttons = [{"type": "reply", "reply": {"id": str(n), "title": f"Choice {n}"}} for n in range(4)]
        interactive = {"type": "button", "body": {"text": "Which?"}, "action": {"buttons": buttons}}
        assert (
            send(world, recipient=person, type="interactive", interactive=interactive).json()["error"]["code"] == 131009
        )

    def test_a_wrong_token_is_refused(self, world: DemoWorld, person: str) -> None:
        answer = send(world, token="wrong", recipient=person, type="text", text={"body": "Hi"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, 190)

    def test_one_person_gets_45_messages_at_once_and_not_the_46th(
        self, world: DemoWorld, person: str, clock: Clock
    ) -> None:
        world.whatsapp.per_second = 1000
        world.whatsapp.write(person, "Hello")
        codes = [send(world, recipient=person, type="text", text={"body": "Hi"}).status_code for _ in range(45)]
        assert codes == [200] * 45
        assert send(world, recipient=person, type="text", text={"body": "Hi"}).json()["error"]["code"] == 131056
        clock.at += timedelta(seconds=6)
        assert send(world, recipient=person, type="text", text={"body": "Hi"}).status_code == 200

    def test_statuses_are_signed_and_echo_our_reference(self, world: DemoWorld, person: str) -> None:
        world.whatsapp.write(person, "Hello")
        HTTP.post(
            f"{world.url}/graph/v25.0/102290129340398/subscribed_apps",
            headers={"Authorization": "Bearer EAADemoWhatsAppToken"},
        )
        assert world.courier.take() == []  # nobody was subscribed when the shopper wrote
        send(world, recipient=person, type="text", text={"body": "Hi"}, biz_opaque_callback_data="REF1")
        told = world.courier.take("whatsapp")
        statuses = [json.loads(each.body)["entry"][0]["changes"][0]["value"]["statuses"][0] for each in told]
        assert [(each["status"], each["biz_opaque_callback_data"]) for each in statuses] == [
            ("sent", "REF1"),
            ("delivered", "REF1"),
            ("read", "REF1"),
        ]
        signature = hmac.new(b"test-meta-secret", told[0].body, hashlib.sha256).hexdigest()
        assert told[0].headers["X-Hub-Signature-256"] == f"sha256={signature}"

    def test_a_template_is_approved_after_a_moment_and_then_goes_any_time(self, world: DemoWorld, person: str) -> None:
        head = {"Authorization": "Bearer EAADemoWhatsAppToken"}
        body = {"type": "BODY", "text": "Order {{1}} is on its way.", "example": {"body_text": [["#1001"]]}}
        asked = {"name": "shipped", "language": "en", "category": "UTILITY", "components": [body]}
        answer = HTTP.post(f"{world.url}/graph/v25.0/102290129340398/message_templates", json=asked, headers=head)
        assert answer.json()["status"] == "PENDING"
        world.whatsapp.decide_template("102290129340398:shipped:en", "APPROVED")
        used = {"name": "shipped", "language": {"code": "en"}, "components": [{"type": "body", "parameters": []}]}
        assert send(world, recipient=person, type="template", template=used).json()["error"]["code"] == 132000
        used["components"] = [{"type": "body", "parameters": [{"type": "text", "text": "#1007"}]}]
        assert send(world, recipient=person, type="template", template=used).status_code == 200
        assert [entry["text"] for entry in world.whatsapp.received(person)] == ["Order #1007 is on its way."]

    def test_a_photo_is_fetched_in_two_steps_with_the_token_within_five_minutes(
        self, world: DemoWorld, person: str, clock: Clock
    ) -> None:
        world.whatsapp.send_photo(person, b"\xff\xd8 not really a photo")
        media = world.whatsapp.chat(person)[0]["media"]
        head = {"Authorization": "Bearer EAADemoWhatsAppToken"}
        url = HTTP.get(f"{world.url}/graph/v25.0/{media}", headers=head).json()["url"]
        assert HTTP.get(url).status_code == 401
        assert HTTP.get(url, headers=head).content == b"\xff\xd8 not really a photo"
        clock.at += timedelta(minutes=5, seconds=1)
        assert HTTP.get(url, headers=head).status_code == 404

    def test_a_picture_is_uploaded_and_can_be_sent(self, world: DemoWorld, person: str) -> None:
        world.whatsapp.write(person, "Hello")
        head = {"Authorization": "Bearer EAADemoWhatsAppToken"}
        upload = {
            "url": f"{world.url}/graph/v25.0/{NUMBER}/media",
            "data": {"messaging_product": "whatsapp"},
            "headers": head,
        }
        media = HTTP.post(**upload, files={"file": ("a.png", b"\x89PNG\r\n\x1a\nrest", "image/png")}).json()["id"]
        assert send(world, recipient=person, type="image", image={"id": media}).status_code == 200
        refused = HTTP.post(**upload, files={"file": ("a.gif", b"GIF89a", "image/gif")})
        assert refused.json()["error"]["code"] == 131053


class TestFaults:
    def test_a_dropped_answer_still_did_the_work(self, world: DemoWorld) -> None:
        person = world.whatsapp.create_person()
        world.whatsapp.write(person, "Hello")
        world.faults.add("whatsapp.send", "drop")
        with pytest.raises(httpx.HTTPError):
            send(world, recipient=person, type="text", text={"body": "Hi"})
        assert [entry["text"] for entry in world.whatsapp.received(person)] == ["Hi"]
        assert send(world, recipient=person, type="text", text={"body": "Again"}).status_code == 200

    def test_a_5xx_did_not(self, world: DemoWorld) -> None:
        person = world.whatsapp.create_person()
        world.whatsapp.write(person, "Hello")
        world.faults.add("whatsapp.send", "status", status=502)
        assert send(world, recipient=person, type="text", text={"body": "Hi"}).status_code == 502
        assert world.whatsapp.received(person) == []


class TestMessenger:
    def test_after_a_day_only_an_approved_utility_template_goes(self, world: DemoWorld, clock: Clock) -> None:
        psid = world.messenger.create_person()
        world.messenger.write(psid, "Hello")
        url, head = f"{world.url}/graph/v25.0/700100/messages", {"Authorization": "Bearer EAADemoPageToken"}
        message = {"recipient": {"id": psid}, "messaging_type": "RESPONSE", "message": {"text": "Hi"}}
        assert HTTP.post(url, json=message, headers=head).status_code == 200
        clock.at += timedelta(hours=25)
        error = HTTP.post(url, json=message, headers=head).json()["error"]
        assert (error["code"], error["error_subcode"]) == (10, 2018278)
        tagged = message | {"messaging_type": "MESSAGE_TAG", "tag": "POST_PURCHASE_UPDATE"}
        assert HTTP.post(url, json=tagged, headers=head).json()["error"]["code"] == 100


def test_webhooks_carry_only_the_fields_that_the_app_asks_for() -> None:
    whole = {
        "id": 1,
        "updated_at": "x",
        "note": "for Maria",
        "client_details": {"ip": "1.2.3.4"},
        "email": "m@example.com",
    }
    assert webhooks.as_subscribed("orders/create", whole) == {"id": 1, "email": "m@example.com", "updated_at": "x"}
    assert webhooks.as_subscribed("refunds/create", whole) == whole
    with pytest.raises(webhooks.NotSubscribed):
        webhooks.as_subscribed("carts/update", whole)


def test_a_dotted_field_keeps_a_part_of_a_part(monkeypatch) -> None:
    monkeypatch.setattr(webhooks, "subscriptions", lambda: {"orders/create": ("id", "line_items.id", "customer.id")})
    whole = {"id": 1, "line_items": [{"id": 2, "title": "Mug"}, {"id": 3}], "customer": {"id": 4, "email": "m"}, "x": 5}
    assert webhooks.as_subscribed("orders/create", whole) == {
        "id": 1,
        "line_items": [{"id": 2}, {"id": 3}],
        "customer": {"id": 4},
    }


def test_shopify_flow_hears_a_trigger_and_refuses_one_without_a_handle(world: DemoWorld) -> None:
    token = exchange(world).json()["access_token"]
    query = operations.load("TriggerShopifyFlow")

    def ask(handle: str, **payload: object) -> dict:
        asked = {"query": query, "variables": {"handle": handle, "payload": payload}}
        url = f"{world.url}/shops/{SHOP}/admin/api/2026-10/graphql.json"
        return HTTP.post(url, json=asked, headers={"X-Shopify-Access-Token": token}).json()["data"]

    assert ask("doorstep-step", order_id=1) == {"flowTriggerReceive": {"userErrors": []}}
    for wrong in (ask(""), ask("review-given", order_id=1), ask("doorstep-step", order=1)):
        assert "Errors validating schema" in wrong["flowTriggerReceive"]["userErrors"][0]["message"]
    assert ask("")["flowTriggerReceive"]["userErrors"][0]["field"] == ["payload"]
    assert world.state.part("flow_triggers")[SHOP] == [{"handle": "doorstep-step", "payload": {"order_id": 1}}]
