from collections.abc import Iterable
from typing import ClassVar, Literal

from post_purchase.flows.effects import RequestReward
from post_purchase.flows.state import TIMER
from post_purchase.flows.step import Context, Duration, GoTo, Outcome, Step
from post_purchase.words import EventKind


class Reward(Step):
    """Have a single-use discount code made, and wait until Shopify has it. It cannot see the rating."""

    kind: Literal["reward"]
    waits: ClassVar[bool] = True
    timeout: Duration
    for_friend: bool = False  # to be passed on; called so in the list of discounts
    new_customers_only: bool = False  # the store's segment of who has not ordered yet; services/rewards says what bites
    on_failure: str | None = None

    def enter(self, ctx: Context) -> Outcome:
        ctx.effects.append(
            RequestReward(
                key=ctx.thread.mark,
                step=ctx.thread.step,
                for_friend=self.for_friend,
                new_customers_only=self.new_customers_only,
            )
        )
        return ctx.wait(until=ctx.now + self.timeout, phase="issuing")

    def resume(self, ctx: Context) -> Outcome | None:
        if ctx.event.kind == TIMER:
            return GoTo(self.on_failure, "The discount code was not ready in time", gave_up=True)
        if ctx.event.kind == EventKind.REWARD_FAILED:
            return GoTo(self.on_failure, "The discount code could not be made", gave_up=True)
        if ctx.event.kind == EventKind.REWARD_ISSUED:
            data = ctx.event.data
            ctx.answer("reward", {name: data.get(name) for name in ("code", "percentage", "ends_at")})
            return GoTo(self.next)
        return None

    def targets(self) -> Iterable[tuple[str, str | None]]:
        yield from super().targets()
        yield "on_failure", self.on_failure

    def waiting_for(self) -> str:
        return "Shopify to make the discount code"
