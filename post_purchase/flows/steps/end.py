from typing import Literal

from pydantic import Field

from post_purchase.flows.state import ENDED, FINISHED
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class End(Step):
    """End the whole run, whatever else it still waits for."""

    kind: Literal["end"]
    reason: str = Field(default=FINISHED, max_length=200)

    def enter(self, ctx: Context) -> Outcome:
        ctx.state.status = ENDED
        ctx.state.reason = self.reason
        return GoTo(None)
