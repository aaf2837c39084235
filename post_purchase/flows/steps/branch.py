from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from post_purchase.flows.conditions import Condition
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class Case(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    when: Condition = Field(alias="if")
    goto: str | None


class Branch(Step):
    """Go where the first case that holds leads; else to `next`."""

    kind: Literal["branch"]
    cases: tuple[Case, ...] = Field(min_length=1)

    def enter(self, ctx: Context) -> Outcome:
        for case in self.cases:
            if case.when.holds(ctx.facts):
                return GoTo(case.goto)
        return GoTo(self.next)

    def targets(self) -> Iterable[tuple[str, str | None]]:
        yield from super().targets()
        for index, case in enumerate(self.cases):
            yield f"cases.{index}.goto", case.goto
