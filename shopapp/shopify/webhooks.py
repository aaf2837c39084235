"""Shopify's signature under a webhook: base64 of HMAC-SHA256 over the raw body, with the app's secret."""

import base64
import hashlib
import hmac

from django.conf import settings

from shopapp.lib.crypto import same


def is_genuine(body: bytes, signature: str) -> bool:
    """True where the body was signed with the app's secret, or with the old one while it is being rotated."""
    return any(
        same(base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)), signature.encode("utf-8", "replace"))
        for secret in (settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_OLD)
        if secret
    )
