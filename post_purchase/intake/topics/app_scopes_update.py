from typing import Any

from shopapp.models import IncomingWebhook, Shop
from shopapp.shopify.install import save_scopes


def handle(*, shop: Shop, payload: dict[str, Any], webhook: IncomingWebhook) -> None:
    save_scopes(shop=shop, scopes=[str(scope) for scope in payload.get("current") or []])
