"""Requests that come through the shop's own domain. Source: shopify.dev, "Authenticate app proxies"."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from shopapp.lib import clock
from shopapp.lib.crypto import same
from shopapp.shopify.id_tokens import is_shop_domain

MAX_AGE = 90  # seconds


class ForgedRequest(Exception):
    """The request did not come through Shopify's proxy, or is an old one played again."""


@dataclass(frozen=True)
class ProxyVisit:
    shop: str
    customer_id: int | None  # logged in at the storefront
    path_prefix: str  # "/apps/chat": merchants may change it


def verify(query: Mapping[str, Sequence[str]]) -> ProxyVisit:
    """`query`: every parameter with the list of its values, URL-decoded. Raises ForgedRequest."""
    if any(len(query.get(name, ())) != 1 for name in ("shop", "timestamp", "signature")):
        raise ForgedRequest("shop, timestamp and signature must be there once")
    signed = "".join(f"{name}={','.join(query[name])}" for name in sorted(query) if name != "signature").encode()
    given = query["signature"][0]
    secrets = [secret for secret in (settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_OLD) if secret]
    if not any(same(hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(), given) for secret in secrets):
        raise ForgedRequest("wrong signature")
    timestamp, shop = query["timestamp"][0], query["shop"][0]
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise ForgedRequest("timestamp is not a time")
    if abs(clock.now().timestamp() - int(timestamp)) > MAX_AGE:
        raise ForgedRequest("too old")
    if not is_shop_domain(shop):
        raise ForgedRequest("not a shop")
    customer = "".join(query.get("logged_in_customer_id", ()))
    return ProxyVisit(
        shop=shop,
        customer_id=int(customer) if customer.isascii() and customer.isdigit() and len(customer) < 20 else None,
        path_prefix="".join(query.get("path_prefix", ())),
    )
