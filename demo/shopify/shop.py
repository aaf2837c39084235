"""The pretend Shopify: shops, what merchants, buyers and carriers do, and the webhooks that follow."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from demo.courier import Courier
from demo.faults import Faults
from demo.moments import Now, iso
from demo.server import Reply, Request, Server
from demo.shopify import orders
from demo.shopify.graphql import AdminGraphQL
from demo.shopify.oauth import OAuth
from demo.shopify.webhooks import Webhooks
from demo.state import State

SCOPES = "read_orders,read_fulfillments,read_products,read_customers,read_returns,write_discounts"


class Shopify:
    def __init__(
        self, server: Server, state: State, courier: Courier, faults: Faults, now: Now, *, api_key: str, api_secret: str
    ):
        self.state, self.now, self.faults, self.url = state, now, faults, server.url
        self.oauth = OAuth(state, now, api_key=api_key, api_secret=api_secret)
        self.webhooks = Webhooks(courier, now, secret=api_secret)
        self.graphql = AdminGraphQL(state, self.oauth, faults, now)
        self.graphql.tell = self._tell
        server.route("POST", "/shops/<shop>/admin/oauth/access_token", self._token)
        server.route("POST", "/shops/<shop>/admin/api/<version>/graphql.json", self.graphql.endpoint)

    def _token(self, request: Request, shop: str) -> Reply:
        fault = self.faults.take("shopify.token")
        return self.faults.apply(fault, lambda: self.oauth.token_endpoint(request, shop))

    # shops
    def create_shop(self, domain: str = "fern-and-field.myshopify.com", **fields: Any) -> dict[str, Any]:
        with self.state.lock:
            shops = self.state.part("shops")
            if domain not in shops:
                shops[domain] = {
                    "id": self.state.next_number("shop", 60_100_000_001),
                    "domain": domain,
                    "name": "Fern & Field",
                    "email": "owner@fern-and-field.example.com",
                    "primary_url": "https://fern-and-field.example.com",
                    "timezone": "Europe/Berlin",
                    "currency": "EUR",
                    "country": "DE",
                    "locale": "en",
                    "plan": "Basic",
                    "scopes": SCOPES,
                    "installed": False,
                    "frozen": False,
                } | fields
                self.state.touch()
            return dict(shops[domain])

    def uninstall(self, shop: str) -> None:
        with self.state.lock:
            record = self.state.part("shops")[shop]
            record["installed"] = False
            payload = {"id": record["id"], "domain": shop, "myshopify_domain": shop, "name": record["name"]}
        self.oauth.forget(shop)
        self.webhooks.send(shop=shop, topic="app/uninstalled", payload=payload)

    def grant(self, shop: str, scopes: Iterable[str]) -> None:
        """The merchant allows more."""
        with self.state.lock:
            record = self.state.part("shops")[shop]
            before = record["scopes"].split(",")
            record["scopes"] = ",".join(dict.fromkeys([*before, *scopes]))
            payload = {"id": record["id"], "previous": before, "current": record["scopes"].split(",")}
            self.state.touch()
        self.webhooks.send(shop=shop, topic="app/scopes_update", payload=payload | {"updated_at": iso(self.now())})

    # buying
    def orders(self, shop: str) -> dict[str, dict[str, Any]]:
        return self.state.part("orders").setdefault(shop, {})

    def order(self, shop: str, order_id: int) -> dict[str, Any]:
        return self.orders(shop)[str(order_id)]

    def place_order(self, shop: str, *, at: datetime | None = None, tell: bool = True, **fields: Any) -> dict[str, Any]:
        """A paid order: orders/create, then orders/paid. `tell=False`: history, nobody is told."""
        with self.state.lock:
            record = self.state.part("shops")[shop]
            order = orders.new_order(state=self.state, shop=record, now=at or self.now(), **fields)
            self.orders(shop)[str(order["id"])] = order
            self.state.touch()
        if tell:
            self._tell(shop, order, "orders/create")
            if order["financial_status"] == "paid":
                self._tell(shop, order, "orders/paid")
        return order

    def pay_order(self, shop: str, order_id: int) -> dict[str, Any]:
        order = self.order(shop, order_id)
        order["financial_status"] = "paid"
        self._changed(order)
        self._tell(shop, order, "orders/paid", "orders/updated")
        return order

    def edit_order(self, shop: str, order_id: int, *, line: int, quantity: int) -> dict[str, Any]:
        order = self.order(shop, order_id)
        order["line_items"][line]["current_quantity"] = quantity
        self._changed(order)
        self._tell(shop, order, "orders/edited", "orders/updated")
        return order

    # shipping
    def ship(
        self, shop: str, order_id: int, *, lines: list[int] | None = None, tell: bool = True, at: datetime | None = None
    ) -> dict[str, Any]:
        order = self.order(shop, order_id)
        with self.state.lock:
            parcel = orders.new_fulfillment(state=self.state, order=order, now=at or self.now(), lines=lines)
            order["fulfillments"].append(parcel)
            inside = {line["id"] for each in order["fulfillments"] for line in each["line_items"]}
            everything = all(line["id"] in inside for line in order["line_items"])
            order["fulfillment_status"] = "fulfilled" if everything else "partial"
            self._changed(order, at)
        if tell:
            self.webhooks.send(shop=shop, topic="fulfillments/create", payload=_public(parcel))
            self._tell(shop, order, "orders/updated")
        return parcel

    def scan(
        self,
        shop: str,
        fulfillment_id: int,
        status: str,
        *,
        tell: bool = True,
        times: int = 0,
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """The carrier tells: in_transit, out_for_delivery, delivered, attempted_delivery,
        delayed, ready_for_pickup, failure."""
        order, parcel = self._parcel(shop, fulfillment_id)
        with self.state.lock:
            event = orders.new_scan(
                state=self.state, order=order, fulfillment=parcel, status=status, now=at or self.now()
            )
            event["shop_id"] = self.state.part("shops")[shop]["id"]
            parcel["events"].append(event)
            parcel["shipment_status"] = status
            parcel["updated_at"] = iso(at or self.now())
            self._changed(order, at)
        if tell:
            self.webhooks.send(shop=shop, topic="fulfillment_events/create", payload=event, times=times)
            self.webhooks.send(shop=shop, topic="fulfillments/update", payload=_public(parcel), times=times)
        return event

    def _parcel(self, shop: str, fulfillment_id: int) -> tuple[dict[str, Any], dict[str, Any]]:
        for order in self.orders(shop).values():
            for parcel in order["fulfillments"]:
                if parcel["id"] == fulfillment_id:
                    return order, parcel
        raise KeyError(fulfillment_id)

    # undoing
    def refund(self, shop: str, order_id: int, *, share: Decimal = Decimal(1), tell: bool = True) -> dict[str, Any]:
        order = self.order(shop, order_id)
        with self.state.lock:
            refund = orders.new_refund(state=self.state, order=order, now=self.now(), share=share)
            order["refunds"].append(refund)
            order["financial_status"] = "refunded" if share == 1 else "partially_refunded"
            if share == 1:
                for line in order["line_items"]:
                    line["current_quantity"] = 0
            total = sum((Decimal(each["transactions"][0]["amount"]) for each in order["refunds"]), Decimal(0))
            for money in order["total_refunded_set"].values():
                money["amount"] = f"{total:.2f}"
            self._changed(order)
        if tell:
            self.webhooks.send(shop=shop, topic="refunds/create", payload=refund)
            self._tell(shop, order, "orders/updated")
        return refund

    def ask_return(self, shop: str, order_id: int, *, status: str = "requested", tell: bool = True) -> dict[str, Any]:
        """The shopper asks (`requested`), or the merchant makes one (`open`)."""
        order = self.order(shop, order_id)
        with self.state.lock:
            row = orders.new_return(state=self.state, order=order, now=self.now(), status=status)
            order.setdefault("returns", []).append(row)
            self._changed(order)
        if tell:
            topic = "returns/request" if status == "requested" else "returns/approve"
            self.webhooks.send(shop=shop, topic=topic, payload=row)
        return row

    def change_return(self, shop: str, order_id: int, return_id: int, verb: str) -> None:
        """`verb`: approve, decline, cancel, close or reopen."""
        state = {
            "approve": "open",
            "decline": "declined",
            "cancel": "canceled",
            "close": "closed",
            "reopen": "open",
        }[verb]
        order = self.order(shop, order_id)
        row = next(each for each in order["returns"] if each["id"] == return_id)
        with self.state.lock:
            row["status"] = state
            self._changed(order)
        self.webhooks.send(shop=shop, topic=f"returns/{verb}", payload=row)

    # products
    def change_product(self, shop: str, product_id: int, **fields: Any) -> None:
        """`fields`: title, tags ("a, b"), product_type, status, available, price."""
        changed = self.state.part("products").setdefault(shop, {}).setdefault(str(product_id), {})
        with self.state.lock:
            changed |= fields | {"updated_at": iso(self.now())}
            product = next(dict(each) for each in orders.PRODUCTS if each["id"] == product_id) | changed
            self.state.touch()
        payload = {
            "id": product_id,
            "title": product["title"],
            "handle": str(product["title"]).lower().replace(" ", "-"),
            "product_type": product["product_type"],
            "tags": product["tags"],
            "status": product.get("status", "active"),
            "updated_at": changed["updated_at"],
        }
        self.webhooks.send(shop=shop, topic="products/update", payload=payload)

    def delete_product(self, shop: str, product_id: int) -> None:
        with self.state.lock:
            self.state.part("products").setdefault(shop, {})[str(product_id)] = {"deleted": True}
            self.state.touch()
        self.webhooks.send(shop=shop, topic="products/delete", payload={"id": product_id})

    def cancel(self, shop: str, order_id: int, *, reason: str = "customer", tell: bool = True) -> dict[str, Any]:
        order = self.order(shop, order_id)
        with self.state.lock:
            order["cancelled_at"], order["cancel_reason"] = iso(self.now()), reason
            self._changed(order)
        if tell:
            self._tell(shop, order, "orders/cancelled", "orders/updated")
        return order

    def redeem_discount(self, shop: str, code: str, customer_orders: int | None = None) -> str:
        """What the checkout says to a code: "ok" once, then why not. `customer_orders`: None for an unknown guest."""
        with self.state.lock:
            discount = self.state.part("discounts").setdefault(shop, {}).get(code.upper())
            if discount is None:
                return "unknown"
            if discount["usageLimit"] and discount["used"] >= discount["usageLimit"]:
                return "used up"
            if not discount["startsAt"] <= iso(self.now()) < (discount["endsAt"] or "9999"):
                return "not valid now"
            if "customerSegments" in discount["context"] and customer_orders != 0:
                return "not for this customer"
            discount["used"] += 1
            self.state.touch()
            return "ok"

    def discounts(self, shop: str) -> Iterable[dict[str, Any]]:
        return list(self.state.part("discounts").setdefault(shop, {}).values())

    def _changed(self, order: dict[str, Any], at: datetime | None = None) -> None:
        order["updated_at"] = max(iso(at or self.now()), order["updated_at"])
        self.state.touch()

    def _tell(self, shop: str, order: dict[str, Any], *topics: str) -> None:
        if topics and topics[0].startswith("returns/"):  # an app has asked for it
            self.webhooks.send(shop=shop, topic=topics[0], payload=order)
            return
        payload = {key: value for key, value in order.items() if key != "returns"}
        payload |= {"fulfillments": [_public(parcel) for parcel in order["fulfillments"]]}
        for topic in topics:
            if topic == "orders/edited":
                edit = {"order_edit": {"id": order["id"] + 5, "order_id": order["id"], "committed_at": iso(self.now())}}
                self.webhooks.send(shop=shop, topic=topic, payload=edit)
            else:
                self.webhooks.send(shop=shop, topic=topic, payload=payload)


def _public(parcel: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in parcel.items() if key != "events"}
