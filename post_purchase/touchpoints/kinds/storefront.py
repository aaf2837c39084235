from typing import ClassVar

from post_purchase.touchpoints.base import TouchpointKindBase
from post_purchase.words import TouchpointKind


class Storefront(TouchpointKindBase):
    kind: ClassVar[TouchpointKind] = TouchpointKind.STOREFRONT
    default_name: ClassVar[str] = "Chat bubble in the store"
    blocks: ClassVar[tuple[str, ...]] = ("theme:chat-bubble",)
    help: ClassVar[str] = "A round chat button in a corner of your online store. It is off until you switch it on."

    def steps(self) -> tuple[str, ...]:
        return (
            "Open Online Store, then Themes, then Customize in your Shopify admin.",
            "Click App embeds in the bar at the left.",
            "Switch on Doorstep chat bubble, choose its corner and its words, and save.",
            "Open your store: the bubble stands in that corner.",
        )
