from typing import Any

from post_purchase.services.products import save_news
from shopapp.models import IncomingWebhook, Shop


def handle(*, shop: Shop, payload: dict[str, Any], webhook: IncomingWebhook) -> None:
    save_news(shop=shop, payload=payload)
