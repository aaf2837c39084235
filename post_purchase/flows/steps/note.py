from typing import Literal

from pydantic import Field

from post_purchase.flows.effects import WriteNote
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class Note(Step):
    """Write a note for the team beside the conversation. The shopper does not see it."""

    kind: Literal["note"]
    text: str = Field(min_length=1, max_length=1000)  # Liquid

    def enter(self, ctx: Context) -> Outcome:
        ctx.effects.append(WriteNote(key=ctx.thread.mark, step=ctx.thread.step, text=self.text))
        return GoTo(self.next)
