from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from post_purchase.flows.chance import pick
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class Way(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    weight: int = Field(ge=1, le=1000)
    goto: str | None


class Split(Step):
    """Send some this way and some that way, by chance."""

    kind: Literal["split"]
    ways: tuple[Way, ...] = Field(min_length=2, max_length=10)

    def enter(self, ctx: Context) -> Outcome:
        chosen = pick([way.weight for way in self.ways], ctx.facts, ctx.thread.step)
        return GoTo(self.ways[chosen].goto, "It was drawn for the way without a message")

    def targets(self) -> Iterable[tuple[str, str | None]]:
        for index, way in enumerate(self.ways):
            yield f"ways.{index}.goto", way.goto
