from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from post_purchase.flows.chance import pick
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class Variant(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(pattern=r"^[a-z0-9_]{1,40}$")
    weight: int = Field(default=1, ge=1, le=1000)
    goto: str | None


class Experiment(Step):
    """Try variants against each other. Which one wins is judged by a goal of the flow, declared beforehand."""

    kind: Literal["experiment"]
    goal: str  # the name of one of the document's goals
    variants: tuple[Variant, ...] = Field(min_length=2, max_length=6)

    @model_validator(mode="after")
    def _names_differ(self) -> "Experiment":
        if len({variant.name for variant in self.variants}) != len(self.variants):
            raise ValueError("two variants have the same name")
        return self

    def enter(self, ctx: Context) -> Outcome:
        chosen = self.variants[pick([variant.weight for variant in self.variants], ctx.facts, ctx.thread.step)]
        ctx.answer(f"variant_{ctx.thread.step}", chosen.name)
        return GoTo(chosen.goto, f"It was drawn for variant {chosen.name}, which has no message")

    def targets(self) -> Iterable[tuple[str, str | None]]:
        for variant in self.variants:
            yield f"variants.{variant.name}.goto", variant.goto
