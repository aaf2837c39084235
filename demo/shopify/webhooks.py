"""Signs and sends what happened, as Shopify does: raw bytes, base64 HMAC, the X-Shopify headers; twice when told to."""

import base64
import hashlib
import hmac
import json
import secrets
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from demo.courier import Courier, Delivery
from demo.moments import Now

API_VERSION = "2026-10"
TOML = Path(__file__).resolve().parents[2] / "shopify.app.toml"


class NotSubscribed(Exception):
    """shopify.app.toml does not ask for this topic: Shopify would tell nobody."""


@lru_cache(maxsize=1)
def subscriptions() -> dict[str, tuple[str, ...]]:
    """{topic: include_fields} of shopify.app.toml; no fields: the whole payload."""
    found: dict[str, tuple[str, ...]] = {}
    for one in tomllib.loads(TOML.read_text("utf-8"))["webhooks"]["subscriptions"]:
        for topic in one.get("topics", []) + one.get("compliance_topics", []):
            found[topic] = tuple(one.get("include_fields", ()))
    return found


def as_subscribed(topic: str, payload: dict[str, Any]) -> dict[str, Any]:
    """What the app would get of it. `customer.id` keeps a part of a part, as Shopify does."""
    if topic not in subscriptions():
        raise NotSubscribed(topic)
    fields = subscriptions()[topic]
    return _part(payload, [field.split(".") for field in fields]) if fields else payload


def _part(value: Any, paths: list[list[str]]) -> Any:
    if isinstance(value, list):
        return [_part(each, paths) for each in value]
    if not isinstance(value, dict) or [] in paths:
        return value
    names = dict.fromkeys(path[0] for path in paths)
    return {name: _part(value[name], [p[1:] for p in paths if p[0] == name]) for name in names if name in value}


class Webhooks:
    def __init__(self, courier: Courier, now: Now, *, secret: str):
        self.courier, self.now, self.secret = courier, now, secret

    def send(self, *, shop: str, topic: str, payload: dict[str, Any], event_id: str = "", times: int = 0) -> Delivery:
        """`times=0`: once, or twice while the switch `duplicate` is on.
        A repeat has the same event id and another webhook id."""
        body = json.dumps(as_subscribed(topic, payload)).encode()
        signature = base64.b64encode(hmac.new(self.secret.encode(), body, hashlib.sha256).digest()).decode()
        event_id = event_id or secrets.token_hex(16)
        times = times or (2 if self.courier.faults.switches["duplicate"] else 1)
        for _ in range(times):
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "Shopify-Captain-Hook",
                "X-Shopify-Topic": topic,
                "X-Shopify-Hmac-Sha256": signature,
                "X-Shopify-Shop-Domain": shop,
                "X-Shopify-Api-Version": API_VERSION,
                "X-Shopify-Webhook-Id": secrets.token_hex(16),
                "X-Shopify-Event-Id": event_id,
                "X-Shopify-Triggered-At": self.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            }
            delivery = self.courier.send(Delivery("shopify", "/webhooks/shopify", headers, body, label=topic))
        return delivery
