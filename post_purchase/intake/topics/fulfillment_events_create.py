from typing import Any

from post_purchase.services.orders import save_scan
from post_purchase.services.parcel_data import ScanData
from shopapp.models import IncomingWebhook, Shop


def handle(*, shop: Shop, payload: dict[str, Any], webhook: IncomingWebhook) -> None:
    save_scan(shop=shop, data=ScanData.from_webhook(payload))
