"""Stops everything at once, unless the news is of an installation before the present one."""

from typing import Any

from post_purchase.services.shops import stop_shop
from shopapp.models import IncomingWebhook, Shop
from shopapp.shopify.install import mark_uninstalled


def handle(*, shop: Shop, payload: dict[str, Any], webhook: IncomingWebhook) -> None:
    happened_at = webhook.triggered_at or webhook.received_at
    if mark_uninstalled(shop=shop, happened_at=happened_at) or shop.uninstalled_at == happened_at:
        stop_shop(shop=shop, happened_at=happened_at)
