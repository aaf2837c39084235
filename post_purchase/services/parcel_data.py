"""Shopify's fulfillments and the carriers' scans, the same shape from a webhook and from Admin GraphQL."""

from datetime import datetime
from typing import Any

from post_purchase.words import ParcelState

from .shopify_values import ShopifyData, count_of, gid_number, web_address

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


class ScanData(ShopifyData):
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


class ParcelData(ShopifyData):
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
                {"line": line["id"], "quantity": count_of(line.get("quantity"))}
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
                {"line": gid_number(each["lineItem"]["id"]), "quantity": count_of(each.get("quantity"))}
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
