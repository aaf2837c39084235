from collections.abc import Iterable
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from post_purchase.flows.conditions import Condition
from post_purchase.flows.describing import condition
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class Case(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    when: Condition = Field(alias="if")
    goto: str | None

    @cached_property
    def words(self) -> str:
        return condition(self.when.model_dump(mode="json", by_alias=True, exclude_unset=True))


class Branch(Step):
    """Go where the first case that holds leads; else to `next`."""

    kind: Literal["branch"]
    cases: tuple[Case, ...] = Field(min_length=1)

    @cached_property
    def _otherwise(self) -> str:
        return f"It ended there, as this was not so: {'; '.join(case.words for case in self.cases)}"

    def enter(self, ctx: Context) -> Outcome:
        for case in self.cases:
            if case.when.holds(ctx.facts):
                return GoTo(case.goto, f"It ended there: {case.words}")
        return GoTo(self.next, self._otherwise)

    def targets(self) -> Iterable[tuple[str, str | None]]:
        yield from super().targets()
        for index, case in enumerate(self.cases):
            yield f"cases.{index}.goto", case.goto
