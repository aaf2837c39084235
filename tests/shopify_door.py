"""Shopify's side of the door: signed webhooks with payloads of tests/payloads/shopify, and the job that reads them."""

import base64
import copy
import hashlib
import hmac
import itertools
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from django.test import Client

from post_purchase.jobs.webhooks import process_webhooks
from shopapp.models import IncomingWebhook

SHOP = "fern-and-field.myshopify.com"
ORDER = 820982911
PARCEL = 255858046
_folder = Path(__file__).parent / "payloads" / "shopify"
_events = itertools.count(1)


def payload(name: str, /, **changes: Any) -> dict[str, Any]:
    return copy.deepcopy(json.loads((_folder / f"{name}.json").read_text())) | changes


def post(topic: str, body: dict[str, Any], *, event_id: str = "", shop: str = SHOP, at: datetime | None = None) -> int:
    """Deliver a webhook as Shopify does. Returns the status."""
    raw = json.dumps(body).encode()
    signature = base64.b64encode(hmac.new(b"test-client-secret", raw, hashlib.sha256).digest()).decode()
    event = event_id or f"event-{next(_events)}"
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": signature,
        "X-Shopify-Shop-Domain": shop,
        "X-Shopify-Event-Id": event,
        "X-Shopify-Webhook-Id": f"webhook-{event}",
    }
    if at:
        headers["X-Shopify-Triggered-At"] = at.isoformat()
    return Client().post("/webhooks/shopify", raw, content_type="application/json", headers=headers).status_code


def deliver(topic: str, body: dict[str, Any], **more: Any) -> IncomingWebhook:
    """Post it, and have the job read it. Returns the row as it is afterwards."""
    assert post(topic, body, **more) == 200
    process_webhooks()
    return IncomingWebhook.objects.filter(topic=topic).latest("pk")


def scan(status: str, happened_at: str, **changes: Any) -> dict[str, Any]:
    return payload("fulfillment_event", status=status, happened_at=happened_at, id=next(_events) + 10_000, **changes)
