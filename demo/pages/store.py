"""The shop's own pages: a product with the real reviews block and the real chat bubble, drawn from their Liquid."""

from html import escape
from pathlib import Path
from typing import Any

from demo.pages.theme import ThemePage, draw_block, languages, schema_of, stylesheet_of
from demo.server import Reply, Request
from demo.shopify.metafields import INSTALLATION, metafield
from demo.shopify.orders import PRODUCTS
from demo.world import DemoWorld

HERE = Path(__file__).resolve().parent


def add_store(world: DemoWorld, shop: str) -> None:
    def product(request: Request, number: str) -> Reply:
        found = next((each for each in PRODUCTS if str(each["id"]) == number), None)
        if found is None:
            return Reply("There is no such product", status=404)
        language = request.query.get("language", "en")
        language = language if language in languages() else "en"
        owner = f"gid://shopify/Product/{found['id']}"
        page = ThemePage(
            language=language,
            product={"id": found["id"], "title": found["title"], "url": f"/store/products/{found['id']}"},
            reviews=metafield(world.state, shop, owner, "$app", "reviews"),
            storefront=metafield(world.state, shop, INSTALLATION, "doorstep", "storefront"),
            editor="editor" in request.query,
        )
        parts = {
            "LANGUAGE": language,
            "DIRECTION": "rtl" if language == "ar" else "ltr",
            "SHOP": escape(world.state.part("shops")[shop]["name"]),
            "ID": str(found["id"]),
            "TITLE": escape(str(found["title"])),
            "PRICE": escape(str(found["price"])),
            "LINKS": "".join(
                f'<a href="/store/products/{one["id"]}">{escape(str(one["title"]))}</a>' for one in PRODUCTS
            ),
            "TONGUES": " ".join(f'<a href="?language={tag}">{tag}</a>' for tag in languages()),
            "REVIEWS": draw_block("reviews", page),
            "BUBBLE": draw_block("chat-bubble", page),
        }
        html = (HERE / "store.html").read_text("utf-8")
        for name, value in parts.items():
            html = html.replace(f"{{{name}}}", value)
        return Reply(html, headers={"Cache-Control": "no-store"})

    def asset(request: Request, name: str) -> Reply:
        for block in ("reviews", "chat-bubble"):
            if schema_of(block)["stylesheet"] == name:
                return Reply(stylesheet_of(block).encode(), type="text/css; charset=utf-8")
        return Reply("Nothing here", status=404)

    world.server.route("GET", "/store/products/<number>", product)
    world.server.route("GET", "/store/assets/<name>", asset)


def _link(product: dict[str, Any]) -> str:
    return f'<a href="/store/products/{product["id"]}">{escape(str(product["title"]))}</a>'
