"""Settings, Notifications of the Shopify admin: where the merchant pastes the snippets; and the mails that follow."""

import json
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from demo.pages.letters import TEMPLATES, Letter, language_of, languages, letter, rendered
from demo.server import Reply, Request
from demo.world import DemoWorld

HERE = Path(__file__).resolve().parent
SENDER = "hello@fern-and-field.example.com"  # the shop's own sender, as demo.settle connects it
MOST = 20_000  # characters of one snippet
SLIP = "packing_slip"


class Notifications:
    def __init__(self, world: DemoWorld, shop: str):
        self.world, self.shop = world, shop
        world.server.route("GET", "/admin/<shop>/notifications", self._page)
        world.server.route("GET", "/letter/<template>/<order_id>", self._letter)
        world.server.route("GET", "/admin/<shop>/orders/<order_id>/packing-slip", self._slip)

    def code(self, template: str, language: str) -> str:
        """What stands in the template; where a language has nothing, the shop's own."""
        pasted = self.world.state.part("merchant").get("notifications", {}).get(template, {})
        return str(pasted.get(language, pasted.get(languages()[0], "")))

    def save(self, template: str, language: str, code: str) -> None:
        if template not in (*TEMPLATES, SLIP) or language not in languages():
            raise ValueError("There is no such template")
        if len(code) > MOST:
            raise ValueError(f"That is longer than {MOST} characters. Paste only the snippet.")
        with self.world.state.lock:
            pasted = self.world.state.part("merchant").setdefault("notifications", {})
            pasted.setdefault(template, {})[language] = code
            self.world.state.touch()

    def write(self, template: str, order: dict[str, Any]) -> Letter:
        shop = self.world.state.part("shops")[self.shop]
        return letter(template, order, shop, self.code(template, language_of(order)))

    def send(self, template: str, order: dict[str, Any], *, at: datetime | None = None) -> None:
        if not order["email"]:
            return
        shop, mail = self.world.state.part("shops")[self.shop], self.write(template, order)
        self.world.mail.from_shopify(
            to=order["email"],
            sender=f"{shop['name']} <{SENDER}>",
            subject=mail.subject,
            html=mail.html,
            at=(at or self.world.now()).timestamp(),
        )

    def _order(self, order_id: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.world.shopify.orders(self.shop).get(order_id)
        return found

    def _letter(self, request: Request, template: str, order_id: str) -> Reply:
        order = self._order(order_id)
        if order is None or template not in TEMPLATES:
            return Reply("There is no such order", status=404)
        return Reply(self.write(template, order).html, headers={"Cache-Control": "no-store"})

    def _page(self, request: Request, shop: str) -> Reply:
        if shop != self.shop:
            return Reply("<h1>There is no such shop</h1>", status=404)
        newest: dict[str, str] = {}
        for order in sorted(self.world.shopify.orders(shop).values(), key=lambda each: each["id"]):
            newest[language_of(order)] = str(order["id"])
        facts = {
            "shop": shop,
            "templates": TEMPLATES | {SLIP: "Packing slip"},
            "languages": languages(),
            "codes": {
                template: {language: self.code(template, language) for language in languages()}
                for template in (*TEMPLATES, SLIP)
            },
            "newest": newest,
        }
        text = (HERE / "notifications.html").read_text("utf-8").replace("SHOP", escape(shop, quote=True))
        return Reply(
            text.replace("FACTS", json.dumps(facts).replace("<", "\\u003c")), headers={"Cache-Control": "no-store"}
        )

    def _slip(self, request: Request, shop: str, order_id: str) -> Reply:
        """Shopify's packing slip: one for each parcel, or for what is about to be packed."""
        order = self._order(order_id)
        if order is None or shop != self.shop:
            return Reply("There is no such order", status=404)
        record, address = self.world.state.part("shops")[shop], order["shipping_address"]
        parcels = order["fulfillments"] or [{"name": order["name"], "line_items": order["line_items"]}]
        snippet = rendered(self.code(SLIP, languages()[0]), order, record, {"order": {"id": order["id"]}})
        text = (HERE / "packing_slip.html").read_text("utf-8")
        start, page, end = text.split("<!-- PARCEL -->")
        pages = ""
        for parcel in parcels:
            facts = {
                "SHOP": escape(record["name"]),
                "NAME": escape(parcel["name"]),
                "DATE": escape(order["created_at"][:10]),
                "ADDRESS": "<br>".join(
                    escape(str(each or ""))
                    for each in (
                        address["name"],
                        address["address1"],
                        f"{address['zip']} {address['city']}",
                        address["country_code"],
                    )
                ),
                "LINES": "".join(
                    f"<tr><td>{escape(line['name'])}<br><small>{escape(line['sku'])}</small></td>"
                    f"<td>{line['quantity']} of {line['quantity']}</td></tr>"
                    for line in parcel["line_items"]
                ),
            }
            drawn = page
            for name, value in facts.items():
                drawn = drawn.replace(f"{{{name}}}", value)
            pages += drawn.replace("{SNIPPET}", snippet)
        return Reply(
            start.replace("{NAME}", escape(order["name"])) + pages + end, headers={"Cache-Control": "no-store"}
        )
