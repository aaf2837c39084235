from typing import Literal

from pydantic import Field

from post_purchase.flows.effects import CallWebhook
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class CallAddress(Step):
    """Tell another system: a signed POST, tried again until it is taken. The run does not wait for it."""

    kind: Literal["call_webhook"]
    url: str = Field(pattern=r"^https://[^\s]+$", max_length=500)

    def enter(self, ctx: Context) -> Outcome:
        ctx.effects.append(CallWebhook(key=ctx.thread.mark, step=ctx.thread.step, url=self.url))
        return GoTo(self.next)
