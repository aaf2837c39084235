from typing import Any

from post_purchase.services.consent_due import customer_changed
from shopapp.models import IncomingWebhook, Shop


def handle(*, shop: Shop, payload: dict[str, Any], webhook: IncomingWebhook) -> None:
    customer_changed(shop=shop, customer_id=payload.get("customer_id", payload.get("id")))
