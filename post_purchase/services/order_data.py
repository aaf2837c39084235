"""Shopify's news of orders as typed data: the same shape from a webhook (REST-shaped) and from Admin GraphQL.

Anything personal may be missing (protected customer data not approved, or redacted). Unknown fields are ignored.
Money is in the presentment currency: what the shopper saw. Times are aware.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from .order_marks import is_cash_on_delivery, is_gift
from .parcel_data import ParcelData
from .shopify_values import (
    MAX_NUMBER,
    Money,
    Quantity,
    ShopifyData,
    decimal_of,
    gid_number,
    language,
    presentment,
    web_address,
)

SETTLED_AS_PAID = {"paid", "partially_refunded", "refunded"}


class LineData(ShopifyData):
    shopify_id: int
    title: str
    quantity: Quantity
    current_quantity: Quantity
    product_id: int | None = None
    variant_id: int | None = None
    variant_title: str = ""
    sku: str = ""
    price: Money = Decimal(0)
    image_url: str = ""
    requires_shipping: bool = True


class RefundData(ShopifyData):
    shopify_id: int
    amount: Money  # paid back, presentment
    happened_at: datetime

    @classmethod
    def from_webhook(cls, payload: dict[str, Any]) -> "RefundData":
        paid_back = sum(
            (
                decimal_of(each.get("amount"))
                for each in payload.get("transactions") or []
                if each.get("kind") == "refund" and each.get("status") == "success"
            ),
            Decimal(0),
        )
        return cls(
            shopify_id=payload["id"],
            amount=paid_back,
            happened_at=payload.get("processed_at") or payload["created_at"],
        )

    @classmethod
    def from_graphql(cls, node: dict[str, Any]) -> "RefundData":
        return cls(
            shopify_id=gid_number(node["id"]),
            amount=presentment(node.get("totalRefundedSet")),
            happened_at=node["processedAt"],
        )


class ReturnData(ShopifyData):
    shopify_id: int
    state: str  # requested, open, closed, declined, canceled
    happened_at: datetime

    @classmethod
    def from_graphql(cls, node: dict[str, Any]) -> "ReturnData":
        return cls(
            shopify_id=gid_number(node["id"]), state=(node.get("status") or "").lower(), happened_at=node["createdAt"]
        )


class CustomerData(ShopifyData):
    shopify_id: int | None = None
    first_name: str = ""
    last_name: str = ""


class OrderData(ShopifyData):
    shopify_id: int
    name: str
    number: int = 0
    confirmation_number: str = ""
    checkout_token: str = ""
    status_url: str = ""
    language: str = ""
    email: str = ""
    phone: str = ""  # as given; services.contacts makes it E.164
    currency: str
    subtotal: Money = Decimal(0)
    total: Money = Decimal(0)
    financial_status: str = ""
    fulfillment_status: str = ""
    source_name: str = ""
    test: bool = False
    tags: list[str] = []
    country: str = ""
    province: str = ""
    city: str = ""
    zip: str = ""
    placed_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None = None
    cancel_reason: str = ""
    customer: CustomerData | None = None
    lines: list[LineData] = []
    parcels: list[ParcelData] = []
    refunds: list[RefundData] = []
    returns: list[ReturnData] = []  # GraphQL only
    gift: bool = False
    cash_on_delivery: bool = False

    @property
    def paid(self) -> bool:
        return self.financial_status in SETTLED_AS_PAID

    @property
    def requires_shipping(self) -> bool:
        return any(line.requires_shipping for line in self.lines)

    @classmethod
    def from_webhook(cls, payload: dict[str, Any]) -> "OrderData":
        """orders/* topics (REST-shaped, Admin API 2026-10)."""
        customer = payload.get("customer") or {}
        address = payload.get("shipping_address") or payload.get("billing_address") or {}
        return cls(
            shopify_id=payload["id"],
            name=payload.get("name") or f"#{payload.get('order_number') or payload['id']}",
            number=min(payload.get("order_number") or 0, MAX_NUMBER),
            confirmation_number=payload.get("confirmation_number") or "",
            checkout_token=payload.get("checkout_token") or "",
            status_url=web_address(payload.get("order_status_url")),
            language=language(payload.get("customer_locale")),
            email=(payload.get("email") or payload.get("contact_email") or customer.get("email") or "").strip().lower(),
            phone=payload.get("phone") or address.get("phone") or customer.get("phone") or "",
            currency=payload.get("presentment_currency") or payload.get("currency") or "",
            subtotal=presentment(payload.get("subtotal_price_set"), payload.get("subtotal_price")),
            total=presentment(payload.get("total_price_set"), payload.get("total_price")),
            financial_status=(payload.get("financial_status") or "").lower(),
            fulfillment_status=(payload.get("fulfillment_status") or "unfulfilled").lower(),
            source_name=(payload.get("source_name") or "")[:64],
            test=bool(payload.get("test")),
            tags=[tag.strip() for tag in (payload.get("tags") or "").split(",") if tag.strip()],
            country=address.get("country_code") or "",
            province=(address.get("province_code") or "")[:8],
            city=(address.get("city") or "")[:120],
            zip=(address.get("zip") or "")[:20],
            placed_at=payload.get("processed_at") or payload["created_at"],
            updated_at=payload["updated_at"],
            cancelled_at=payload.get("cancelled_at"),
            cancel_reason=payload.get("cancel_reason") or "",
            customer=_customer_from_webhook(customer),
            lines=[_line_from_webhook(line) for line in payload.get("line_items") or []],
            parcels=[ParcelData.from_webhook(each) for each in payload.get("fulfillments") or []],
            refunds=[RefundData.from_webhook(each) for each in payload.get("refunds") or []],
            gift=is_gift(
                tags=(payload.get("tags") or "").split(","),
                titles=[line.get("title") for line in payload.get("line_items") or []],
                properties=[each for line in payload.get("line_items") or [] for each in line.get("properties") or []],
            ),
            cash_on_delivery=is_cash_on_delivery(payload.get("payment_gateway_names") or []),
        )

    @classmethod
    def from_graphql(cls, node: dict[str, Any]) -> "OrderData":
        """The `order` of operations/GetOrder.graphql."""
        number = gid_number(node["id"])
        customer = node.get("customer") or {}
        address = node.get("shippingAddress") or {}
        return cls(
            shopify_id=number,
            name=node["name"],
            number=min(node.get("number") or 0, MAX_NUMBER),
            confirmation_number=node.get("confirmationNumber") or "",
            checkout_token=node.get("checkoutToken") or "",
            status_url=web_address(node.get("statusPageUrl")),
            language=language(node.get("customerLocale") or customer.get("locale")),
            email=(node.get("email") or (customer.get("defaultEmailAddress") or {}).get("emailAddress") or "")
            .strip()
            .lower(),
            phone=node.get("phone")
            or address.get("phone")
            or (customer.get("defaultPhoneNumber") or {}).get("phoneNumber")
            or "",
            currency=node["presentmentCurrencyCode"],
            subtotal=presentment(node.get("subtotalPriceSet")),
            total=presentment(node.get("totalPriceSet")),
            financial_status=(node.get("displayFinancialStatus") or "").lower(),
            fulfillment_status=(node.get("displayFulfillmentStatus") or "unfulfilled").lower(),
            source_name=(node.get("sourceName") or "")[:64],
            test=bool(node.get("test")),
            tags=node.get("tags") or [],
            country=address.get("countryCodeV2") or "",
            province=(address.get("provinceCode") or "")[:8],
            city=(address.get("city") or "")[:120],
            zip=(address.get("zip") or "")[:20],
            placed_at=node.get("processedAt") or node["createdAt"],
            updated_at=node["updatedAt"],
            cancelled_at=node.get("cancelledAt"),
            cancel_reason=(node.get("cancelReason") or "").lower(),
            cash_on_delivery=is_cash_on_delivery(node.get("paymentGatewayNames") or []),
            customer=CustomerData(
                shopify_id=gid_number(customer["id"]),
                first_name=(customer.get("firstName") or "")[:120],
                last_name=(customer.get("lastName") or "")[:120],
            )
            if customer
            else None,
            lines=[_line_from_graphql(each) for each in (node.get("lineItems") or {}).get("nodes", [])],
            parcels=[ParcelData.from_graphql(each, order=number) for each in node.get("fulfillments") or []],
            refunds=[RefundData.from_graphql(each) for each in node.get("refunds") or []],
            returns=[ReturnData.from_graphql(each) for each in (node.get("returns") or {}).get("nodes", [])],
            gift=is_gift(
                tags=node.get("tags") or [],
                titles=[each.get("title") for each in (node.get("lineItems") or {}).get("nodes", [])],
                properties=[
                    each
                    for line in (node.get("lineItems") or {}).get("nodes", [])
                    for each in line.get("customAttributes") or []
                ],
            ),
        )


def _customer_from_webhook(customer: dict[str, Any]) -> CustomerData | None:
    if not customer.get("id"):
        return None
    return CustomerData(
        shopify_id=customer["id"],
        first_name=(customer.get("first_name") or "")[:120],
        last_name=(customer.get("last_name") or "")[:120],
    )


def _line_from_webhook(line: dict[str, Any]) -> LineData:
    quantity = line.get("quantity") or 0
    current = line.get("current_quantity")
    return LineData(
        shopify_id=line["id"],
        title=(line.get("title") or line.get("name") or "")[:255],
        quantity=quantity,
        current_quantity=quantity if current is None else current,
        product_id=line.get("product_id"),
        variant_id=line.get("variant_id"),
        variant_title=(line.get("variant_title") or "")[:255],
        sku=(line.get("sku") or "")[:120],
        price=presentment(line.get("price_set"), line.get("price")),
        requires_shipping=line.get("requires_shipping", True) is not False,
    )


def _line_from_graphql(node: dict[str, Any]) -> LineData:
    return LineData(
        shopify_id=gid_number(node["id"]),
        title=(node.get("title") or "")[:255],
        quantity=node["quantity"],
        current_quantity=node["currentQuantity"],
        product_id=gid_number(node["product"]["id"]) if node.get("product") else None,
        variant_id=gid_number(node["variant"]["id"]) if node.get("variant") else None,
        variant_title=(node.get("variantTitle") or "")[:255],
        sku=(node.get("sku") or "")[:120],
        price=presentment(node.get("originalUnitPriceSet")),
        image_url=web_address((node.get("image") or {}).get("url")),
        requires_shipping=node.get("requiresShipping", True),
    )
