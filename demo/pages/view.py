"""What the shopper's side and the inbox show, asked for every second."""

from typing import Any

from demo.pages.people import APPS, person_of, zone_of
from demo.server import Reply, Request
from demo.shopify.orders import PRODUCTS
from demo.world import DemoWorld


class View:
    def __init__(self, world: DemoWorld, shop: str):
        self.world, self.shop = world, shop
        world.server.route("GET", "/api/world", self._world)
        world.server.route("GET", "/api/mail", self._mails)

    def _world(self, request: Request) -> Reply:
        orders = list(self.world.shopify.orders(self.shop).values())
        newest = sorted(orders, key=lambda each: each["id"])[::-1][:40]
        chosen = next(
            (each for each in orders if str(each["id"]) == request.query.get("order")), newest[0] if newest else None
        )
        answer: dict[str, Any] = {
            "now": self.world.now().isoformat(),
            "zone": zone_of(chosen),
            "clock": bool(self.world.clock_file),
            "shop": self.shop,
            "products": [{"title": each["title"], "id": each["id"]} for each in PRODUCTS],
            "orders": [brief(each) for each in newest],
            "faults": {
                "switches": self.world.faults.switches,
                "waiting": [
                    {"place": each.place, "kind": each.kind, "times": each.times} for each in self.world.faults.waiting
                ],
            },
            "log": [
                {"sender": each.sender, "label": each.label, "status": each.status, "tries": each.tries}
                for each in self.world.courier.log[-12:][::-1]
            ],
            "mails": len(self.world.mail.inbox()),
        }
        if chosen:
            person = person_of(self.world, chosen)
            answer["order"] = brief(chosen) | {
                "lines": [
                    {"title": each["title"], "quantity": each["quantity"], "product": each["product_id"]}
                    for each in chosen["line_items"]
                ],
                "parcels": [
                    {"id": each["id"], "name": each["name"], "status": each["shipment_status"] or "shipped"}
                    for each in chosen["fulfillments"]
                ],
                "email": chosen["email"],
            }
            answer["person"] = {"name": person["name"]}
            for app in APPS:
                answer[app] = getattr(self.world, app).chat(person[app])[-60:]
            answer["discounts"] = [
                {key: each[key] for key in ("code", "used", "usageLimit", "percentage", "endsAt")}
                for each in self.world.shopify.discounts(self.shop)
            ][-5:]
        return Reply(answer, headers={"Cache-Control": "no-store"})

    def _mails(self, request: Request) -> Reply:
        """Newest first, each with the time zone of whom it is for."""
        zones = {each["email"]: zone_of(each) for each in self.world.shopify.orders(self.shop).values()}
        mails = self.world.mail.inbox()[::-1][:100]
        return Reply({"mails": [mail | {"zone": zones.get(mail["to"][0], zone_of(None))} for mail in mails]})


def brief(order: dict[str, Any]) -> dict[str, Any]:
    address = order["shipping_address"]
    return {
        "id": order["id"],
        "name": order["name"],
        "person": f"{address['first_name']} {address['last_name']}",
        "language": order["customer_locale"],
        "country": address["country_code"],
        "state": "cancelled" if order["cancelled_at"] else order["fulfillment_status"] or order["financial_status"],
        "money": order["financial_status"],
        "total": f"{order['total_price']} {order['currency']}",
        "placed": order["created_at"],
    }
