"""The payload tells only what was added and removed; the order itself is fetched."""

from typing import Any

from post_purchase.services.orders import fetch_order, record_edit
from shopapp.models import IncomingWebhook, Shop


def handle(*, shop: Shop, payload: dict[str, Any], webhook: IncomingWebhook) -> None:
    edit = payload["order_edit"]
    order = fetch_order(shop=shop, shopify_id=edit["order_id"])
    if order:
        record_edit(order=order, edit_id=edit["id"])
