"""Signs and sends what happened, as Shopify does: raw bytes, base64 HMAC, the X-Shopify headers; twice when told to."""

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any

from demo.courier import Courier, Delivery
from demo.moments import Now

API_VERSION = "2026-10"


class Webhooks:
    def __init__(self, courier: Courier, now: Now, *, secret: str):
        self.courier, self.now, self.secret = courier, now, secret

    def send(self, *, shop: str, topic: str, payload: dict[str, Any], event_id: str = "", times: int = 0) -> Delivery:
        """`times=0`: once, or twice while the switch `duplicate` is on.
        A repeat has the same event id and another webhook id."""
        body = json.dumps(payload).encode()
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
