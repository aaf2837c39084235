"""GraphQL nodes made from REST-shaped rows."""

from typing import Any

from graphql import GraphQLError

from demo.shopify.orders import COLLECTIONS, PRODUCTS
from demo.state import State

DISPLAY = {None: "UNFULFILLED", "partial": "PARTIALLY_FULFILLED", "fulfilled": "FULFILLED"}


class Node(dict[str, Any]):
    """Fields by name; graphql-core reads dictionaries by itself and calls what can be called with (info,
    **arguments)."""


class Nodes:
    state: State
    domain: str
    record: dict[str, Any]

    def _order(self, order: dict[str, Any]) -> Node:
        lines = [self._line(line) for line in order["line_items"]]
        address = order["shipping_address"]
        return Node(
            id=order["admin_graphql_api_id"],
            legacyResourceId=str(order["id"]),
            name=order["name"],
            number=order["order_number"],
            confirmationNumber=order["confirmation_number"],
            checkoutToken=order["checkout_token"],
            statusPageUrl=order["order_status_url"],
            customerLocale=order["customer_locale"],
            displayFinancialStatus=order["financial_status"].upper(),
            displayFulfillmentStatus=DISPLAY[order["fulfillment_status"]],
            returnStatus=_return_status(order.get("returns", [])),
            cancelledAt=order["cancelled_at"],
            cancelReason=(order["cancel_reason"] or "").upper() or None,
            createdAt=order["created_at"],
            processedAt=order["processed_at"],
            updatedAt=order["updated_at"],
            closedAt=None,
            email=order["email"],
            phone=order["phone"],
            test=order["test"],
            tags=[tag.strip() for tag in order["tags"].split(",") if tag.strip()],
            note=order["note"],
            sourceName=order["source_name"],
            paymentGatewayNames=order["payment_gateway_names"],
            requiresShipping=any(line["requires_shipping"] for line in order["line_items"]),
            fullyPaid=order["financial_status"] == "paid",
            currencyCode=order["currency"],
            presentmentCurrencyCode=order["presentment_currency"],
            currentSubtotalLineItemsQuantity=sum(line["current_quantity"] for line in order["line_items"]),
            subtotalPriceSet=bag_node(order["subtotal_price_set"]),
            currentSubtotalPriceSet=bag_node(order["current_subtotal_price_set"]),
            totalPriceSet=bag_node(order["total_price_set"]),
            currentTotalPriceSet=bag_node(order["current_total_price_set"]),
            totalRefundedSet=bag_node(order["total_refunded_set"]),
            totalShippingPriceSet=bag_node(order["total_refunded_set"]),
            shippingAddress=address_node(address),
            billingAddress=address_node(order["billing_address"]),
            customer=customer_node(order["customer"], order) if order["customer"] else None,
            customAttributes=[],
            lineItems=lambda info, **page: connection_node(lines, **page),
            fulfillments=lambda info, first=None, query="": [
                self._parcel(each, order) for each in order["fulfillments"]
            ][:first],
            returns=lambda info, **page: self._returns(order, **page),
            refunds=lambda info, first=None: [self._refund(each, order) for each in order["refunds"]][:first],
        )

    def _line(self, line: dict[str, Any]) -> Node:
        product = next((each for each in PRODUCTS if each["id"] == line["product_id"]), None)
        return Node(
            id=line["admin_graphql_api_id"],
            title=line["title"],
            name=line["name"],
            variantTitle=line["variant_title"],
            sku=line["sku"],
            quantity=line["quantity"],
            currentQuantity=line["current_quantity"],
            requiresShipping=line["requires_shipping"],
            isGiftCard=False,
            customAttributes=[Node(key=each["name"], value=each["value"]) for each in line.get("properties", [])],
            image=self._image(product) if product else None,
            product=self._product(product) if product else None,
            variant=Node(
                id=f"gid://shopify/ProductVariant/{line['variant_id']}",
                legacyResourceId=str(line["variant_id"]),
                title=line["variant_title"] or "Default Title",
                sku=line["sku"],
                image=None,
            ),
            originalUnitPriceSet=bag_node(line["price_set"]),
            discountedUnitPriceSet=bag_node(line["price_set"]),
        )

    def _returns(self, order: dict[str, Any], *, reverse: bool = False, **page: Any) -> Node:
        if "read_returns" not in self.record["scopes"].split(","):
            raise GraphQLError("Access denied for returns field.", extensions={"code": "ACCESS_DENIED"})
        nodes = [
            Node(
                id=each["admin_graphql_api_id"],
                name=each["name"],
                status=each["status"].upper(),
                createdAt=each["created_at"],
                totalQuantity=each["total_return_line_items"],
            )
            for each in order.get("returns", [])
        ]
        return connection_node(nodes[::-1] if reverse else nodes, **page)

    def catalogue(self) -> list[dict[str, Any]]:
        return catalogue_of(self.state, self.domain)

    def _metafields(self, product: dict[str, Any], keys: list[str] | None) -> list[Node]:
        owner = f"gid://shopify/Product/{product['id']}"
        written = self.state.part("metafields").get(self.domain, {})
        found = []
        for number, (name, value) in enumerate(written.items()):
            who, _, field = name.partition(" ")
            namespace, _, key = field.rpartition(".")
            if who == owner and (keys is None or field in keys):
                found.append(
                    Node(
                        id=f"gid://shopify/Metafield/{number + 1}",
                        namespace=namespace,
                        key=key,
                        type="json",
                        value=value,
                    )
                )
        return found

    def _product(self, product: dict[str, Any]) -> Node:
        image = self._image(product)
        money = Node(amount=product["price"], currencyCode=self.record["currency"])
        variant = Node(
            id=f"gid://shopify/ProductVariant/{product['variant_id']}",
            legacyResourceId=str(product["variant_id"]),
            title=product["variant_title"] or "Default Title",
            sku=product["sku"],
            image=None,
            availableForSale=product.get("available", True),
        )
        return Node(
            id=f"gid://shopify/Product/{product['id']}",
            legacyResourceId=str(product["id"]),
            title=product["title"],
            handle=handle_of(product),
            featuredImage=image,
            featuredMedia=Node(id=f"gid://shopify/MediaImage/{product['id']}", image=image, preview=Node(image=image)),
            status=product.get("status", "active").upper(),
            productType=product["product_type"],
            tags=[tag.strip() for tag in product["tags"].split(",") if tag.strip()],
            updatedAt=product.get("updated_at", "2026-01-01T00:00:00Z"),
            priceRangeV2=Node(minVariantPrice=money, maxVariantPrice=money),
            collections=lambda info, **page: connection_node(self._collections(product), **page),
            variants=lambda info, **page: connection_node([variant], **page),
            metafields=lambda info, keys=None, namespace=None, **page: connection_node(
                self._metafields(product, keys), **page
            ),
        )

    def _collections(self, product: dict[str, Any]) -> list[Node]:
        return [
            Node(id=f"gid://shopify/Collection/{number}", title=title, handle=title.lower().replace(" ", "-"))
            for number, (title, types) in COLLECTIONS.items()
            if product["product_type"] in types
        ]

    def _image(self, product: dict[str, Any]) -> Node:
        url = f"{self.state.data.get('url', '')}/cdn/products/{product['id']}.png"
        return Node(
            url=lambda info, transform=None: url,  # one size is drawn
            altText=product["title"],
            width=600,
            height=600,
        )

    def _parcel(self, parcel: dict[str, Any], order: dict[str, Any]) -> Node:
        when = {event["status"]: event["happened_at"] for event in reversed(parcel["events"])}
        events = [
            Node(
                id=event["admin_graphql_api_id"],
                status=event["status"].upper(),
                happenedAt=event["happened_at"],
                createdAt=event["created_at"],
                message=event["message"],
                city=event["city"],
                province=event["province"],
                country=event["country"],
                zip=event["zip"],
                estimatedDeliveryAt=event["estimated_delivery_at"],
            )
            for event in parcel["events"]
        ]
        inside = [
            Node(
                id=f"gid://shopify/FulfillmentLineItem/{line['id']}",
                quantity=line["quantity"],
                lineItem=self._line(line),
            )
            for line in parcel["line_items"]
        ]

        def page_of_events(info: Any, reverse: bool = False, sortKey: str = "", **page: Any) -> Node:
            return connection_node(events[::-1] if reverse else events, **page)

        return Node(
            id=parcel["admin_graphql_api_id"],
            legacyResourceId=str(parcel["id"]),
            name=parcel["name"],
            status=parcel["status"].upper(),
            displayStatus=(parcel["shipment_status"] or "fulfilled").upper(),
            createdAt=parcel["created_at"],
            updatedAt=parcel["updated_at"],
            inTransitAt=when.get("in_transit"),
            deliveredAt=when.get("delivered"),
            estimatedDeliveryAt=parcel["estimated_delivery_at"],
            order=lambda info: self._order(order),
            trackingInfo=lambda info, first=None: [
                Node(company=parcel["tracking_company"], number=parcel["tracking_number"], url=parcel["tracking_url"])
            ],
            fulfillmentLineItems=lambda info, **page: connection_node(inside, **page),
            events=page_of_events,
        )

    def _refund(self, refund: dict[str, Any], order: dict[str, Any]) -> Node:
        money = refund["transactions"][0]
        amount = Node(amount=money["amount"], currencyCode=money["currency"])
        by_id = {line["id"]: line for line in order["line_items"]}
        lines = [
            Node(
                id=f"gid://shopify/RefundLineItem/{each['id']}",
                quantity=each["quantity"],
                lineItem=self._line(by_id[each["line_item_id"]]),
            )
            for each in refund["refund_line_items"]
        ]
        return Node(
            id=refund["admin_graphql_api_id"],
            legacyResourceId=str(refund["id"]),
            createdAt=refund["created_at"],
            processedAt=refund["processed_at"],
            note=refund["note"],
            totalRefundedSet=Node(shopMoney=amount, presentmentMoney=amount),
            refundLineItems=lambda info, **page: connection_node(lines, **page),
        )


