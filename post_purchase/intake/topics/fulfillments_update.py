from typing import Any

from post_purchase.services.orders import save_parcel
from post_purchase.services.parcel_data import ParcelData
from shopapp.models import IncomingWebhook, Shop


def handle(*, shop: Shop, payload: dict[str, Any], webhook: IncomingWebhook) -> None:
    save_parcel(shop=shop, data=ParcelData.from_webhook(payload))
