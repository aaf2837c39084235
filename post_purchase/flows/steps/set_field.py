from typing import Any, Literal

from pydantic import Field, model_validator

from post_purchase.flows.effects import SetField
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class SetContactField(Step):
    """Remember an answer, or a fixed word, about the contact: size, taste, a preference."""

    kind: Literal["set_field"]
    field: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    value: str = Field(default="", max_length=200)
    answer: str = ""  # the name under which an ask step saved it

    @model_validator(mode="after")
    def _is_one_thing(self) -> "SetContactField":
        if bool(self.value) == bool(self.answer):
            raise ValueError("set_field takes one of: value, answer")
        return self

    def enter(self, ctx: Context) -> Outcome:
        value: Any = ctx.state.answers.get(self.answer) if self.answer else self.value
        if isinstance(value, str | int) and str(value).strip():
            ctx.effects.append(SetField(name=self.field, value=str(value)[:200]))
        return GoTo(self.next)
