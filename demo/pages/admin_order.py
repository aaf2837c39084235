"""Orders and customers in the Shopify admin, where our built extensions stand, each in a frame of its own."""

import json
from html import escape
from pathlib import Path
from typing import Any

from demo.server import Reply, Request
from demo.world import DemoWorld

HERE = Path(__file__).resolve().parent
EXTENSION = HERE.parent.parent / "extensions" / "admin"
MOST_LISTED = 50  # as a page of Shopify's list
MODULES = {
    "admin.order-details.block.render": "OrderBlock",
    "admin.customer-details.block.render": "CustomerBlock",
    "admin.order-details.print-action.render": "PrintOrder",
    "admin.order-index.selection-print-action.render": "PrintSelection",
}


def add_admin_order(world: DemoWorld) -> None:
    def order_page(request: Request, shop: str, order_id: str) -> Reply:
        order = world.shopify.orders(shop).get(order_id)
        if order is None or shop not in world.state.part("shops"):
            return Reply("<h1>There is no such order</h1>", status=404)
        customer = order["customer"] or {}
        facts = {
            "SHOP": shop,
            "ORDER_NAME": order["name"],
            "ORDER_ID": order_id,
            "CUSTOMER_ID": str(customer.get("id", "")),
            "CUSTOMER": _name(order),
            "STATE": f"{order['financial_status']}, {order['fulfillment_status'] or 'unfulfilled'}",
            "TOTAL": f"{order['total_price']} {order['currency']}",
            "LINES": ", ".join(f"{line['quantity']} × {line['title']}" for line in order["line_items"]),
            "LANGUAGE": _language(request),
        }
        text = (HERE / "admin_order.html").read_text("utf-8")
        for name, value in facts.items():
            text = text.replace(f"{{{name}}}", escape(value, quote=True))
        return Reply(text, headers={"Cache-Control": "no-store"})

    def frame(request: Request, shop: str, target: str) -> Reply:
        if target not in MODULES or shop not in world.state.part("shops"):
            return Reply("There is no such extension", status=404)
        facts = {
            "app_url": world.app_url,
            "shop": shop,
            "target": target,
            "selected": [{"id": each} for each in request.query.get("ids", "").split(",") if each],
            "texts": _texts(_language(request)),
            "module": f"/admin-extension/{MODULES[target]}.js",
        }
        text = (HERE / "admin_extension.html").read_text("utf-8")
        text = text.replace("LANGUAGE", _language(request)).replace("FACTS", json.dumps(facts).replace("<", "\\u003c"))
        return Reply(text, headers={"Cache-Control": "no-store"})

    def script(request: Request, name: str) -> Reply:
        if name.removesuffix(".js") not in MODULES.values():
            return Reply("Nothing here", status=404)
        built = (EXTENSION / "dist" / name).read_bytes()
        return Reply(built, type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-store"})

    def orders_page(request: Request, shop: str) -> Reply:
        if shop not in world.state.part("shops"):
            return Reply("<h1>There is no such shop</h1>", status=404)
        return _list(request, shop, list(world.shopify.orders(shop).values()), "Orders")

    def customer_page(request: Request, shop: str, customer_id: str) -> Reply:
        orders = [
            each
            for each in world.shopify.orders(shop).values()
            if each["customer"] and str(each["customer"]["id"]) == customer_id
        ]
        if not orders or shop not in world.state.part("shops"):
            return Reply("<h1>There is no such customer</h1>", status=404)
        source = (
            f"/admin/{escape(shop, quote=True)}/extension/admin.customer-details.block.render"
            f"?language={_language(request)}&amp;ids=gid://shopify/Customer/{escape(customer_id, quote=True)}"
        )
        frame = f'<iframe title="Doorstep customer block" data-fit src="{source}"></iframe>'
        block = f'<section class="frame">{frame}</section>'
        return _list(request, shop, orders, _name(orders[0]), block)

    world.server.route("GET", "/admin/<shop>/orders", orders_page)
    world.server.route("GET", "/admin/<shop>/customers/<customer_id>", customer_page)
    world.server.route("GET", "/admin/<shop>/orders/<order_id>", order_page)
    world.server.route("GET", "/admin/<shop>/extension/<target>", frame)
    world.server.route("GET", "/admin-extension/<name>", script)


def _list(request: Request, shop: str, orders: list[dict[str, Any]], title: str, block: str = "") -> Reply:
    newest = sorted(orders, key=lambda each: each["id"])[::-1][:MOST_LISTED]
    domain = escape(shop, quote=True)
    facts = {
        "TITLE": escape(title),
        "LANGUAGE": _language(request),
        "BLOCK": block,
        "ROWS": "".join(_row(domain, each) for each in newest),
        "SHOP": domain,
    }
    text = (HERE / "admin_list.html").read_text("utf-8")
    for name, value in facts.items():
        text = text.replace(f"{{{name}}}", value)
    return Reply(text, headers={"Cache-Control": "no-store"})


def _row(shop: str, order: dict[str, Any]) -> str:
    gid, name = order["admin_graphql_api_id"], escape(order["name"])
    who = escape(_name(order))
    if order["customer"]:
        who = f'<a href="/admin/{shop}/customers/{order["customer"]["id"]}">{who}</a>'
    state = "cancelled" if order["cancelled_at"] else order["fulfillment_status"] or order["financial_status"]
    return (
        f'<tr><td><label><input type="checkbox" value="{gid}" aria-label="Choose order {name}"></label></td>'
        f'<td><a href="/admin/{shop}/orders/{order["id"]}">{name}</a></td>'
        f'<td class="wide">{escape(order["created_at"][:10])}</td><td>{who}</td>'
        f'<td class="wide">{escape(", ".join(each["title"] for each in order["line_items"]))}</td>'
        f"<td>{escape(state.replace('_', ' '))}</td></tr>"
    )


def _name(order: dict[str, Any]) -> str:
    return str(order["shipping_address"]["name"] or "No customer data")


def _language(request: Request) -> str:
    wanted = request.query.get("language", "en")
    return wanted if any(file.stem == wanted for file in (EXTENSION / "locales").glob("*.json")) else "en"


def _texts(language: str) -> dict[str, Any]:
    name = "en.default" if language == "en" else language
    read: dict[str, Any] = json.loads((EXTENSION / "locales" / f"{name}.json").read_text("utf-8"))
    return read
