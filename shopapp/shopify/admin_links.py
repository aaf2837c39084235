"""Addresses that open a page of this app inside the Shopify admin, for mails to the merchant."""

from urllib.parse import quote

from django.conf import settings

from shopapp.models import Shop


def admin_link(shop: Shop, path: str) -> str:
    """`path` begins with /app. Shopify opens what follows the client id below `application_url`'s host."""
    if settings.DEMO and settings.DEMO_WORLD_URL:
        return f"{settings.DEMO_WORLD_URL}/admin/{shop.domain}?path={quote(path, safe='')}"
    store = shop.domain.removesuffix(".myshopify.com")
    return f"https://admin.shopify.com/store/{store}/apps/{settings.SHOPIFY_API_KEY}{path}"
