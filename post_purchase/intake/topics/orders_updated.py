from typing import Any

from post_purchase.services.order_data import OrderData
from post_purchase.services.orders import save_order
from shopapp.models import IncomingWebhook, Shop


def handle(*, shop: Shop, payload: dict[str, Any], webhook: IncomingWebhook) -> None:
    save_order(shop=shop, data=OrderData.from_webhook(payload))
