from typing import Any

from post_purchase.services.products import forget
from shopapp.models import IncomingWebhook, Shop


def handle(*, shop: Shop, payload: dict[str, Any], webhook: IncomingWebhook) -> None:
    forget(shop=shop, shopify_id=payload["id"])
