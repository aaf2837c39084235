from typing import Literal

from post_purchase.flows.effects import AddPhotos
from post_purchase.flows.step import Context, GoTo, Outcome, Step


class AddPhoto(Step):
    """Put the photos of the news that led here to the review that was given before."""

    kind: Literal["add_photo"]
    review_step: str

    def enter(self, ctx: Context) -> Outcome:
        photos = tuple(int(pk) for pk in ctx.event.data.get("attachments", ()))
        if photos:
            ctx.effects.append(AddPhotos(step=self.review_step, attachments=photos))
        return GoTo(self.next)
