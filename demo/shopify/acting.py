"""What apps may do with an order: cancel, another address, a return. As strict as Shopify's own."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLError

from demo.moments import Now, iso
from demo.shopify import orders
from demo.shopify.nodes import Node, Nodes, connection_node
from demo.state import State

Tell = Callable[..., None]
NEEDED = ("address1", "city", "zip", "countryCode")
POLICIES = {
    "REFUND_POLICY": ("Return and refund policy", "refund-policy"),
    "SHIPPING_POLICY": ("Shipping policy", "shipping-policy"),
}
REASONS = ("unwanted", "size-too-small", "defective", "other")
OPEN = ("requested", "open")


class Acting(Nodes):
    state: State
    domain: str
    record: dict[str, Any]
    now: Now
    tell: Tell

    def policies(self) -> list[Node]:
        self._need("read_legal_policies", "shopPolicies")
        return [
            Node(
                id=f"gid://shopify/ShopPolicy/{place}",
                type=type,
                title=title,
                body=f"<p>{title} of {self.record['name']}</p>",
                url=f"{self.record['primary_url']}/policies/{handle}",
                createdAt="2026-01-01T00:00:00Z",
                updatedAt="2026-01-01T00:00:00Z",
            )
            for place, (type, (title, handle)) in enumerate(POLICIES.items(), 1)
        ]

    def orderCancel(self, info: Any, orderId: str, reason: str, restock: bool, **more: Any) -> Node:
        self._need("write_orders", "orderCancel")
        order = self._known(orderId)
        if order is None:
            return _cancelled(None, [Node(field=["orderId"], message="Order does not exist", code="NOT_FOUND")])
        if order["cancelled_at"] or order["fulfillment_status"] is not None:
            text = "Order has already been cancelled" if order["cancelled_at"] else "Cannot cancel a fulfilled order"
            return _cancelled(None, [Node(field=["orderId"], message=text, code="INVALID")])
        order["cancelled_at"], order["cancel_reason"] = iso(self.now()), reason.lower()
        refund = more.get("refundMethod") or {}
        if refund.get("originalPaymentMethodsRefund") and order["financial_status"] == "paid":
            order["financial_status"] = "refunded"
        self._changed(order, "orders/cancelled", "orders/updated")
        return _cancelled(Node(id=f"gid://shopify/Job/{self.state.next_number('job', 1)}", done=False), [])

    def orderUpdate(self, info: Any, input: dict[str, Any]) -> Node:
        self._need("write_orders", "orderUpdate")
        order = self._known(input["id"])
        if order is None:
            return Node(order=None, userErrors=[Node(field=["id"], message="Order does not exist")])
        address = input.get("shippingAddress")
        if address is not None:
            missing = [name for name in NEEDED if not address.get(name)]
            if missing:
                errors = [Node(field=["shippingAddress", name], message=f"{name} can't be blank") for name in missing]
                return Node(order=None, userErrors=errors)
            names = [address.get("firstName") or "", address.get("lastName") or ""]
            order["shipping_address"] = dict(order["shipping_address"] or {}) | {
                "first_name": names[0],
                "last_name": names[1],
                "name": " ".join(filter(None, names)),
                "company": address.get("company"),
                "address1": address["address1"],
                "address2": address.get("address2"),
                "city": address["city"],
                "zip": address["zip"],
                "province_code": address.get("provinceCode"),
                "country_code": address["countryCode"],
                "phone": address.get("phone"),
            }
            self._changed(order, "orders/updated")
        return Node(order=self._order(order), userErrors=[])

    def returnableFulfillments(self, info: Any, orderId: str, **page: Any) -> Node:
        order = self._known(orderId)
        nodes = []
        for parcel in order["fulfillments"] if order else ():
            lines = [
                Node(
                    quantity=left,
                    fulfillmentLineItem=Node(id=_part_of(line), quantity=line["quantity"], lineItem=self._line(line)),
                )
                for line in parcel["line_items"]
                if (left := line["quantity"] - self._returned(order or {}, line["id"])) > 0
            ]
            if lines:
                nodes.append(_returnable(parcel, lines))
        return connection_node(nodes, **page)

    def returnReasonDefinitions(self, info: Any, **page: Any) -> Node:
        self._need("read_returns", "returnReasonDefinitions")
        nodes = [
            Node(id=f"gid://shopify/ReturnReasonDefinition/{place}", handle=handle, name=handle, deleted=False)
            for place, handle in enumerate(REASONS, 1)
        ]
        return connection_node(nodes, **page)

    def returnRequest(self, info: Any, input: dict[str, Any]) -> Node:
        self._need("write_returns", "returnRequest")
        order = self._known(input["orderId"])
        if order is None:
            return _returned(None, "orderId", "Order does not exist", "NOT_FOUND")
        shipped = {_part_of(line): line for parcel in order["fulfillments"] for line in parcel["line_items"]}
        asked = input["returnLineItems"]
        if not asked:
            return _returned(None, "returnLineItems", "Return line items can't be blank", "BLANK")
        for each in asked:
            line = shipped.get(each["fulfillmentLineItemId"])
            if line is None:
                return _returned(None, "returnLineItems", "Fulfillment line item does not exist", "NOT_FOUND")
            if not 0 < each["quantity"] <= line["quantity"] - self._returned(order, line["id"]):
                return _returned(None, "returnLineItems", "Quantity is not returnable", "INVALID")
        row = orders.new_return(state=self.state, order=order, now=self.now(), status="requested")
        wanted = {shipped[each["fulfillmentLineItemId"]]["id"]: each["quantity"] for each in asked}
        kept = [line for line in row["return_line_items"] if line["fulfillment_line_item"]["line_item"]["id"] in wanted]
        for line in kept:
            line["quantity"] = wanted[line["fulfillment_line_item"]["line_item"]["id"]]
            line["customer_note"] = ""
        row["return_line_items"], row["total_return_line_items"] = kept, len(kept)
        order.setdefault("returns", []).append(row)
        self._changed(order)
        self.tell_return("returns/request", row)
        return Node({"return": _return_node(row), "userErrors": []})

    def returnCancel(self, info: Any, id: str, notifyCustomer: bool = False) -> Node:
        self._need("write_returns", "returnCancel")
        for order in self._all().values():
            for row in order.get("returns", []):
                if row["admin_graphql_api_id"] == id:
                    if row["status"] not in OPEN:
                        return _returned(None, "id", "Return cannot be canceled", "INVALID_STATE")
                    row["status"] = "canceled"
                    self._changed(order)
                    self.tell_return("returns/cancel", row)
                    return Node({"return": _return_node(row), "userErrors": []})
        return _returned(None, "id", "Return does not exist", "NOT_FOUND")

    def tell_return(self, topic: str, row: dict[str, Any]) -> None:
        self.tell(self.domain, row, topic)

    def _all(self) -> dict[str, Any]:
        return self.state.part("orders").setdefault(self.domain, {})

    def _known(self, gid: str) -> dict[str, Any] | None:
        return self._all().get(gid.rsplit("/", 1)[-1])

    def _changed(self, order: dict[str, Any], *topics: str) -> None:
        order["updated_at"] = max(iso(self.now()), order["updated_at"])
        self.state.touch()
        self.tell(self.domain, order, *topics)

    def _returned(self, order: dict[str, Any], line: int) -> int:
        return sum(
            each["quantity"]
            for row in order.get("returns", [])
            if row["status"] in (*OPEN, "closed")
            for each in row["return_line_items"]
            if each["fulfillment_line_item"]["line_item"]["id"] == line
        )

    def _need(self, scope: str, field: str) -> None:
        if scope not in self.record["scopes"].split(","):
            raise GraphQLError(
                f"Access denied for {field} field. Required access: `{scope}` access scope.",
                extensions={"code": "ACCESS_DENIED"},
            )


def _part_of(line: dict[str, Any]) -> str:
    return f"gid://shopify/FulfillmentLineItem/{line['id']}"


def _returnable(parcel: dict[str, Any], lines: list[Node]) -> Node:
    return Node(
        id=f"gid://shopify/ReturnableFulfillment/{parcel['id']}",
        returnableFulfillmentLineItems=lambda info, **page: connection_node(lines, **page),
    )


def _return_node(row: dict[str, Any]) -> Node:
    return Node(
        id=row["admin_graphql_api_id"],
        name=row["name"],
        status=row["status"].upper(),
        createdAt=row["created_at"],
        totalQuantity=row["total_return_line_items"],
    )


def _cancelled(job: Node | None, errors: list[Node]) -> Node:
    return Node(job=job, orderCancelUserErrors=errors)


def _returned(row: Node | None, field: str, message: str, code: str) -> Node:
    return Node({"return": row, "userErrors": [Node(field=[field], message=message, code=code)]})
