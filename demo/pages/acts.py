"""What buttons of the demo's pages do: the buyer, the merchant, the carrier, the clock, and what goes wrong."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from demo.moments import iso, move_ahead
from demo.pages.notifications import Notifications
from demo.pages.people import APPS, person_of
from demo.pages.pictures import sample_photo
from demo.pages.recordings import sample_voice
from demo.seed import address_of
from demo.server import Reply, Request
from demo.world import DemoWorld


class Acts:
    def __init__(self, world: DemoWorld, shop: str, notifications: Notifications):
        self.world, self.shop, self.notifications = world, shop, notifications
        world.server.route("POST", "/api/act/<what>", self._act)

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
        """What the merchant has put into the templates and had printed (demo.seed tells it)."""
        with self.world.state.lock:
            self.world.state.part("merchant").update(asked)
            self.world.state.touch()

    def do_notification(self, asked: dict[str, Any]) -> None:
        self.notifications.save(str(asked["template"]), str(asked["language"]), str(asked["code"]))

    def do_order(self, asked: dict[str, Any]) -> dict[str, Any]:
        first, _, last = str(asked.get("name") or "Maria Lang").partition(" ")
        email = address_of(first, last or "Shopper")
        order = self.world.shopify.place_order(
            self.shop,
            first_name=first,
            last_name=last or "Shopper",
            email=email,
            language=str(asked.get("language") or "en"),
            country=str(asked.get("country") or "DE"),
            items=((int(asked.get("product") or 0), 1),),
        )
        self.notifications.send("order_confirmation", order)
        return {"order": order["id"]}

    def do_confirmations(self, asked: dict[str, Any]) -> None:
        """Shopify's mails of the newest orders (demo.seed: once the merchant has pasted the button)."""
        orders = sorted(self.world.shopify.orders(self.shop).values(), key=lambda each: each["id"])
        for order in orders[-int(asked["newest"]) :]:
            self.notifications.send("order_confirmation", order, at=datetime.fromisoformat(order["created_at"]))

    def do_history(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Orders of the past, as the backfill finds them: nobody is told (demo.seed)."""
        made = []
        for each in asked["orders"]:
            at = datetime.fromisoformat(each["at"]).astimezone(UTC)
            order = self.world.shopify.place_order(self.shop, at=at, tell=False, **_tuples(each["fields"]))
            state = each.get("state", "paid")
            if state in ("shipped", "delivered"):
                parcel = self.world.shopify.ship(self.shop, order["id"], tell=False, at=at + timedelta(days=1))
                self.world.shopify.scan(
                    self.shop, parcel["id"], "in_transit", tell=False, at=at + timedelta(days=1, hours=3)
                )
                if state == "delivered":
                    self.world.shopify.scan(self.shop, parcel["id"], "delivered", tell=False, at=at + timedelta(days=3))
            elif state == "cancelled":
                self.world.shopify.cancel(self.shop, order["id"], tell=False)
            elif state == "refunded":
                self.world.shopify.refund(self.shop, order["id"], tell=False)
            made.append(order["id"])
        return {"orders": made}

    def do_ship(self, asked: dict[str, Any]) -> dict[str, Any]:
        order = self.world.shopify.order(self.shop, int(asked["order"]))
        lines = [order["line_items"][0]["id"]] if asked.get("part") and len(order["line_items"]) > 1 else None
        parcel = self.world.shopify.ship(self.shop, order["id"], lines=lines)
        self.world.shopify.scan(self.shop, parcel["id"], "in_transit")
        self.notifications.send("shipping_confirmation", order)
        return {"parcel": parcel["id"]}

    def do_scan(self, asked: dict[str, Any]) -> None:
        scan = self.world.shopify.scan(self.shop, int(asked["parcel"]), str(asked["status"]))
        if scan["status"] in ("out_for_delivery", "delivered"):
            self.notifications.send(scan["status"], self.world.shopify.order(self.shop, scan["order_id"]))

    def do_refund(self, asked: dict[str, Any]) -> None:
        self.world.shopify.refund(self.shop, int(asked["order"]), share=Decimal(str(asked.get("share", 1))))
        self.notifications.send("refund", self.world.shopify.order(self.shop, int(asked["order"])))

    def do_cancel(self, asked: dict[str, Any]) -> None:
        self.world.shopify.cancel(self.shop, int(asked["order"]))

    def _phone(self, asked: dict[str, Any]) -> tuple[Any, str]:
        """The network that the shopper has open, and their id there."""
        person = person_of(self.world, self.world.shopify.order(self.shop, int(asked["order"])))
        app = asked.get("app") if asked.get("app") in APPS else APPS[0]
        return getattr(self.world, str(app)), person[str(app)]

    def do_write(self, asked: dict[str, Any]) -> None:
        network, person = self._phone(asked)
        network.write(person, str(asked["text"])[:4000])

    def do_tap(self, asked: dict[str, Any]) -> None:
        network, person = self._phone(asked)
        network.tap(person, asked["message"], asked["button"])

    def do_share_phone(self, asked: dict[str, Any]) -> None:
        person = person_of(self.world, self.world.shopify.order(self.shop, int(asked["order"])))
        self.world.whatsapp.share_phone(person["whatsapp"], asked["message"])

    def do_hide_phone(self, asked: dict[str, Any]) -> None:
        person = person_of(self.world, self.world.shopify.order(self.shop, int(asked["order"])))
        self.world.whatsapp.hide_phone(person["whatsapp"])

    def do_photo(self, asked: dict[str, Any]) -> None:
        network, person = self._phone(asked)
        network.send_photo(person, sample_photo())

    def do_voice(self, asked: dict[str, Any]) -> None:
        network, person = self._phone(asked)
        network.send_file(person, sample_voice(), mime_type="audio/mpeg")

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


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"items": tuple((int(a), int(b)) for a, b in fields["items"])} if "items" in fields else fields
