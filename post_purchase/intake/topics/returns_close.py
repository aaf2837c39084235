"""The payload says which order; the order, with all its returns as they are now, is fetched."""

from typing import Any

from post_purchase.services.orders import fetch_order
from shopapp.models import IncomingWebhook, Shop


def handle(*, shop: Shop, payload: dict[str, Any], webhook: IncomingWebhook) -> None:
    fetch_order(shop=shop, shopify_id=payload["order"]["id"])
