from typing import Literal

from pydantic import Field

from post_purchase.flows.effects import Tag
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class TagContact(Step):
    """Put a word on the contact, for the merchant's lists."""

    kind: Literal["tag"]
    tag: str = Field(min_length=1, max_length=40)

    def enter(self, ctx: Context) -> Outcome:
        ctx.effects.append(Tag(tag=self.tag))
        return GoTo(self.next)
