"""Orders as Shopify's webhooks tell them: REST-shaped, integers as ids, money as strings (2026-10)."""

import secrets
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from demo.moments import iso
from demo.state import State

PRODUCTS = (
    {
        "id": 7701,
        "product_type": "Tableware",
        "tags": "kitchen, handmade",
        "variant_id": 8801,
        "title": "Stoneware mug",
        "variant_title": "Moss",
        "sku": "MUG-MOSS",
        "price": "24.00",
    },
    {
        "id": 7702,
        "product_type": "Textiles",
        "tags": "kitchen, linen",
        "variant_id": 8802,
        "title": "Linen apron",
        "variant_title": "Sand",
        "sku": "APR-SAND",
        "price": "49.00",
    },
    {
        "id": 7703,
        "product_type": "Tableware",
        "tags": "kitchen, wood",
        "variant_id": 8803,
        "title": "Oak board",
        "variant_title": "",
        "sku": "OAK-BRD",
        "price": "39.00",
    },
    {
        "id": 7704,
        "product_type": "Home",
        "tags": "beeswax",
        "variant_id": 8804,
        "title": "Beeswax candle",
        "variant_title": "Large",
        "sku": "WAX-L",
        "price": "19.00",
    },
    {
        "id": 7705,
        "product_type": "Bath",
        "tags": "soap",
        "variant_id": 8805,
        "title": "Olive soap",
        "variant_title": "",
        "sku": "SOAP-O",
        "price": "9.00",
    },
    {
        "id": 7706,
        "product_type": "Textiles",
        "tags": "wool",
        "variant_id": 8806,
        "title": "Wool throw",
        "variant_title": "Fern",
        "sku": "THROW-F",
        "price": "89.00",
    },
)
COLLECTIONS = {  # id: title, and the types of product in it
    4401: ("Kitchen and table", ("Tableware",)),
    4402: ("Soft things", ("Textiles",)),
    4403: ("Gifts", ("Home", "Bath", "Tableware")),
}
CITIES = {
    "DE": ("Berlin", "10115", "BE", "Lindenstr. 4"),
    "FR": ("Lyon", "69001", "", "4 rue Neuve"),
    "ES": ("Valencia", "46001", "V", "Calle Mayor 4"),
    "IT": ("Torino", "10121", "TO", "Via Roma 4"),
    "NL": ("Utrecht", "3511", "", "Oudegracht 4"),
    "GB": ("Bristol", "BS1 4DJ", "", "4 Queen Square"),
    "US": ("Portland", "97201", "OR", "4 Oak Street"),
    "AT": ("Graz", "8010", "", "Herrengasse 4"),
}

TRANSIT_DAYS = {"DE": (1, 3), "AT": (2, 4), "NL": (2, 4), "US": (6, 10)}  # of the shipping that every order takes


def transit_days(country: str) -> tuple[int, int]:
    """When an order arrives: not before, and not after so many days."""
    return TRANSIT_DAYS.get(country, (3, 6))


