"""The card in the parcel: printed by the app's own print action, drawn from that PDF, and scanned from the picture."""

import base64
import io
import threading
from typing import Any

import httpx
import pypdfium2 as pdfium
import zxingcpp

from demo.server import Reply, Request
from demo.world import DemoWorld

PIXELS_A_POINT = 300 / 72
MOST_KEPT = 60  # orders whose cards are on the table
PATIENCE = 20  # seconds


class NotPrinted(Exception):
    """No card came; the text says why."""


class Parcels:
    def __init__(self, world: DemoWorld, shop: str):
        self.world, self.shop = world, shop
        self.cards: dict[str, dict[str, Any]] = {}
        self.printing = threading.Lock()  # also because pdfium serves one at a time
        world.server.route("GET", "/api/card/<order_id>", self._card)
        world.server.route("GET", "/scan/<order_id>", self._scan)

    def _card(self, request: Request, order_id: str) -> Reply:
        """The sides as pictures, outermost first. `again`: printed anew, as after a change in the studio."""
        if order_id not in self.world.shopify.orders(self.shop):
            return Reply({"error": "There is no such order"}, status=404)
        try:
            card = self.printed(order_id, again="again" in request.query)
        except NotPrinted as error:
            return Reply({"error": str(error)}, status=409)
        return Reply({"sides": card["sides"], "url": card["url"]}, headers={"Cache-Control": "no-store"})

    def _scan(self, request: Request, order_id: str) -> Reply:
        """What the camera opens: the address that was read from the picture."""
        if order_id not in self.world.shopify.orders(self.shop):
            return Reply("There is no such order", status=404)
        try:
            card = self.printed(order_id)
        except NotPrinted as error:
            return Reply(str(error), status=409)
        if not card["url"]:
            return Reply("No code could be read on this card", status=409)
        return Reply(status=302, headers={"Location": card["url"], "Cache-Control": "no-store"})

    def printed(self, order_id: str, *, again: bool = False) -> dict[str, Any]:
        with self.printing:
            if again or order_id not in self.cards:
                self.cards.pop(order_id, None)
                self.cards[order_id] = drawn(self._pdf(order_id))
                for oldest in list(self.cards)[:-MOST_KEPT]:
                    del self.cards[oldest]
            return self.cards[order_id]

    def _pdf(self, order_id: str) -> bytes:
        """As the print action of the admin asks for it, with a staff member's token."""
        head = {"Authorization": f"Bearer {self.world.shopify.oauth.admin_token(self.shop)}"}
        ids = [f"gid://shopify/Order/{order_id}"]
        try:
            asked = httpx.post(
                f"{self.world.app_url}/api/admin/print", json={"ids": ids}, headers=head, timeout=PATIENCE
            )
            if asked.status_code != 200:
                raise NotPrinted(_reason(asked))
            made = httpx.get(f"{self.world.app_url}{asked.json()['src']}", timeout=PATIENCE)
        except httpx.HTTPError as error:
            raise NotPrinted("The app does not answer, so no card is printed.") from error
        if made.status_code != 200:
            raise NotPrinted(made.text[:200])
        return made.content


def drawn(pdf: bytes) -> dict[str, Any]:
    """The sides of one card as PNG, and the address in the code that an independent reader finds on them."""
    document, sides, url = pdfium.PdfDocument(pdf), [], ""
    for page in document:
        image = page.render(scale=PIXELS_A_POINT).to_pil()
        found = zxingcpp.read_barcodes(image)
        url = url or next((each.text for each in found if each.text.lower().startswith("http")), "")
        out = io.BytesIO()
        image.save(out, "PNG")
        sides.append(f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}")
    return {"sides": sides, "url": url}


def _reason(answer: httpx.Response) -> str:
    try:
        said = answer.json()
    except ValueError:
        said = {}
    if said.get("error") == "unknown":
        return "The app has not heard of this order yet. It prints the card in a moment."
    return str(said.get("message") or "The app did not print the card.")
