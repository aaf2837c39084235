"""The pages of the demo world: the shopper's side on one page, the mail, the admin frame,
and the small API behind them."""

import io
import json
import mimetypes
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import qrcode
import qrcode.image.svg

from demo.moments import iso, move_ahead
from demo.pages.admin_order import add_admin_order
from demo.pages.letters import confirmation_mail
from demo.pages.pictures import product_image, sample_photo
from demo.pages.store import add_store
from demo.seed import address_of
from demo.server import Reply, Request
from demo.shopify.metafields import metafields_of
from demo.shopify.orders import PRODUCTS
from demo.world import DemoWorld

HERE = Path(__file__).resolve().parent
STATIC = HERE.parent / "static"
EXTENSIONS = HERE.parent.parent / "extensions"
OVERLAY = EXTENSIONS / "optional" / "chat-overlay"
BLOCKS = {  # what is drawn, and where Shopify draws it
    "thank-you": "purchase.thank-you.block.render",
    "announcement": "purchase.thank-you.announcement.render",
    "order-status": "customer-account.order-status.block.render",
}
SHOP = "fern-and-field.myshopify.com"
SENDER = "hello@fern-and-field.example.com"  # the shop's own sender, as demo.settle connects it
APPS = ("whatsapp", "messenger", "instagram", "telegram", "sms")  # the chat apps on the shopper's phone
ZONES = {  # where the demo's shoppers live
    "DE": "Europe/Berlin",
    "AT": "Europe/Vienna",
    "FR": "Europe/Paris",
    "ES": "Europe/Madrid",
    "IT": "Europe/Rome",
    "NL": "Europe/Amsterdam",
    "GB": "Europe/London",
    "US": "America/New_York",
}


