"""The networks' door: what is let in, stored once, and answered fast."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from post_purchase.channels.graph import signature_is_right
from shopapp.models import IncomingWebhook

pytestmark = pytest.mark.django_db
META = ["/webhooks/whatsapp", "/webhooks/messenger", "/webhooks/instagram"]


def sign(body: bytes, secret: str = "test-meta-secret") -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}"}


def post(client: Client, path: str, body: bytes, headers: dict[str, str]) -> int:
    return client.post(path, data=body, content_type="application/json", headers=headers).status_code


@pytest.mark.parametrize("path", META)
def test_the_handshake_gives_the_challenge_back_for_the_right_token_only(client: Client, path: str) -> None:
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "test-verify-token"}
    answer = client.get(path, asked)
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"1158201444", "text/plain")
    assert client.get(path, asked | {"hub.verify_token": "wrong"}).status_code == 403
    assert client.get(path, asked | {"hub.mode": "other"}).status_code == 403
    assert client.get(path).status_code == 403


@pytest.mark.parametrize("path", META)
def test_a_signed_callback_is_stored_once_as_it_came(client: Client, path: str) -> None:
    body = b'{"object":"x","entry":[{"t":"caf\\u00e9","u":"https:\\/\\/x"}]}'
    assert [post(client, path, body, sign(body)) for _ in range(3)] == [200, 200, 200]
    row = IncomingWebhook.objects.get()
    assert (bytes(row.body), row.source, row.next_attempt_at) == (body, path.rsplit("/", 1)[1], row.received_at)
    assert row.headers == {"content-type": "application/json"}


@pytest.mark.parametrize("path", META)
def test_a_forged_callback_is_refused_and_not_stored(client: Client, path: str) -> None:
    body = b'{"object":"x"}'
    for headers in ({}, sign(body, "wrong"), sign(body + b" "), {"X-Hub-Signature-256": "sha256="}):
        assert post(client, path, body, headers) == 403
    assert not IncomingWebhook.objects.exists()


def test_odd_bodies_are_stored_and_answered_200(client: Client) -> None:
    for body in (b"", b"not json", b"[]", b"\xff\xfe\x00"):
        assert post(client, "/webhooks/whatsapp", body, sign(body)) == 200
    assert IncomingWebhook.objects.count() == 4


def test_without_a_secret_nothing_is_let_in(client: Client, settings: Any) -> None:
    settings.META_APP_SECRET = settings.META_VERIFY_TOKEN = ""
    assert post(client, "/webhooks/whatsapp", b"{}", sign(b"{}", "")) == 403
    assert client.get("/webhooks/whatsapp", {"hub.mode": "subscribe", "hub.verify_token": ""}).status_code == 403


def test_too_large_a_body_is_not_read(client: Client) -> None:
    body = b"x" * (5 * 1024 * 1024 + 1)
    assert post(client, "/webhooks/whatsapp", body, sign(body)) == 413
    assert not IncomingWebhook.objects.exists()


def test_a_thousand_updates_in_one_post_are_one_row(client: Client) -> None:
    text = {"id": "wamid", "from": "4915112345678", "timestamp": "1", "type": "text", "text": {"body": "x" * 200}}
    value = {"metadata": {"phone_number_id": "1"}, "messages": [text] * 1000}
    body = json.dumps({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}).encode()
    started = time.perf_counter()
    assert post(client, "/webhooks/whatsapp", body, sign(body)) == 200
    assert time.perf_counter() - started < 1
    assert IncomingWebhook.objects.count() == 1


def basic(secret: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}


def test_mail_needs_the_shared_secret(client: Client, settings: Any) -> None:
    path = "/webhooks/email/postmark/"
    assert post(client, path, b"{}", basic("user:wrong")) == 403
    assert post(client, path, b"{}", {}) == 403
    assert not IncomingWebhook.objects.exists()
    assert post(client, path, b"{}", basic("user:password")) == 200
    row = IncomingWebhook.objects.get()
    assert (row.source, row.account) == ("email", "postmark")
    assert row.headers == {"esp": "postmark", "content-type": "application/json"}
    assert post(client, "/webhooks/email/nobody/", b"{}", basic("user:password")) == 404
    settings.ANYMAIL = {}
    assert post(client, path, b"{}", basic(":")) == 404


def test_a_mail_larger_than_djangos_own_cap_is_taken(client: Client) -> None:
    body = json.dumps({"TextBody": "x" * (13 * 1024 * 1024)}).encode()
    assert post(client, "/webhooks/email/postmark/", body, basic("user:password")) == 200


def test_other_methods_are_refused(client: Client) -> None:
    assert client.put("/webhooks/whatsapp").status_code == 405
    assert client.get("/webhooks/email/postmark/").status_code == 405


def test_the_signature_vectors(fixtures_of_providers: Path, settings: Any) -> None:
    found = json.loads((fixtures_of_providers / "whatsapp" / "signature_vectors_constructed.json").read_text())
    settings.META_APP_SECRET = found["app_secret"]
    for vector in found["vectors"]:
        body = vector["raw_body"].encode()
        assert signature_is_right(body=body, header=vector["header"]), vector["note"]
        assert not signature_is_right(body=body + b"\n", header=vector["header"])
        assert not signature_is_right(body=body, header="sha256=é")
