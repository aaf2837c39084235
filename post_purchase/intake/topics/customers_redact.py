from typing import Any

from post_purchase.models import PrivacyRequestKind
from post_purchase.services.privacy_requests import save_request
from shopapp.models import IncomingWebhook, Shop


def handle(*, shop: Shop | None, payload: dict[str, Any], webhook: IncomingWebhook) -> None:
    save_request(kind=PrivacyRequestKind.CUSTOMER_REDACT, shop=shop, payload=payload, webhook=webhook)
