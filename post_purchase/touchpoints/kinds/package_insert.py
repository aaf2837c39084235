from typing import ClassVar

from post_purchase.printing.qr import qr_png, qr_svg
from post_purchase.touchpoints.base import Download, Placing, TouchpointKindBase
from post_purchase.words import TouchpointKind


class PackageInsert(TouchpointKindBase):
    kind: ClassVar[TouchpointKind] = TouchpointKind.PACKAGE_INSERT
    default_name: ClassVar[str] = "Card in the parcel"
    help: ClassVar[str] = "A QR code to print on a card or sticker that goes into every parcel."
    shop_wide: ClassVar[bool] = True

    def steps(self) -> tuple[str, ...]:
        return (
            "Click “Design and print” below: choose size, words and colours. We check that phones can read the card.",
            "Print it yourself, or download it for a print shop. Codes that differ: “A code for each parcel”.",
            "Only want the QR code for your own layout? Download it below, print it at least 2 cm wide, dark on light.",
            "Scan one print with your phone before you print a thousand. You can change later where it leads.",
        )

    def downloads(self, placing: Placing) -> tuple[str, ...]:
        return ("png", "svg")

    def download(self, placing: Placing, form: str) -> Download:
        if form == "png":
            return Download(name="doorstep-qr.png", media_type="image/png", data=qr_png(placing.link_url))
        if form == "svg":
            return Download(name="doorstep-qr.svg", media_type="image/svg+xml", data=qr_svg(placing.link_url))
        raise KeyError(form)
