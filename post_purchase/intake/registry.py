"""Every topic by its name. A new one is one file in topics/, one line here, and one in shopify.app.toml."""

from collections.abc import Callable

from .topics import (
    app_scopes_update,
    app_uninstalled,
    customers_data_request,
    customers_redact,
    fulfillment_events_create,
    fulfillments_create,
    fulfillments_update,
    orders_cancelled,
    orders_create,
    orders_edited,
    orders_paid,
    orders_updated,
    refunds_create,
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
    "refunds/create": refunds_create.handle,
    "fulfillments/create": fulfillments_create.handle,
    "fulfillments/update": fulfillments_update.handle,
    "fulfillment_events/create": fulfillment_events_create.handle,
    "app/uninstalled": app_uninstalled.handle,
    "app/scopes_update": app_scopes_update.handle,
    "shop/update": shop_update.handle,
    "customers/data_request": customers_data_request.handle,
    "customers/redact": customers_redact.handle,
    "shop/redact": shop_redact.handle,
}

# Legal duties: they come also when the shop is gone or was never here; their handlers take `shop=None`.
WITHOUT_SHOP = frozenset({"customers/data_request", "customers/redact", "shop/redact"})
AFTER_UNINSTALL = WITHOUT_SHOP | {"app/uninstalled"}
