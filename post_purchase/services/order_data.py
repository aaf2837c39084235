"""Shopify's news of orders as typed data: the same shape from a webhook (REST-shaped) and from Admin GraphQL.

Anything personal may be missing (protected customer data not approved, or redacted). Unknown fields are ignored.
Money is in the presentment currency: what the shopper saw. Times are aware.
"""

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict

from post_purchase.words import ParcelState
from shopapp.lib.storable import FromOutside

from .phrases import load, plain

_LANGUAGE = re.compile(r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")

# Shopify's FulfillmentEventStatus and FulfillmentDisplayStatus, lower case (Admin API 2026-10).
SCAN_STATES: dict[str, ParcelState] = {
    "label_purchased": ParcelState.LABEL,
    "label_printed": ParcelState.LABEL,
    "confirmed": ParcelState.CONFIRMED,
    "carrier_picked_up": ParcelState.IN_TRANSIT,
    "in_transit": ParcelState.IN_TRANSIT,
    "delayed": ParcelState.DELAYED,
    "out_for_delivery": ParcelState.OUT_FOR_DELIVERY,
    "attempted_delivery": ParcelState.ATTEMPTED,
    "ready_for_pickup": ParcelState.READY_FOR_PICKUP,
    "delivered": ParcelState.DELIVERED,
    "picked_up": ParcelState.DELIVERED,
    "failure": ParcelState.FAILED,
    "not_delivered": ParcelState.FAILED,
}
_NO = {"", "no", "false", "0", "off", "nein", "non", "nee", "nie", "nej", "não", "hayır"}
SETTLED_AS_PAID = {"paid", "partially_refunded", "refunded"}


# Far more than anybody buys, and what a column takes: a payload beyond it is kept, cut down, and stops nothing.
MAX_MONEY = Decimal("999999999999.99")
MAX_QUANTITY = 1_000_000
MAX_NUMBER = 2**63 - 1


def _money(amount: Decimal) -> Decimal:
    return max(-MAX_MONEY, min(amount, MAX_MONEY)).quantize(Decimal("0.01"))


Money = Annotated[Decimal, AfterValidator(_money)]
Quantity = Annotated[int, AfterValidator(lambda count: max(0, min(count, MAX_QUANTITY)))]


class _Data(FromOutside):
    model_config = ConfigDict(extra="ignore", frozen=True)


class LineData(_Data):
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


class RefundData(_Data):
    shopify_id: int
    amount: Money  # paid back, presentment
    happened_at: datetime

    @classmethod
    def from_webhook(cls, payload: dict[str, Any]) -> "RefundData":
        paid_back = sum(
            (
                _decimal(each.get("amount"))
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
            amount=_presentment(node.get("totalRefundedSet")),
            happened_at=node["processedAt"],
        )


class ScanData(_Data):
    """One carrier's scan."""

    shopify_id: int | None = None
    order_shopify_id: int
    parcel_shopify_id: int
    state: ParcelState | None  # None: a status that we do not know
    message: str = ""
    city: str = ""
    country: str = ""
    happened_at: datetime
    estimated_delivery_at: datetime | None = None

    @classmethod
    def from_webhook(cls, payload: dict[str, Any]) -> "ScanData":
        """fulfillment_events/create"""
        return cls(
            shopify_id=payload.get("id"),
            order_shopify_id=payload["order_id"],
            parcel_shopify_id=payload["fulfillment_id"],
            state=SCAN_STATES.get(str(payload.get("status") or "").lower()),
            message=(payload.get("message") or "")[:255],
            city=(payload.get("city") or "")[:120],
            country=(payload.get("country") or "")[:64],
            happened_at=payload["happened_at"],
            estimated_delivery_at=payload.get("estimated_delivery_at"),
        )

    @classmethod
    def from_graphql(cls, node: dict[str, Any], *, order: int, parcel: int) -> "ScanData":
        return cls(
            shopify_id=gid_number(node["id"]),
            order_shopify_id=order,
            parcel_shopify_id=parcel,
            state=SCAN_STATES.get(node["status"].lower()),
            message=(node.get("message") or "")[:255],
            city=(node.get("city") or "")[:120],
            country=(node.get("country") or "")[:64],
            happened_at=node["happenedAt"],
            estimated_delivery_at=node.get("estimatedDeliveryAt"),
        )


class ParcelData(_Data):
    """Shopify's fulfillment."""

    shopify_id: int
    order_shopify_id: int
    name: str = ""
    status: str = ""  # success, cancelled, error, failure, pending, open
    shipment_status: str = ""  # a key of SCAN_STATES, or "": the carrier has said nothing
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    lines: list[dict[str, int]] = []  # {"line": Shopify id, "quantity": how many}
    estimated_delivery_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    scans: list[ScanData] = []

    @property
    def cancelled(self) -> bool:
        return self.status in ("cancelled", "error", "failure")

    @classmethod
    def from_webhook(cls, payload: dict[str, Any]) -> "ParcelData":
        """fulfillments/create, fulfillments/update, and `fulfillments[]` of an order."""
        return cls(
            shopify_id=payload["id"],
            order_shopify_id=payload["order_id"],
            name=(payload.get("name") or "")[:64],
            status=(payload.get("status") or "").lower(),
            shipment_status=(payload.get("shipment_status") or "").lower(),
            carrier=(payload.get("tracking_company") or "")[:120],
            tracking_number=(payload.get("tracking_number") or "")[:120],
            tracking_url=web_address(payload.get("tracking_url")),
            lines=[
                {"line": line["id"], "quantity": _count(line.get("quantity"))}
                for line in payload.get("line_items") or []
            ],
            created_at=payload["created_at"],
            updated_at=payload["updated_at"],
        )

    @classmethod
    def from_graphql(cls, node: dict[str, Any], *, order: int) -> "ParcelData":
        number = gid_number(node["id"])
        tracking = (node.get("trackingInfo") or [{}])[0]
        shown = (node.get("displayStatus") or "").lower()
        return cls(
            shopify_id=number,
            order_shopify_id=order,
            name=node.get("name") or "",
            status=(node.get("status") or "").lower(),
            shipment_status=shown if shown in SCAN_STATES else "",
            carrier=(tracking.get("company") or "")[:120],
            tracking_number=(tracking.get("number") or "")[:120],
            tracking_url=web_address(tracking.get("url")),
            lines=[
                {"line": gid_number(each["lineItem"]["id"]), "quantity": _count(each.get("quantity"))}
                for each in (node.get("fulfillmentLineItems") or {}).get("nodes", [])
            ],
            estimated_delivery_at=node.get("estimatedDeliveryAt"),
            created_at=node["createdAt"],
            updated_at=node["updatedAt"],
            scans=[
                ScanData.from_graphql(each, order=order, parcel=number)
                for each in (node.get("events") or {}).get("nodes", [])
            ],
        )


class ReturnData(_Data):
    shopify_id: int
    state: str  # requested, open, closed, declined, canceled
    happened_at: datetime

    @classmethod
    def from_graphql(cls, node: dict[str, Any]) -> "ReturnData":
        return cls(
            shopify_id=gid_number(node["id"]), state=(node.get("status") or "").lower(), happened_at=node["createdAt"]
        )


class CustomerData(_Data):
    shopify_id: int | None = None
    first_name: str = ""
    last_name: str = ""


class OrderData(_Data):
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
            subtotal=_presentment(payload.get("subtotal_price_set"), payload.get("subtotal_price")),
            total=_presentment(payload.get("total_price_set"), payload.get("total_price")),
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
            subtotal=_presentment(node.get("subtotalPriceSet")),
            total=_presentment(node.get("totalPriceSet")),
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


def gid_number(gid: str) -> int:
    """gid://shopify/Order/42?x=y -> 42"""
    return int(gid.rsplit("/", 1)[-1].split("?")[0])


def is_gift(*, tags: list[Any], titles: list[Any], properties: list[Any]) -> bool:
    """The merchant tagged the order, the shopper bought gift wrap, or said so at an item (services/data/gifts.yaml).

    Only that it is one is kept, never what was written to whom.
    """
    if any(is_one_of_gifts("tags", tag) for tag in tags) or any(is_one_of_gifts("wraps", title) for title in titles):
        return True
    for each in properties:
        if isinstance(each, dict):
            said = str(each.get("value") or "").strip().casefold()
            if said not in _NO and is_one_of_gifts("properties", each.get("name") or each.get("key")):
                return True
    return False


def is_cash_on_delivery(gateways: list[Any]) -> bool:
    """One of the order's payment gateways is called so (services/data/cash_on_delivery.yaml)."""
    named = [f" {plain(str(name or ''))} " for name in gateways]
    return any(sought in name for sought in _cash_on_delivery_names() for name in named)


@lru_cache(maxsize=1)
def _cash_on_delivery_names() -> tuple[str, ...]:
    """As words of their own ("cod" is not in "code"); Japanese is written without spaces."""
    names = (plain(name) for name in load("cash_on_delivery")["names"])
    return tuple(f" {name} " if name[0] < "\u3000" else name for name in names)


def is_one_of_gifts(kind: str, text: Any) -> bool:
    return plain(str(text or "")) in _gift_words(kind)


@lru_cache(maxsize=4)
def _gift_words(kind: str) -> frozenset[str]:
    return frozenset(plain(word) for word in load("gifts")[kind])


def language(tag: str | None) -> str:
    """A BCP 47 tag as the checkout had it ("pt-BR"), or "" where it is none."""
    if not tag or not _LANGUAGE.match(tag):
        return ""
    first, *rest = tag.replace("_", "-").split("-")
    return "-".join([first.lower(), *(part.upper() if len(part) == 2 else part for part in rest)])[:16]


def web_address(url: str | None) -> str:
    """Only http and https, and not longer than its column: it becomes a link in messages and pages."""
    return url if url and url.startswith(("https://", "http://")) and len(url) <= 500 else ""


def _count(value: Any) -> int:
    return max(0, min(int(value or 0), MAX_QUANTITY))


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value)) if value not in (None, "") else Decimal(0)


def _presentment(bag: dict[str, Any] | None, otherwise: Any = None) -> Decimal:
    """`presentmentMoney` (GraphQL) or `presentment_money` (REST) of a money bag."""
    money = (bag or {}).get("presentmentMoney") or (bag or {}).get("presentment_money")
    return _decimal(money["amount"] if money else otherwise)


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
        price=_presentment(line.get("price_set"), line.get("price")),
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
        price=_presentment(node.get("originalUnitPriceSet")),
        image_url=web_address((node.get("image") or {}).get("url")),
        requires_shipping=node.get("requiresShipping", True),
    )
