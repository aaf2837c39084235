"""The order confirmation as Shopify sends it, with the merchant's snippet in it, rendered by a Liquid engine."""

import hashlib
import hmac
from html import escape
from typing import Any

from liquid import Environment
from liquid.exceptions import LiquidError


def _hmac_sha256(value: object, key: object) -> str:
    return hmac.new(str(key).encode(), str(value).encode(), hashlib.sha256).hexdigest()


LIQUID = Environment()
LIQUID.add_filter("hmac_sha256", _hmac_sha256)

LETTER = """<!doctype html><html lang="{language}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Order {name} confirmed</title>
<body style="margin:0;background:#fff;font:16px/1.5 system-ui,sans-serif;color:#333">
<div style="max-width:34rem;margin:0 auto;padding:1.5rem"><p style="font-size:1.25rem;margin:0 0 1rem">{shop}</p>
<h1 style="font-size:1.4rem;font-weight:500;margin:0 0 .5rem">Thank you for your purchase!</h1>
<p style="margin:0 0 1rem">Order {name} is confirmed. We will tell you when it is on its way.</p>
{snippet}<h2 style="font-size:1rem;margin:1.5rem 0 .5rem">Order summary</h2>{lines}
<p style="text-align:right;border-top:1px solid #ddd;padding-top:.5rem"><b>Total {total}</b></p></div></body></html>"""


def confirmation_mail(order: dict[str, Any], shop: dict[str, Any], snippet: str) -> str:
    return LETTER.format(
        language=escape(order["customer_locale"]),
        name=escape(order["name"]),
        shop=escape(shop["name"]),
        snippet=rendered(snippet, order, shop) if snippet else "",
        lines="".join(
            f"<p style='margin:.25rem 0'>{escape(each['title'])} × {each['quantity']}</p>"
            for each in order["line_items"]
        ),
        total=escape(f"{order['total_price']} {order['currency']}"),
    )


def rendered(snippet: str, order: dict[str, Any], shop: dict[str, Any]) -> str:
    """With the variables that Shopify documents for this template."""
    try:
        return LIQUID.from_string(snippet).render(
            id=order["id"],
            name=order["name"],
            order_name=order["name"],
            order_number=order["order_number"],
            confirmation_number=order["confirmation_number"],
            email=order["email"],
            customer={"id": order["customer"]["id"], "first_name": order["customer"]["first_name"]},
            shipping_address={"country_code": order["shipping_address"]["country_code"]},
            shop={"name": shop["name"], "permanent_domain": shop["domain"], "url": shop["primary_url"]},
        )
    except LiquidError as error:
        return f"<p>Liquid error: {escape(str(error))}</p>"