def _return_status(returns: list[dict[str, Any]]) -> str:
    states = {each["status"] for each in returns}
    if "requested" in states:
        return "RETURN_REQUESTED"
    if "open" in states:
        return "IN_PROGRESS"
    return "RETURNED" if "closed" in states else "NO_RETURN"


def handle_of(product: dict[str, Any]) -> str:
    return str(product["title"]).lower().replace(" ", "-")


def catalogue_of(state: State, domain: str) -> list[dict[str, Any]]:
    """The shop's products as they are now: PRODUCTS with what was changed, without what was deleted."""
    changed = state.part("products").get(domain, {})
    found = [dict(each) | changed.get(str(each["id"]), {}) for each in PRODUCTS]
    return [each for each in found if not each.get("deleted")]


def discount_node(discount: dict[str, Any]) -> Node:
    code = Node(
        id=discount["id"].replace("DiscountCodeNode", "DiscountRedeemCode"),
        code=discount["code"],
        asyncUsageCount=discount["used"],
    )
    basic = Node(
        __typename="DiscountCodeBasic",
        title=discount["title"],
        status=discount["status"],
        startsAt=discount["startsAt"],
        endsAt=discount["endsAt"] or None,
        usageLimit=discount["usageLimit"],
        appliesOncePerCustomer=discount["appliesOncePerCustomer"],
        asyncUsageCount=discount["used"],
        createdAt=discount["createdAt"],
        summary=f"{discount['percentage']:.0%} off entire order",
        codes=lambda info, first=None: Node(nodes=[code], edges=[Node(node=code)]),
        customerGets=Node(value=Node(__typename="DiscountPercentage", percentage=discount["percentage"])),
    )
    return Node(id=discount["id"], codeDiscount=basic)


