from typing import ClassVar

from post_purchase.touchpoints.base import TouchpointKindBase
from post_purchase.words import TouchpointKind


class ThankYouPage(TouchpointKindBase):
    kind: ClassVar[TouchpointKind] = TouchpointKind.THANK_YOU_PAGE
    default_name: ClassVar[str] = "Thank-you page"
    blocks: ClassVar[tuple[str, ...]] = (
        "purchase.thank-you.block.render",
        "purchase.thank-you.announcement.render",
    )
    help: ClassVar[str] = "Chat buttons on the page that every shopper sees right after paying."

    def steps(self) -> tuple[str, ...]:
        return (
            "Open Settings, then Checkout, then Customize in your Shopify admin.",
            "Choose the Thank you page at the top.",
            "Click Add app block, choose Doorstep chat, and save.",
            "Place a test order: the buttons stand where you put the block.",
        )
