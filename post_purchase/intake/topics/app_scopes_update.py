from typing import Any

from post_purchase.services.consent_sync import allowed_now
from post_purchase.services.publications import may_publish_reviews, publish_everything
from shopapp.models import IncomingWebhook, Shop
from shopapp.shopify.install import save_scopes


def handle(*, shop: Shop, payload: dict[str, Any], webhook: IncomingWebhook) -> None:
    might = may_publish_reviews(shop)
    save_scopes(shop=shop, scopes=[str(scope) for scope in payload.get("current") or []])
    allowed_now(shop=shop)
    if may_publish_reviews(shop) and not might:
        publish_everything(shop=shop)