def customer_node(customer: dict[str, Any], order: dict[str, Any]) -> Node:
    name = " ".join(part for part in (customer["first_name"], customer["last_name"]) if part)
    email, phone = customer["email"], customer["phone"]
    return Node(
        id=f"gid://shopify/Customer/{customer['id']}",
        legacyResourceId=str(customer["id"]),
        firstName=customer["first_name"],
        lastName=customer["last_name"],
        displayName=name or "Customer",
        locale=order["customer_locale"] or "en",
        defaultEmailAddress=Node(emailAddress=email, marketingState="NOT_SUBSCRIBED") if email else None,
        defaultPhoneNumber=Node(phoneNumber=phone) if phone else None,
    )


def address_node(address: dict[str, Any] | None) -> Node | None:
    if address is None:
        return None
    return Node(
        firstName=address["first_name"],
        lastName=address["last_name"],
        name=address["name"],
        company=address.get("company"),
        address1=address["address1"],
        address2=address.get("address2"),
        city=address["city"],
        zip=address["zip"],
        provinceCode=address["province_code"],
        countryCodeV2=address["country_code"],
        phone=address["phone"],
    )


def bag_node(money: dict[str, Any]) -> Node:
    return Node(
        {
            "shopMoney": Node(amount=money["shop_money"]["amount"], currencyCode=money["shop_money"]["currency_code"]),
            "presentmentMoney": Node(
                amount=money["presentment_money"]["amount"], currencyCode=money["presentment_money"]["currency_code"]
            ),
        }
    )


def connection_node(
    nodes: list[Node], *, first: int | None = None, after: str | None = None, last: int | None = None, **_: Any
) -> Node:
    if first is None and last is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    start = int(after) + 1 if after else 0
    end = start + (first or len(nodes))
    page = nodes[start:end] if last is None else nodes[-last:]
    cursors = [str(start + place) for place in range(len(page))]
    info = Node(
        hasNextPage=end < len(nodes) and last is None,
        hasPreviousPage=start > 0,
        startCursor=cursors[0] if cursors else None,
        endCursor=cursors[-1] if cursors else None,
    )
    edges = [Node(cursor=cursor, node=node) for cursor, node in zip(cursors, page, strict=True)]
    return Node(nodes=page, edges=edges, pageInfo=info)
