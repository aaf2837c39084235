from typing import Any

from post_purchase.services.order_data import RefundData
from post_purchase.services.orders import save_refund
from shopapp.models import IncomingWebhook, Shop


def handle(*, shop: Shop, payload: dict[str, Any], webhook: IncomingWebhook) -> None:
    save_refund(shop=shop, order_shopify_id=payload["order_id"], data=RefundData.from_webhook(payload))
