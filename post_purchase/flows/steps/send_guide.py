from collections.abc import Iterable
from typing import Literal

from post_purchase.flows.conditions import look_up
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class SendGuide(Step):
    """Send the guide that the merchant wrote for what was bought; go on at `on_none` where there is none."""

    kind: Literal["send_guide"]
    message: str
    on_none: str | None = None

    def enter(self, ctx: Context) -> Outcome:
        if not look_up(ctx.facts, ("guide", "text")):
            return GoTo(self.on_none, "No guide is written for what was bought", gave_up=True)
        ctx.say(self.message)
        return GoTo(self.next)

    def targets(self) -> Iterable[tuple[str, str | None]]:
        yield from super().targets()
        yield "on_none", self.on_none

    def messages(self) -> Iterable[tuple[str, str]]:
        return (("message", self.message),)
