from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from post_purchase.flows.effects import HandOff
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class HandOffToPerson(Step):
    """Ask a person of the team to take over; first tell the shopper so."""

    kind: Literal["hand_off"]
    reason: str = Field(min_length=1, max_length=200)  # for the team
    message: str = ""

    def enter(self, ctx: Context) -> Outcome:
        if self.message:
            ctx.say(self.message)
        ctx.effects.append(HandOff(reason=self.reason))
        return GoTo(self.next)

    def messages(self) -> Iterable[tuple[str, str]]:
        return (("message", self.message),) if self.message else ()
