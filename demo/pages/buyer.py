"""The thank-you and the order-status page, on which the built extensions stand as in Shopify's checkout."""

import json
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

from demo.server import Reply, Request
from demo.shopify.metafields import metafields_of
from demo.shopify.orders import transit_days
from demo.world import DemoWorld

HERE = Path(__file__).resolve().parent
EXTENSIONS = HERE.parent.parent / "extensions"
OVERLAY = EXTENSIONS / "optional" / "chat-overlay"
BLOCKS = {  # what is drawn, and where Shopify draws it
    "thank-you": "purchase.thank-you.block.render",
    "announcement": "purchase.thank-you.announcement.render",
    "order-status": "customer-account.order-status.block.render",
}


class BuyerPages:
    def __init__(self, world: DemoWorld, shop: str):
        self.world, self.shop = world, shop
        route = world.server.route
        for block in BLOCKS:
            route(
                "GET",
                f"/{block}/<order_id>",
                lambda request, order_id, block=block: self._page(request, order_id, block),
            )
        route("GET", "/extension/<name>", self._extension)
        route("GET", "/api/buyer-token", self._buyer_token)

    def _buyer_token(self, request: Request) -> Reply:
        """`order`: the shopper has signed in as its customer."""
        order = self.world.shopify.orders(self.shop).get(request.query.get("order", ""))
        customer = order["customer"]["id"] if order else None
        return Reply({"token": self.world.shopify.oauth.buyer_token(self.shop, customer_id=customer)})

    def _page(self, request: Request, order_id: str, block: str) -> Reply:
        order = self.world.shopify.orders(self.shop).get(order_id)
        if order is None:
            return Reply("There is no such order", status=404)
        language = order["customer_locale"]
        locales = EXTENSIONS / block / "locales"
        locale = next(locales.glob(f"{language.split('-')[0]}[.-]*json"), locales / "en.default.json")
        signed_in = request.query.get("signed_in") == "1"
        facts = {
            "shop": self.shop,
            "app_url": self.world.app_url,
            "extension": block,
            "target": BLOCKS[block],
            "order_id": order["id"],
            "order": {
                "id": f"gid://shopify/{'Order' if block == 'order-status' else 'OrderIdentity'}/{order['id']}",
                "name": order["name"],
            },
            "number": order["confirmation_number"],
            "checkout_token": order["checkout_token"],
            "language": language,
            "country": order["shipping_address"]["country_code"],
            "signed_in": signed_in,
            "metafields": self._shop_metafields(),
            "delivery_groups": delivery_groups(order, datetime.now(UTC)),
            "texts": json.loads(locale.read_text("utf-8")),
            "overlay": _overlay_words(language) if block == "thank-you" else None,
        }
        name = escape(order["shipping_address"]["first_name"] or "")
        heading = f"Thank you, {name}!" if block != "order-status" else f"Order {order['name']}"
        text = (
            f"Your order {order['name']} is confirmed."
            if signed_in or block != "order-status"
            else "Opened from the e-mail."
        )
        html = (HERE / "checkout.html").read_text("utf-8")
        for key, value in {
            "LANGUAGE": escape(language, quote=True),
            "DIRECTION": "rtl" if language.startswith(("ar", "he")) else "ltr",
            "PAGE_TITLE": heading,
            "PAGE_HEADING": heading,
            "PAGE_TEXT": text,
            "FACTS": json.dumps(facts).replace("<", "\\u003c"),
        }.items():
            html = html.replace(key, value)
        return Reply(html)

    def _shop_metafields(self) -> list[dict[str, Any]]:
        """The app-owned ones of the shop, as an extension gets them."""
        owner = f"gid://shopify/Shop/{self.world.state.part('shops')[self.shop]['id']}"
        value = metafields_of(self.world.state, self.shop).get(f"{owner} $app.checkout")
        if value is None:
            return []
        field = {"namespace": "$app", "key": "checkout", "value": value, "valueType": "json_string", "type": "json"}
        return [{"target": {"type": "shop", "id": owner}, "metafield": field}]

    def _extension(self, request: Request, name: str) -> Reply:
        """The file that ships (`npm run size` holds it against the source)."""
        block = name.removesuffix(".js")
        if block == OVERLAY.name:
            return Reply((OVERLAY / "dist" / name).read_bytes(), type="text/javascript; charset=utf-8")
        if block not in BLOCKS:
            return Reply("Nothing here", status=404)
        script = EXTENSIONS / block / "dist" / f"{block}.js"
        return Reply(script.read_bytes(), type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-store"})


def delivery_groups(order: dict[str, Any], now: datetime) -> list[dict[str, Any]]:
    """As the checkout tells them: seconds from now on (the browser's own), until the chosen shipping is over."""
    placed = datetime.fromisoformat(order["created_at"])
    lower, upper = (
        int((placed + timedelta(days=days) - now).total_seconds())
        for days in transit_days(order["shipping_address"]["country_code"])
    )
    shipping = order["shipping_lines"][0]
    cost = {"amount": float(shipping["price"]), "currencyCode": order["currency"]}
    handle = f"standard-{shipping['id']}"
    estimate = {"timeInTransit": {"lower": max(lower, 0), "upper": upper}} if upper > 0 else {}
    option = {
        "handle": handle,
        "title": shipping["title"],
        "type": "shipping",
        "carrier": {"name": "DHL"},
        "cost": cost,
        "costAfterDiscounts": cost,
        "deliveryEstimate": estimate,
    }
    return [
        {
            "targetedCartLines": [{"id": f"gid://shopify/CartLine/{line['id']}"} for line in order["line_items"]],
            "deliveryOptions": [option],
            "selectedDeliveryOption": {"handle": handle},
            "groupType": "oneTimePurchase",
            "isDeliveryRequired": True,
        }
    ]


def _overlay_words(language: str) -> dict[str, str]:
    default = OVERLAY / "locales" / "en.default.json"
    file = next((OVERLAY / "locales").glob(f"{language.split('-')[0]}[.-]*json"), default)
    words: dict[str, str] = json.loads(file.read_text("utf-8"))
    return words
