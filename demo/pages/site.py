"""The pages of the demo world: where they lie, the admin's frame, and what they are drawn with."""

import io
import mimetypes
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import qrcode
import qrcode.image.svg

from demo.pages.acts import Acts
from demo.pages.admin_order import add_admin_order
from demo.pages.buyer import BuyerPages
from demo.pages.notifications import Notifications
from demo.pages.parcels import Parcels
from demo.pages.pictures import product_image
from demo.pages.store import add_store
from demo.pages.view import View
from demo.server import Reply, Request
from demo.shopify.nodes import catalogue_of, handle_of
from demo.shopify.orders import PRODUCTS
from demo.world import DemoWorld

HERE = Path(__file__).resolve().parent
STATIC = HERE.parent / "static"
SHOP = "fern-and-field.myshopify.com"


def add_pages(world: DemoWorld) -> None:
    Site(world)
    notifications = Notifications(world, SHOP)
    Acts(world, SHOP, notifications)
    View(world, SHOP)
    Parcels(world, SHOP)
    BuyerPages(world, SHOP)
    add_store(world, SHOP)
    add_admin_order(world)


GRANTED = {
    "write_customers",
    "write_products",
    "write_orders",
    "write_returns",
    "read_legal_policies",
}  # shopify.app.toml, optional_scopes


class Site:
    def __init__(self, world: DemoWorld):
        self.world = world
        route = world.server.route
        route("GET", "/health", lambda request: Reply({"ok": True}))
        route("GET", "/favicon.ico", lambda request: Reply(status=204))
        route("GET", "/", lambda request: self._file("shopper.html"))
        route("GET", "/mail", lambda request: self._file("mail.html"))
        route("GET", "/site/<name>", lambda request, name: self._file(name))
        route("GET", "/admin/id-token", self._id_token)
        route("OPTIONS", "/admin/id-token", lambda request: Reply(status=204, headers=self._cors()))
        route("GET", "/admin/products.json", self._products)
        route("POST", "/admin/grant", self._grant)
        route("OPTIONS", "/admin/grant", lambda request: Reply(status=204, headers=self._cors()))
        route("GET", "/admin/<shop>", self._admin)
        route("GET", "/cdn/shopifycloud/<name...>", self._cdn)
        route("GET", "/cdn/products/<name>", self._product)
        route("GET", "/qr.svg", lambda request: Reply(qr(request.query.get("text", "")), type="image/svg+xml"))
        route("GET", "/wa.me/<phone>", lambda asked, phone: self._link("whatsapp", draft=asked.query.get("text", "")))
        route("GET", "/m.me/<page>", lambda asked, page: self._link("messenger", ref=asked.query.get("ref", "")))
        route("GET", "/ig.me/m/<user>", lambda asked, user: self._link("instagram", ref=asked.query.get("ref", "")))
        route("GET", "/t.me/<bot>", lambda asked, bot: self._link("telegram", ref=asked.query.get("start", "")))

    # frames
    def _admin(self, request: Request, shop: str) -> Reply:
        if shop not in self.world.state.part("shops"):
            return Reply("<h1>There is no such shop here</h1>", status=404)
        record = self.world.state.part("shops")[shop]
        path = request.query.get("path", "/app")
        query = {
            "embedded": "1",
            "shop": shop,
            "host": self.world.shopify.oauth.host_parameter(shop),
            "id_token": self.world.shopify.oauth.admin_token(shop),
            "locale": "en",
        }
        source = f"{self.world.app_url}{path if path.startswith('/app') else '/app'}?{urlencode(query)}"
        text = (HERE / "admin.html").read_text("utf-8")
        facts = {"SHOP_NAME": record["name"], "SHOP_DOMAIN": shop, "FRAME_SOURCE": source}
        for name, value in facts.items():
            text = text.replace(name, escape(value, quote=True))
        return Reply(text)

    def _id_token(self, request: Request) -> Reply:
        shop = request.query.get("shop", "")
        if shop not in self.world.state.part("shops"):
            return Reply({"error": "unknown shop"}, status=404, headers=self._cors())
        return Reply({"id_token": self.world.shopify.oauth.admin_token(shop)}, headers=self._cors())

    def _products(self, request: Request) -> Reply:
        """What Shopify's picker lists."""
        shop = request.query.get("shop", "")
        if shop not in self.world.state.part("shops"):
            return Reply({"error": "unknown shop"}, status=404, headers=self._cors())
        return Reply({"products": picked(catalogue_of(self.world.state, shop))}, headers=self._cors())

    def _grant(self, request: Request) -> Reply:
        shop, scopes = request.query.get("shop", ""), request.query.get("scopes", "").split(",")
        if shop not in self.world.state.part("shops") or set(scopes) - GRANTED:
            return Reply({"error": "this shop does not grant that"}, status=404, headers=self._cors())
        self.world.shopify.grant(shop, scopes)
        return Reply({"ok": True}, headers=self._cors())

    def _cors(self) -> dict[str, str]:
        return {
            "Access-Control-Allow-Origin": self.world.app_url or "*",
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Cache-Control": "no-store",
        }

    def _file(self, name: str) -> Reply:
        file = HERE / Path(name).name
        if not file.is_file() or file.suffix not in (".html", ".js", ".css"):
            return Reply("Nothing here", status=404)
        return Reply(
            file.read_bytes(),
            type=f"{mimetypes.guess_type(name)[0]}; charset=utf-8",
            headers={"Cache-Control": "no-store"},
        )

    def _cdn(self, request: Request, name: str) -> Reply:
        file = (STATIC / name).resolve()
        if not file.is_relative_to(STATIC.resolve()) or not file.is_file():
            return Reply("Nothing here", status=404)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return Reply(file.read_bytes(), type=f"{kind}; charset=utf-8", headers={"Access-Control-Allow-Origin": "*"})

    def _product(self, request: Request, name: str) -> Reply:
        found = next((each for each in PRODUCTS if f"{each['id']}.png" == name), None)
        if found is None:
            return Reply("Nothing here", status=404)
        return Reply(product_image(int(found["id"])), type="image/png", headers={"Cache-Control": "max-age=86400"})

    # the buyer
    def _link(self, app: str, **draft: str) -> Reply:
        return Reply(status=302, headers={"Location": f"/?{urlencode({'app': app, **draft})}"})


def picked(products: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """As App Bridge's picker gives them."""
    return [
        {"id": f"gid://shopify/Product/{each['id']}", "handle": handle_of(each), "title": each["title"]}
        for each in products
    ]


def qr(text: str) -> bytes:
    out = io.BytesIO()
    qrcode.make(text[:600], image_factory=qrcode.image.svg.SvgPathImage, border=2).save(out)
    return out.getvalue()
