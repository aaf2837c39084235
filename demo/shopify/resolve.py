"""Answers of the pretend Admin API, made from the same REST-shaped orders that the webhooks tell."""

import re
from typing import Any

from graphql import GraphQLError

from demo.moments import Now, iso
from demo.shopify.orders import PRODUCTS
from demo.state import State

DISPLAY = {None: "UNFULFILLED", "partial": "PARTIALLY_FULFILLED", "fulfilled": "FULFILLED"}
MAX_CODE = 255


class Node(dict[str, Any]):
    """Fields by name; graphql-core reads dictionaries by itself and calls what can be called with (info,
    **arguments)."""


class Root:
    def __init__(self, state: State, domain: str, record: dict[str, Any], now: Now):
        self.state, self.domain, self.record, self.now = state, domain, record, now

    # queries
    def shop(self, info: Any) -> Node:
        record = self.record
        host = record["primary_url"].split("://")[1]
        return Node(
            id=f"gid://shopify/Shop/{record['id']}",
            name=record["name"],
            myshopifyDomain=self.domain,
            primaryDomain=Node(id="gid://shopify/Domain/1", host=host, url=record["primary_url"]),
            url=record["primary_url"],
            contactEmail=record["email"],
            email=record["email"],
            ianaTimezone=record["timezone"],
            currencyCode=record["currency"],
            enabledPresentmentCurrencies=[record["currency"]],
            plan=Node(publicDisplayName=record["plan"], shopifyPlus=False, partnerDevelopment=False),
            shopAddress=Node(countryCodeV2=record["country"]),
            billingAddress=Node(countryCodeV2=record["country"]),
        )

    def order(self, info: Any, id: str) -> Node | None:
        found = self._orders().get(id.rsplit("/", 1)[-1])
        return self._order(found) if found else None

    def orders(
        self, info: Any, query: str = "", sortKey: str = "PROCESSED_AT", reverse: bool = False, **page: Any
    ) -> Node:
        key = {"UPDATED_AT": "updated_at", "CREATED_AT": "created_at", "ID": "id"}.get(sortKey, "processed_at")
        found = sorted(self._search(query or ""), key=lambda each: (each[key], each["id"]), reverse=reverse)
        return _connection([self._order(each) for each in found], **page)

    def ordersCount(self, info: Any, query: str = "", limit: int = 10000) -> Node:
        return Node(count=len(self._search(query or "")), precision="EXACT")

    def fulfillment(self, info: Any, id: str) -> Node | None:
        for order in self._orders().values():
            for parcel in order["fulfillments"]:
                if str(parcel["id"]) == id.rsplit("/", 1)[-1]:
                    return self._parcel(parcel, order)
        return None

    def codeDiscountNodeByCode(self, info: Any, code: str) -> Node | None:
        discount = self._discounts().get(code.upper())
        return _discount(discount) if discount else None

    def currentAppInstallation(self, info: Any) -> Node:
        scopes = [Node(handle=scope, description=scope) for scope in self.record["scopes"].split(",")]
        url = f"https://{self.domain}/admin/apps/doorstep"
        return Node(id="gid://shopify/AppInstallation/1", launchUrl=url, accessScopes=scopes, activeSubscriptions=[])

    def shopLocales(self, info: Any, published: bool = False) -> list[Node]:
        if "read_locales" not in self.record["scopes"].split(","):
            raise GraphQLError("Access denied for shopLocales field.", extensions={"code": "ACCESS_DENIED"})
        return [Node(locale=self.record["locale"], name=self.record["locale"], primary=True, published=True)]

    def customer(self, info: Any, id: str) -> Node | None:
        for order in self._orders().values():
            if order["customer"] and str(order["customer"]["id"]) == id.rsplit("/", 1)[-1]:
                return _customer(order["customer"], order)
        return None

    def product(self, info: Any, id: str) -> Node | None:
        found = [each for each in PRODUCTS if str(each["id"]) == id.rsplit("/", 1)[-1]]
        return self._product(found[0]) if found else None

    def products(self, info: Any, query: str = "", **page: Any) -> Node:
        return _connection([self._product(each) for each in PRODUCTS], **page)

    # mutations
    def discountCodeBasicCreate(self, info: Any, basicCodeDiscount: dict[str, Any]) -> Node:
        asked, problems = basicCodeDiscount, []
        code = str(asked.get("code") or "")
        value = (asked.get("customerGets") or {}).get("value") or {}
        if not asked.get("title"):
            problems.append(_problem("title", "Title can't be blank", "BLANK"))
        if not code:
            problems.append(_problem("code", "Code can't be blank", "BLANK"))
        elif len(code) > MAX_CODE:
            problems.append(_problem("code", "Code is too long (maximum is 255 characters)", "TOO_LONG"))
        elif code.upper() in self._discounts():
            problems.append(_problem("code", "Code must be unique. Please try a different code.", "TAKEN"))
        if not asked.get("startsAt"):
            problems.append(_problem("startsAt", "Starts at can't be blank", "BLANK"))
        elif asked.get("endsAt") and asked["endsAt"] <= asked["startsAt"]:
            problems.append(_problem("endsAt", "Ends at needs to be after starts_at", "INVALID"))
        if not asked.get("context"):
            problems.append(_problem("context", "Context can't be blank", "BLANK"))
        percentage = value.get("percentage")
        if percentage is None:
            problems.append(_problem("customerGets", "Value can't be blank", "BLANK"))
        elif not 0 < percentage <= 1:
            problems.append(_problem("customerGets", "Value must be between 0.0 and 1.0", "VALUE_OUTSIDE_RANGE"))
        if problems:
            return Node(codeDiscountNode=None, userErrors=problems)
        number = self.state.next_number("discount", 1_300_000_000_001)
        discount = dict(asked) | {
            "id": f"gid://shopify/DiscountCodeNode/{number}",
            "code": code,
            "percentage": percentage,
            "createdAt": iso(self.now()),
            "startsAt": str(asked["startsAt"]),
            "endsAt": str(asked.get("endsAt") or ""),
            "usageLimit": asked.get("usageLimit"),
            "appliesOncePerCustomer": bool(asked.get("appliesOncePerCustomer")),
            "status": "ACTIVE",
            "used": 0,
        }
        self._discounts()[code.upper()] = discount
        self.state.touch()
        return Node(codeDiscountNode=_discount(discount), userErrors=[])

    def discountCodeDeactivate(self, info: Any, id: str) -> Node:
        for discount in self._discounts().values():
            if discount["id"] == id:
                discount["status"] = "EXPIRED"
                discount["endsAt"] = iso(self.now())
                self.state.touch()
                return Node(codeDiscountNode=_discount(discount), userErrors=[])
        return Node(codeDiscountNode=None, userErrors=[_problem("id", "Code discount does not exist", "INVALID")])

    # rows
    def _orders(self) -> dict[str, Any]:
        return self.state.part("orders").setdefault(self.domain, {})

    def _discounts(self) -> dict[str, Any]:
        return self.state.part("discounts").setdefault(self.domain, {})

    def _search(self, query: str) -> list[dict[str, Any]]:
        """`updated_at:>=T`, `created_at:>T`, `name:#1001`, `checkout_token:..`, `id:..`, joined by spaces or AND."""
        found = list(self._orders().values())
        for name, operator, value in re.findall(r"(\w+):(>=|<=|>|<)?[\"']?([^\s\"']+)[\"']?", query):
            if name in ("updated_at", "created_at", "processed_at"):
                when = _comparable(value)
                tests = {">=": str.__ge__, "<=": str.__le__, ">": str.__gt__, "<": str.__lt__}
                test = tests.get(operator, str.__eq__)
                found = [each for each in found if test(each[name], when)]
            elif name in ("name", "checkout_token", "confirmation_number", "id", "email"):
                found = [each for each in found if str(each[name]).lstrip("#") == value.lstrip("#")]
        return found

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
            returnStatus="NO_RETURN",
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
            requiresShipping=any(line["requires_shipping"] for line in order["line_items"]),
            fullyPaid=order["financial_status"] == "paid",
            currencyCode=order["currency"],
            presentmentCurrencyCode=order["presentment_currency"],
            currentSubtotalLineItemsQuantity=sum(line["current_quantity"] for line in order["line_items"]),
            subtotalPriceSet=_bag(order["subtotal_price_set"]),
            currentSubtotalPriceSet=_bag(order["current_subtotal_price_set"]),
            totalPriceSet=_bag(order["total_price_set"]),
            currentTotalPriceSet=_bag(order["current_total_price_set"]),
            totalRefundedSet=_bag(order["total_refunded_set"]),
            totalShippingPriceSet=_bag(order["total_refunded_set"]),
            shippingAddress=_address(address),
            billingAddress=_address(order["billing_address"]),
            customer=_customer(order["customer"], order) if order["customer"] else None,
            customAttributes=[],
            lineItems=lambda info, **page: _connection(lines, **page),
            fulfillments=lambda info, first=None, query="": [
                self._parcel(each, order) for each in order["fulfillments"]
            ][:first],
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
            image=self._image(product) if product else None,
            product=self._product(product) if product else None,
            variant=Node(
                id=f"gid://shopify/ProductVariant/{line['variant_id']}",
                legacyResourceId=str(line["variant_id"]),
                title=line["variant_title"] or "Default Title",
                sku=line["sku"],
                image=None,
            ),
            originalUnitPriceSet=_bag(line["price_set"]),
            discountedUnitPriceSet=_bag(line["price_set"]),
        )

    def _product(self, product: dict[str, Any]) -> Node:
        image = self._image(product)
        return Node(
            id=f"gid://shopify/Product/{product['id']}",
            legacyResourceId=str(product["id"]),
            title=product["title"],
            handle=product["title"].lower().replace(" ", "-"),
            featuredImage=image,
            featuredMedia=Node(id=f"gid://shopify/MediaImage/{product['id']}", image=image),
            status="ACTIVE",
        )

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
            return _connection(events[::-1] if reverse else events, **page)

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
            fulfillmentLineItems=lambda info, **page: _connection(inside, **page),
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
            refundLineItems=lambda info, **page: _connection(lines, **page),
        )


