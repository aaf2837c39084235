from typing import Literal

from post_purchase.flows.effects import GiveConsent
from post_purchase.flows.step import Context, GoTo, Outcome, Step
from post_purchase.words import EventKind


class KeepConsent(Step):
    """Keep the yes that the shopper has just given, with the exact words they agreed to, for where they wrote it."""

    kind: Literal["give_consent"]
    purpose: Literal["marketing", "review_request"] = "marketing"
    asked_in: str  # the message that asked

    def enter(self, ctx: Context) -> Outcome:
        if ctx.event.kind == EventKind.MESSAGE_RECEIVED:  # nothing but an answer is a yes
            ctx.effects.append(
                GiveConsent(key=ctx.thread.mark, step=ctx.thread.step, purpose=self.purpose, question=self.asked_in)
            )
        return GoTo(self.next)