def new_order(
    *,
    state: State,
    shop: dict[str, Any],
    now: datetime,
    first_name: str = "Maria",
    last_name: str = "Lang",
    email: str = "maria@example.com",
    phone: str | None = None,
    language: str = "en",
    country: str = "DE",
    items: tuple[tuple[int, int], ...] = ((0, 1),),
    source_name: str = "web",
    test: bool = False,
    personal: bool = True,
    currency: str = "EUR",
    financial_status: str = "paid",
    gateway: str = "shopify_payments",
) -> dict[str, Any]:
    """`items`: (index into PRODUCTS, quantity). `personal=False`: protected data is not approved,
    the fields are null."""
    order_id = state.next_number("order", 5_900_000_000_001)
    number = state.next_number("order_number", 1001)
    lines = [
        _line(state.next_number("line", 14_000_000_001), PRODUCTS[index], quantity, currency)
        for index, quantity in items
    ]
    subtotal = sum((Decimal(line["price"]) * line["quantity"] for line in lines), Decimal(0))
    shipping = Decimal("4.90") if subtotal < 100 else Decimal(0)
    token, checkout, at = secrets.token_hex(16), secrets.token_hex(16), iso(now)
    customer_id = _customer_id(state, email)
    city, zip_code, province, street = CITIES[country]
    address = {
        "first_name": first_name,
        "last_name": last_name,
        "name": f"{first_name} {last_name}",
        "address1": street,
        "city": city,
        "zip": zip_code,
        "province_code": province or None,
        "country_code": country,
        "phone": phone,
    }
    where = {
        key: (value if personal or key in ("country_code", "province_code") else None) for key, value in address.items()
    }
    customer = {"id": customer_id, "email": email, "first_name": first_name, "last_name": last_name, "phone": phone}
    if not personal:
        customer = {"id": customer_id, "email": None, "first_name": None, "last_name": None, "phone": None}
    return {
        "id": order_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order_id}",
        "name": f"#{number}",
        "number": number - 1000,
        "order_number": number,
        "confirmation_number": secrets.token_hex(5).upper()[:9],
        "token": token,
        "checkout_token": checkout,
        "cart_token": None,
        "checkout_id": order_id + 1,
        "order_status_url": f"https://{shop['domain']}/{shop['id']}/orders/{token}/authenticate?key={secrets.token_hex(16)}"
        if personal
        else None,
        "email": email if personal else None,
        "contact_email": email if personal else None,
        "phone": phone if personal else None,
        "customer": {**customer, "admin_graphql_api_id": f"gid://shopify/Customer/{customer_id}"},
        "customer_locale": language,
        "currency": currency,
        "presentment_currency": currency,
        "subtotal_price": f"{subtotal:.2f}",
        "subtotal_price_set": _money_set(subtotal, currency),
        "total_price": f"{subtotal + shipping:.2f}",
        "total_price_set": _money_set(subtotal + shipping, currency),
        "current_total_price": f"{subtotal + shipping:.2f}",
        "current_total_price_set": _money_set(subtotal + shipping, currency),
        "current_subtotal_price": f"{subtotal:.2f}",
        "current_subtotal_price_set": _money_set(subtotal, currency),
        "total_refunded_set": _money_set(Decimal(0), currency),
        "financial_status": financial_status,
        "fulfillment_status": None,
        "cancelled_at": None,
        "cancel_reason": None,
        "created_at": at,
        "processed_at": at,
        "updated_at": at,
        "source_name": source_name,
        "payment_gateway_names": [gateway],
        "test": test,
        "tags": "",
        "note": None,
        "note_attributes": [],
        "line_items": lines,
        "shipping_lines": [{"id": order_id + 2, "title": "Standard", "price": f"{shipping:.2f}"}],
        "shipping_address": where,
        "billing_address": where,
        "fulfillments": [],
        "refunds": [],
    }


def new_fulfillment(
    *, state: State, order: dict[str, Any], now: datetime, lines: list[int] | None = None, carrier: str = "DHL"
) -> dict[str, Any]:
    """`lines`: ids of the lines in this parcel; None: everything that is not in a parcel yet."""
    shipped = {
        line["id"] for parcel in order["fulfillments"] if parcel["status"] == "success" for line in parcel["line_items"]
    }
    inside = [line for line in order["line_items"] if line["id"] in lines] if lines else None
    if inside is None:
        inside = [line for line in order["line_items"] if line["id"] not in shipped]
    if not inside:
        raise ValueError("Everything in this order is shipped already")
    fulfillment_id = state.next_number("fulfillment", 6_100_000_000_001)
    tracking = f"00340434{fulfillment_id % 10**12:012d}"
    return {
        "id": fulfillment_id,
        "admin_graphql_api_id": f"gid://shopify/Fulfillment/{fulfillment_id}",
        "order_id": order["id"],
        "name": f"{order['name']}-F{len(order['fulfillments']) + 1}",
        "status": "success",
        "shipment_status": None,
        "tracking_company": carrier,
        "tracking_number": tracking,
        "tracking_numbers": [tracking],
        "tracking_url": f"https://tracking.example.test/{tracking}",
        "tracking_urls": [f"https://tracking.example.test/{tracking}"],
        "line_items": [dict(line) for line in inside],
        "estimated_delivery_at": iso(now + timedelta(days=3)),
        "created_at": iso(now),
        "updated_at": iso(now),
        "events": [],
    }


