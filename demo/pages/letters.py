"""The mails that Shopify sends of an order, each with the merchant's snippet in it, rendered by a Liquid engine."""

import hashlib
import hmac
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from liquid import Environment
from liquid.exceptions import LiquidError

from shopapp.lib import data_file

TEMPLATES = {  # Shopify's notification templates that the builder has a snippet for
    "order_confirmation": "Order confirmation",
    "shipping_confirmation": "Shipping confirmation",
    "out_for_delivery": "Out for delivery",
    "delivered": "Delivered",
    "refund": "Order refund",
}


def _hmac_sha256(value: object, key: object) -> str:
    return hmac.new(str(key).encode(), str(value).encode(), hashlib.sha256).hexdigest()


LIQUID = Environment()
LIQUID.add_filter("hmac_sha256", _hmac_sha256)

LETTER = """<!doctype html><html lang="{language}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{subject}</title>
<body style="margin:0;background:#fff;font:16px/1.5 system-ui,sans-serif;color:#333">
<div style="max-width:34rem;margin:0 auto;padding:1.5rem"><p style="font-size:1.25rem;margin:0 0 1rem">{shop}</p>
<h1 style="font-size:1.4rem;font-weight:500;margin:0 0 .5rem">{heading}</h1>
<p style="margin:0 0 1rem">{text}</p>
{snippet}<h2 style="font-size:1rem;margin:1.5rem 0 .5rem">{summary}</h2>{lines}
<p style="text-align:right;border-top:1px solid #bbb;padding-top:.5rem"><b>{total}</b></p></div></body></html>"""


@dataclass(frozen=True)
class Letter:
    subject: str
    html: str


@cache
def _words() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = data_file.read(Path(__file__).with_name("letters.yaml"))
    return loaded


def languages() -> list[str]:
    """In which the shop has translated its notifications; others get the first."""
    return list(_words())


def language_of(order: dict[str, Any]) -> str:
    spoken = str(order["customer_locale"]).split("-")[0]
    return spoken if spoken in _words() else languages()[0]


def letter(template: str, order: dict[str, Any], shop: dict[str, Any], snippet: str) -> Letter:
    language = language_of(order)
    words = _words()[language]
    subject, heading, text = (each.format(name=order["name"]) for each in words[template])
    refunded = order["total_refunded_set"]["shop_money"]["amount"]
    amount = f"{refunded if template == 'refund' else order['total_price']} {order['currency']}"
    html = LETTER.format(
        language=language,
        subject=escape(subject),
        heading=escape(heading),
        text=escape(text),
        shop=escape(shop["name"]),
        snippet=rendered(snippet, order, shop) if snippet else "",
        summary=escape(words["summary"]),
        lines="".join(
            f"<p style='margin:.25rem 0'>{escape(each['title'])} × {each['quantity']}</p>"
            for each in order["line_items"]
        ),
        total=escape(f"{words['refunded' if template == 'refund' else 'total']} {amount}"),
    )
    return Letter(subject, html)


def rendered(snippet: str, order: dict[str, Any], shop: dict[str, Any], more: dict[str, Any] | None = None) -> str:
    """With the variables that Shopify documents for its notification templates; `more`: for the packing slip's."""
    variables: dict[str, Any] = {
        "id": order["id"],
        "name": order["name"],
        "order_name": order["name"],
        "order_number": order["order_number"],
        "confirmation_number": order["confirmation_number"],
        "email": order["email"],
        "customer": {"id": order["customer"]["id"], "first_name": order["customer"]["first_name"]},
        "shipping_address": {"country_code": order["shipping_address"]["country_code"]},
        "shop": {"name": shop["name"], "permanent_domain": shop["domain"], "url": shop["primary_url"]},
    }
    try:
        return LIQUID.from_string(snippet).render(**(variables | (more or {})))
    except LiquidError as error:
        return f"<p>Liquid error: {escape(str(error))}</p>"
