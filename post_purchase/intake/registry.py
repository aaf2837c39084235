"""Every topic by its name. A new one is one file in topics/, one line here, and one in shopify.app.toml."""

from collections.abc import Callable
from typing import Any

from .topics import (
    app_scopes_update,
    app_uninstalled,
    customers_data_request,
    customers_email_marketing_consent_update,
    customers_marketing_consent_update,
    customers_redact,
    customers_whats_app_marketing_consent_update,
    fulfillment_events_create,
    fulfillments_create,
    fulfillments_update,
    orders_cancelled,
    orders_create,
    orders_edited,
    orders_paid,
    orders_updated,
    products_create,
    products_delete,
    products_update,
    refunds_create,
    returns_approve,
    returns_cancel,
    returns_close,
    returns_decline,
    returns_reopen,
    returns_request,
    shop_redact,
    shop_update,
)

Handler = Callable[..., None]  # handle(*, shop, payload, webhook); may run twice, late and out of order

TOPICS: dict[str, Handler] = {
    "orders/create": orders_create.handle,
    "orders/paid": orders_paid.handle,
    "orders/updated": orders_updated.handle,
    "orders/edited": orders_edited.handle,
    "orders/cancelled": orders_cancelled.handle,
    "products/create": products_create.handle,
    "products/update": products_update.handle,
    "products/delete": products_delete.handle,
    "refunds/create": refunds_create.handle,
    "returns/request": returns_request.handle,
    "returns/approve": returns_approve.handle,
    "returns/decline": returns_decline.handle,
    "returns/cancel": returns_cancel.handle,
    "returns/close": returns_close.handle,
    "returns/reopen": returns_reopen.handle,
    "fulfillments/create": fulfillments_create.handle,
    "fulfillments/update": fulfillments_update.handle,
    "fulfillment_events/create": fulfillment_events_create.handle,
    "app/uninstalled": app_uninstalled.handle,
    "app/scopes_update": app_scopes_update.handle,
    "shop/update": shop_update.handle,
    "customers_email_marketing_consent/update": customers_email_marketing_consent_update.handle,
    "customers_marketing_consent/update": customers_marketing_consent_update.handle,
    "customers_whats_app_marketing_consent/update": customers_whats_app_marketing_consent_update.handle,
    "customers/data_request": customers_data_request.handle,
    "customers/redact": customers_redact.handle,
    "shop/redact": shop_redact.handle,
}

# Legal duties: they come also when the shop is gone or was never here; their handlers take `shop=None`.
WITHOUT_SHOP = frozenset({"customers/data_request", "customers/redact", "shop/redact"})
AFTER_UNINSTALL = WITHOUT_SHOP | {"app/uninstalled"}


def subject_of(topic: str, payload: dict[str, Any]) -> str:
    """Whom Shopify's news is about, so that an erasure finds it again: "order:<id>", "customer:<id>", or ""."""
    customer, edit = payload.get("customer"), payload.get("order_edit")
    if topic.startswith("customers/"):
        kind, number = "customer", customer.get("id") if isinstance(customer, dict) else None
    elif topic.startswith("customers_"):
        kind, number = "customer", payload.get("customer_id", payload.get("id"))
    elif topic.startswith("returns/"):
        order = payload.get("order")
        kind, number = "order", order.get("id") if isinstance(order, dict) else None
    elif topic.startswith("orders/"):
        kind, number = "order", edit.get("order_id") if isinstance(edit, dict) else payload.get("id")
    else:
        kind, number = "order", payload.get("order_id")
    return f"{kind}:{number}"[:40] if isinstance(number, int) else ""
