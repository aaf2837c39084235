from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from post_purchase.flows.effects import FindProducts
from post_purchase.flows.state import TIMER
from post_purchase.flows.step import Context, GoTo, Outcome, Step
from post_purchase.words import EventKind

LOOKING_AT_MOST = timedelta(hours=6)


class Recommend(Step):
    """Find what fits what was bought and was not bought yet. Texts name it as {{ products }}."""

    kind: Literal["recommend"]
    waits: ClassVar[bool] = True
    by: Literal["compatible", "bought_together", "same_again"] = "compatible"
    limit: int = Field(default=1, ge=1, le=5)
    on_none: str | None = None

    def enter(self, ctx: Context) -> Outcome:
        ctx.effects.append(FindProducts(key=ctx.thread.mark, step=ctx.thread.step, by=self.by, limit=self.limit))
        return ctx.wait(until=ctx.now + LOOKING_AT_MOST, phase="looking")

    def resume(self, ctx: Context) -> Outcome | None:
        if ctx.event.kind == TIMER:
            return GoTo(self.on_none, "No product was found in time", gave_up=True)
        if ctx.event.kind != EventKind.PRODUCTS_FOUND or ctx.event.data.get("for") != ctx.thread.mark:
            return None
        found = [product for product in ctx.event.data.get("products", ()) if isinstance(product, dict)]
        if not found:
            return GoTo(self.on_none, "No product was found that fits", gave_up=True)
        ctx.answer("products", found[: self.limit])
        return GoTo(self.next)

    def targets(self) -> Iterable[tuple[str, str | None]]:
        yield from super().targets()
        yield "on_none", self.on_none

    def waiting_for(self) -> str:
        return "a product that fits"
