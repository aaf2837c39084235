from .shops import Shop, ShopStatus
from .webhooks import IncomingWebhook, WebhookSource

__all__ = ["IncomingWebhook", "Shop", "ShopStatus", "WebhookSource"]
