from collections.abc import Iterable
from typing import Literal

from post_purchase.flows.step import Context, GoTo, Outcome, Step


class Send(Step):
    """Say something and go on."""

    kind: Literal["send"]
    message: str

    def enter(self, ctx: Context) -> Outcome:
        ctx.say(self.message)
        return GoTo(self.next)

    def messages(self) -> Iterable[tuple[str, str]]:
        return (("message", self.message),)