def _discount(discount: dict[str, Any]) -> Node:
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


def _customer(customer: dict[str, Any], order: dict[str, Any]) -> Node:
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


def _address(address: dict[str, Any] | None) -> Node | None:
    if address is None:
        return None
    return Node(
        firstName=address["first_name"],
        lastName=address["last_name"],
        name=address["name"],
        address1=address["address1"],
        city=address["city"],
        zip=address["zip"],
        provinceCode=address["province_code"],
        countryCodeV2=address["country_code"],
        phone=address["phone"],
    )


def _bag(money: dict[str, Any]) -> Node:
    return Node(
        {
            "shopMoney": Node(amount=money["shop_money"]["amount"], currencyCode=money["shop_money"]["currency_code"]),
            "presentmentMoney": Node(
                amount=money["presentment_money"]["amount"], currencyCode=money["presentment_money"]["currency_code"]
            ),
        }
    )


def _connection(
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


def _problem(field: str, message: str, code: str) -> Node:
    return Node(field=["basicCodeDiscount", field], message=message, code=code, extraInfo=None)


def _comparable(value: str) -> str:
    """Shopify takes `2026-11-20T10:00:00Z`, an offset, or a day alone."""
    text = value.replace("+00:00", "Z")
    text = re.sub(r"\.\d+Z$", "Z", text)
    return text if "T" in text else f"{text}T00:00:00Z"
