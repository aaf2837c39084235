from typing import Literal

from post_purchase.flows.effects import TriggerShopifyFlow
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class TriggerFlow(Step):
    """Start the merchant's workflows in Shopify Flow that listen to this app."""

    kind: Literal["trigger_shopify_flow"]

    def enter(self, ctx: Context) -> Outcome:
        ctx.effects.append(TriggerShopifyFlow(key=ctx.thread.mark, step=ctx.thread.step))
        return GoTo(self.next)
