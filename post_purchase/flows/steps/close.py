from typing import Literal

from post_purchase.flows.effects import CloseConversation
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class Close(Step):
    """Close the conversation in the inbox. It opens again by itself when the shopper writes."""

    kind: Literal["close"]

    def enter(self, ctx: Context) -> Outcome:
        ctx.effects.append(CloseConversation())
        return GoTo(self.next)