def new_scan(
    *, state: State, order: dict[str, Any], fulfillment: dict[str, Any], status: str, now: datetime, message: str = ""
) -> dict[str, Any]:
    event_id = state.next_number("scan", 9_100_000_000_001)
    address = order["shipping_address"] or {}
    return {
        "id": event_id,
        "admin_graphql_api_id": f"gid://shopify/FulfillmentEvent/{event_id}",
        "fulfillment_id": fulfillment["id"],
        "order_id": order["id"],
        "shop_id": 0,
        "status": status,
        "message": message or status.replace("_", " ").capitalize(),
        "happened_at": iso(now),
        "created_at": iso(now),
        "updated_at": iso(now),
        "estimated_delivery_at": fulfillment["estimated_delivery_at"],
        "city": address.get("city"),
        "province": address.get("province_code"),
        "country": address.get("country_code"),
        "zip": address.get("zip"),
    }


def new_refund(*, state: State, order: dict[str, Any], now: datetime, share: Decimal = Decimal(1)) -> dict[str, Any]:
    """`share`: 1 is everything. Only a full refund takes the lines out of the order."""
    refund_id = state.next_number("refund", 4_100_000_000_001)
    amount = (Decimal(order["total_price"]) * share).quantize(Decimal("0.01"))
    lines = [
        {
            "id": refund_id * 10 + place,
            "line_item_id": line["id"],
            "quantity": line["quantity"],
            "subtotal": line["price"],
        }
        for place, line in enumerate(order["line_items"])
        if share == 1
    ]
    return {
        "id": refund_id,
        "admin_graphql_api_id": f"gid://shopify/Refund/{refund_id}",
        "order_id": order["id"],
        "note": "",
        "created_at": iso(now),
        "processed_at": iso(now),
        "refund_line_items": lines,
        "transactions": [
            {
                "id": refund_id + 1,
                "kind": "refund",
                "status": "success",
                "amount": f"{amount}",
                "currency": order["currency"],
            }
        ],
        "order_adjustments": [],
    }


def new_return(*, state: State, order: dict[str, Any], now: datetime, status: str) -> dict[str, Any]:
    """All that was ordered, as the shopper asks for it."""
    return_id = state.next_number("return", 3_500_000_001)
    lines = [
        {
            "id": return_id * 10 + place,
            "admin_graphql_api_id": f"gid://shopify/ReturnLineItem/{return_id * 10 + place}",
            "fulfillment_line_item": {"line_item": {"id": line["id"]}},
            "quantity": line["quantity"],
            "return_reason": "unwanted",
            "return_reason_note": "",
            "customer_note": "It is too small for Aunt Maria",
        }
        for place, line in enumerate(order["line_items"])
    ]
    return {
        "id": return_id,
        "admin_graphql_api_id": f"gid://shopify/Return/{return_id}",
        "status": status,
        "order": {"id": order["id"], "admin_graphql_api_id": order["admin_graphql_api_id"]},
        "total_return_line_items": len(lines),
        "name": f"{order['name']}-R{len(order.get('returns', [])) + 1}",
        "return_line_items": lines,
        "created_at": iso(now),
    }


def _line(line_id: int, product: dict[str, Any], quantity: int, currency: str) -> dict[str, Any]:
    return {
        "id": line_id,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{line_id}",
        "product_id": product["id"],
        "variant_id": product["variant_id"],
        "title": product["title"],
        "name": " - ".join(part for part in (product["title"], product["variant_title"]) if part),
        "variant_title": product["variant_title"] or None,
        "sku": product["sku"],
        "quantity": quantity,
        "current_quantity": quantity,
        "fulfillable_quantity": quantity,
        "fulfillment_status": None,
        "price": product["price"],
        "price_set": _money_set(Decimal(product["price"]), currency),
        "requires_shipping": True,
        "product_exists": True,
        "gift_card": False,
    }


def _money_set(amount: Decimal, currency: str) -> dict[str, Any]:
    money = {"amount": f"{amount:.2f}", "currency_code": currency}
    return {"shop_money": dict(money), "presentment_money": dict(money)}


def _customer_id(state: State, email: str) -> int:
    with state.lock:
        customers = state.part("customers")
        if email not in customers:
            customers[email] = state.next_number("customer", 3_200_000_000_001)
        return int(customers[email])
