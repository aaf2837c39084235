from typing import ClassVar

from post_purchase.touchpoints.base import TouchpointKindBase
from post_purchase.words import TouchpointKind


class OrderStatusPage(TouchpointKindBase):
    kind: ClassVar[TouchpointKind] = TouchpointKind.ORDER_STATUS_PAGE
    default_name: ClassVar[str] = "Order status page"
    blocks: ClassVar[tuple[str, ...]] = ("customer-account.order-status.block.render",)
    help: ClassVar[str] = "Where the parcel is, chat buttons, and a review button once it has arrived."

    def steps(self) -> tuple[str, ...]:
        return (
            "Open Settings, then Checkout, then Customize in your Shopify admin.",
            "Choose the Order status page at the top (under Customer accounts).",
            "Click Add app block, choose Doorstep order status, and save.",
            "Open the order status page of a test order: the parcel and the buttons stand where you put the block.",
        )