def add_pages(world: DemoWorld) -> None:
    Site(world)
    add_store(world, SHOP)
    add_admin_order(world)


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
        route("POST", "/admin/grant", self._grant)
        route("OPTIONS", "/admin/grant", lambda request: Reply(status=204, headers=self._cors()))
        route("GET", "/admin/<shop>", self._admin)
        route("GET", "/cdn/shopifycloud/<name...>", self._cdn)
        route("GET", "/cdn/products/<name>", self._product)
        for block in BLOCKS:
            route(
                "GET",
                f"/{block}/<order_id>",
                lambda request, order_id, block=block: self._page(request, order_id, block),
            )
        route("GET", "/extension/<name>", self._extension)
        route("GET", "/confirmation/<order_id>", self._confirmation)
        route("GET", "/qr.svg", lambda request: Reply(qr(request.query.get("text", "")), type="image/svg+xml"))
        route("GET", "/wa.me/<phone>", lambda asked, phone: self._link("whatsapp", draft=asked.query.get("text", "")))
        route("GET", "/m.me/<page>", lambda asked, page: self._link("messenger", ref=asked.query.get("ref", "")))
        route("GET", "/ig.me/m/<user>", lambda asked, user: self._link("instagram", ref=asked.query.get("ref", "")))
        route("GET", "/t.me/<bot>", lambda asked, bot: self._link("telegram", ref=asked.query.get("start", "")))
        route("GET", "/api/world", self._world)
        route("GET", "/api/mail", self._mails)
        route("GET", "/api/buyer-token", self._buyer_token)
        route("POST", "/api/act/<what>", self._act)

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
        return Reply(
            text.replace("SHOP_NAME", escape(record["name"])).replace("FRAME_SOURCE", escape(source, quote=True))
        )

    def _id_token(self, request: Request) -> Reply:
        shop = request.query.get("shop", "")
        if shop not in self.world.state.part("shops"):
            return Reply({"error": "unknown shop"}, status=404, headers=self._cors())
        return Reply({"id_token": self.world.shopify.oauth.admin_token(shop)}, headers=self._cors())

    def _grant(self, request: Request) -> Reply:
        shop, scopes = request.query.get("shop", ""), request.query.get("scopes", "").split(",")
        if shop not in self.world.state.part("shops") or set(scopes) - {"write_products"}:
            return Reply({"error": "this shop does not grant that"}, status=404, headers=self._cors())
        self.world.shopify.grant(shop, scopes)
        return Reply({"ok": True}, headers=self._cors())

    def _buyer_token(self, request: Request) -> Reply:
        """`order`: the shopper has signed in as its customer."""
        order = self.world.shopify.orders(SHOP).get(request.query.get("order", ""))
        customer = order["customer"]["id"] if order else None
        return Reply({"token": self.world.shopify.oauth.buyer_token(SHOP, customer_id=customer)})

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
    def _page(self, request: Request, order_id: str, block: str) -> Reply:
        order = self.world.shopify.orders(SHOP).get(order_id)
        if order is None:
            return Reply("There is no such order", status=404)
        language = order["customer_locale"]
        locales = EXTENSIONS / block / "locales"
        locale = next(locales.glob(f"{language.split('-')[0]}[.-]*json"), locales / "en.default.json")
        signed_in = request.query.get("signed_in") == "1"
        facts = {
            "shop": SHOP,
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
        owner = f"gid://shopify/Shop/{self.world.state.part('shops')[SHOP]['id']}"
        value = metafields_of(self.world.state, SHOP).get(f"{owner} $app.checkout")
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

    def _confirmation(self, request: Request, order_id: str) -> Reply:
        order = self.world.shopify.orders(SHOP).get(order_id)
        if order is None:
            return Reply("There is no such order", status=404)
        merchant = self.world.state.part("merchant")
        return Reply(confirmation_mail(order, self.world.state.part("shops")[SHOP], merchant.get("email_snippet", "")))

    def _link(self, app: str, **draft: str) -> Reply:
        return Reply(status=302, headers={"Location": f"/?{urlencode({'app': app, **draft})}"})

    # the API behind the page
    def _world(self, request: Request) -> Reply:
        orders = list(self.world.shopify.orders(SHOP).values())
        newest = sorted(orders, key=lambda each: each["id"])[::-1][:40]
        chosen = next(
            (each for each in orders if str(each["id"]) == request.query.get("order")), newest[0] if newest else None
        )
        answer: dict[str, Any] = {
            "now": self.world.now().isoformat(),
            "zone": zone_of(chosen),
            "clock": bool(self.world.clock_file),
            "shop": SHOP,
            "products": [{"title": each["title"], "id": each["id"]} for each in PRODUCTS],
            "orders": [_brief(each) for each in newest],
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
            "merchant": {key: self.world.state.part("merchant").get(key, "") for key in ("card_url", "card_code")},
            "mails": len(self.world.mail.inbox()),
        }
        if chosen:
            person = self._person(chosen)
            answer["order"] = _brief(chosen) | {
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
                for each in self.world.shopify.discounts(SHOP)
            ][-5:]
        return Reply(answer, headers={"Cache-Control": "no-store"})

    def _mails(self, request: Request) -> Reply:
        """Newest first, each with the time zone of whom it is for."""
        zones = {each["email"]: zone_of(each) for each in self.world.shopify.orders(SHOP).values()}
        mails = self.world.mail.inbox()[::-1][:100]
        return Reply({"mails": [mail | {"zone": zones.get(mail["to"][0], zone_of(None))} for mail in mails]})

    def _person(self, order: dict[str, Any]) -> dict[str, str]:
        """The ids of whoever placed this order, by network."""
        address = order["shipping_address"]
        name = f"{address['first_name']} {address['last_name']}"
        phone = f"49151{order['customer']['id'] % 10**8:08d}"
        return {
            "name": name,
            "whatsapp": self.world.whatsapp.create_person(name, phone=phone, country=address["country_code"]),
            "messenger": self.world.messenger.create_person(name),
            "instagram": self.world.instagram.create_person(name),
            "sms": self.world.sms.create_person(name, phone=phone),
            "telegram": self.world.telegram.create_person(name, language=order["customer_locale"]),
        }

    def _act(self, request: Request, what: str) -> Reply:
        origin = request.headers.get("Origin")
        if origin and origin != self.world.url:
            return Reply({"error": "Only this page may act"}, status=403)
        asked = request.json()
        action = getattr(self, f"do_{what}", None)
        if not isinstance(asked, dict) or action is None:
            return Reply({"error": "There is no such action"}, status=404)
        try:
            return Reply(action(asked) or {"ok": True})
        except (KeyError, ValueError, RuntimeError) as error:
            return Reply({"error": str(error)}, status=400)

    def do_merchant(self, asked: dict[str, Any]) -> None:
        """What the merchant has put into the mail template and had printed (demo.seed tells it)."""
        with self.world.state.lock:
            self.world.state.part("merchant").update({key: str(value) for key, value in asked.items()})
            self.world.state.touch()

    def do_order(self, asked: dict[str, Any]) -> dict[str, Any]:
        first, _, last = str(asked.get("name") or "Maria Lang").partition(" ")
        email = address_of(first, last or "Shopper")
        order = self.world.shopify.place_order(
            SHOP,
            first_name=first,
            last_name=last or "Shopper",
            email=email,
            language=str(asked.get("language") or "en"),
            country=str(asked.get("country") or "DE"),
            items=((int(asked.get("product") or 0), 1),),
        )
        self._confirm(order)
        return {"order": order["id"]}

    def do_confirmations(self, asked: dict[str, Any]) -> None:
        """Shopify's mails of the newest orders (demo.seed: once the merchant has pasted the button)."""
        orders = sorted(self.world.shopify.orders(SHOP).values(), key=lambda each: each["id"])
        for order in orders[-int(asked["newest"]) :]:
            self._confirm(order)

    def _confirm(self, order: dict[str, Any]) -> None:
        shop = self.world.state.part("shops")[SHOP]
        snippet = self.world.state.part("merchant").get("email_snippet", "")
        self.world.mail.from_shopify(
            to=order["email"],
            sender=f"{shop['name']} <{SENDER}>",
            subject=f"Order {order['name']} confirmed",
            html=confirmation_mail(order, shop, snippet),
            at=datetime.fromisoformat(order["created_at"]).timestamp(),
        )

    def do_history(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Orders of the past, as the backfill finds them: nobody is told (demo.seed)."""
        made = []
        for each in asked["orders"]:
            at = datetime.fromisoformat(each["at"]).astimezone(UTC)
            order = self.world.shopify.place_order(SHOP, at=at, tell=False, **_tuples(each["fields"]))
            state = each.get("state", "paid")
            if state in ("shipped", "delivered"):
                parcel = self.world.shopify.ship(SHOP, order["id"], tell=False, at=at + timedelta(days=1))
                self.world.shopify.scan(
                    SHOP, parcel["id"], "in_transit", tell=False, at=at + timedelta(days=1, hours=3)
                )
                if state == "delivered":
                    self.world.shopify.scan(SHOP, parcel["id"], "delivered", tell=False, at=at + timedelta(days=3))
            elif state == "cancelled":
                self.world.shopify.cancel(SHOP, order["id"], tell=False)
            elif state == "refunded":
                self.world.shopify.refund(SHOP, order["id"], tell=False)
            made.append(order["id"])
        return {"orders": made}

    def do_ship(self, asked: dict[str, Any]) -> dict[str, Any]:
        order = self.world.shopify.order(SHOP, int(asked["order"]))
        lines = [order["line_items"][0]["id"]] if asked.get("part") and len(order["line_items"]) > 1 else None
        parcel = self.world.shopify.ship(SHOP, order["id"], lines=lines)
        self.world.shopify.scan(SHOP, parcel["id"], "in_transit")
        return {"parcel": parcel["id"]}

    def do_scan(self, asked: dict[str, Any]) -> None:
        self.world.shopify.scan(SHOP, int(asked["parcel"]), str(asked["status"]))

    def do_refund(self, asked: dict[str, Any]) -> None:
        self.world.shopify.refund(SHOP, int(asked["order"]), share=Decimal(str(asked.get("share", 1))))

    def do_cancel(self, asked: dict[str, Any]) -> None:
        self.world.shopify.cancel(SHOP, int(asked["order"]))

    def _phone(self, asked: dict[str, Any]) -> tuple[Any, str]:
        """The network that the shopper has open, and their id there."""
        person = self._person(self.world.shopify.order(SHOP, int(asked["order"])))
        app = asked.get("app") if asked.get("app") in APPS else APPS[0]
        return getattr(self.world, str(app)), person[str(app)]

    def do_write(self, asked: dict[str, Any]) -> None:
        network, person = self._phone(asked)
        network.write(person, str(asked["text"])[:4000])

    def do_tap(self, asked: dict[str, Any]) -> None:
        network, person = self._phone(asked)
        network.tap(person, asked["message"], asked["button"])

    def do_photo(self, asked: dict[str, Any]) -> None:
        network, person = self._phone(asked)
        network.send_photo(person, sample_photo())

    def do_open(self, asked: dict[str, Any]) -> None:
        network, person = self._phone(asked)
        network.open_link(person, str(asked["ref"]))

    def do_mail(self, asked: dict[str, Any]) -> None:
        photos = (("photo.jpg", sample_photo()),) if asked.get("photo") else ()
        entry = next((each for each in self.world.mail.inbox() if each["id"] == asked.get("reply_to")), None)
        to = (entry["headers"].get("Reply-To") or entry["from"]) if entry else str(asked["to"])
        if self.world.inbound_domain and f"@{self.world.inbound_domain}" not in to.lower():
            raise ValueError(
                f"Mail to {to} goes to the merchant's own mailbox, not to the app. Press the button in an order "
                "confirmation, choose e-mail, and write to the address that the page shows."
            )
        if entry:
            self.world.mail.reply(entry, str(asked["text"]), photos=photos)
        else:
            self.world.mail.write(
                str(asked["from"]), str(asked["to"]), str(asked.get("subject", "")), str(asked["text"]), photos=photos
            )

    def do_clock(self, asked: dict[str, Any]) -> dict[str, str]:
        hours = float(asked["hours"])
        if not 0 < hours <= 24 * 100:
            raise ValueError("The clock only goes ahead, at most 100 days at once")
        return {"now": iso(move_ahead(self.world.clock_file, timedelta(hours=hours)))}

    def do_fault(self, asked: dict[str, Any]) -> None:
        if asked.get("clear"):
            self.world.faults.clear()
        elif "switch" in asked:
            self.world.faults.switches[asked["switch"]] = bool(asked["on"])
        else:
            options = {key: asked[key] for key in ("times", "status", "code", "seconds") if key in asked}
            self.world.faults.add(asked["place"], asked["kind"], **options)


def _overlay_words(language: str) -> dict[str, str]:
    default = OVERLAY / "locales" / "en.default.json"
    file = next((OVERLAY / "locales").glob(f"{language.split('-')[0]}[.-]*json"), default)
    words: dict[str, str] = json.loads(file.read_text("utf-8"))
    return words


def qr(text: str) -> bytes:
    out = io.BytesIO()
    qrcode.make(text[:600], image_factory=qrcode.image.svg.SvgPathImage, border=2).save(out)
    return out.getvalue()


def zone_of(order: dict[str, Any] | None) -> str:
    """What the shopper's own phone would show; the shop's zone where there is no order."""
    return ZONES.get(order["shipping_address"]["country_code"], "UTC") if order else "Europe/Berlin"


def _brief(order: dict[str, Any]) -> dict[str, Any]:
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


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"items": tuple((int(a), int(b)) for a, b in fields["items"])} if "items" in fields else fields
