from typing import Literal

from pydantic import Field

from post_purchase.flows.effects import StartFlow
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class StartOther(Step):
    """Begin another flow for the same order and contact. This one goes on."""

    kind: Literal["start_flow"]
    flow: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")  # its key

    def enter(self, ctx: Context) -> Outcome:
        ctx.effects.append(StartFlow(key=ctx.thread.mark, flow=self.flow))
        return GoTo(self.next)
