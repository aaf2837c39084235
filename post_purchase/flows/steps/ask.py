from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from post_purchase.flows.state import TIMER
from post_purchase.flows.step import Claim, Context, Duration, GoTo, Outcome, Step
from post_purchase.flows.understanding import choice_in, rating_in
from post_purchase.words import EventKind

STORING_AT_MOST = timedelta(hours=1)


class Ask(Step):
    """Ask, and wait for a tap, a typed title, a number, stars, a photo, or (with `any_text`) any words.

    One reminder; a time-out.
    """

    kind: Literal["ask"]
    waits: ClassVar[bool] = True
    message: str
    choices: dict[str, str | None] = {}  # choice id: where it leads
    number_from: int | None = None
    number_to: int | None = None
    any_text: bool = False
    rating: bool = False  # one to five stars
    photos: bool = False  # a photo is an answer; its attachments are what is saved
    save_as: str = ""
    retry_message: str = ""  # the same question in other words
    retries: int = Field(default=1, ge=0, le=5)
    reminder: str = ""
    reminder_after: Duration | None = None
    timeout: Duration
    on_timeout: str | None = None

    def enter(self, ctx: Context) -> Outcome:
        ctx.say(self.message, choices=self.choices)
        first = self.reminder_after if self.reminder and self.reminder_after else self.timeout
        ctx.thread.memory["asked_at"] = ctx.now.isoformat()
        return ctx.wait(until=ctx.now + first, phase="asked")

    def resume(self, ctx: Context) -> Outcome | None:
        if ctx.event.kind == TIMER:
            return self._timer(ctx)
        if ctx.event.kind == EventKind.MEDIA_STORED and self.photos:
            return self._stored(ctx)
        if ctx.event.kind != EventKind.MESSAGE_RECEIVED:
            return None
        if self.photos and ctx.event.data.get("has_media"):
            return ctx.wait(until=ctx.now + STORING_AT_MOST, phase="storing")
        found = self._answer(ctx)
        if found is None:
            return self._again(ctx)
        value, way = found
        if self.save_as:
            ctx.answer(self.save_as, value)
        return GoTo(way)

    def _stored(self, ctx: Context) -> Outcome | None:
        photos = [int(pk) for pk in ctx.event.data.get("attachments", ())]
        if not photos:  # refused; the shopper has been told why and may send another
            return ctx.wait(until=ctx.now + self.timeout, phase="reminded") if ctx.thread.phase == "storing" else None
        if self.save_as:
            ctx.answer(self.save_as, photos)
        return GoTo(self.next)

    def claims(self, ctx: Context) -> Claim:
        if self.photos and ctx.event.data.get("has_media"):
            return Claim.YES
        if self._answer(ctx) is not None:
            return Claim.YES
        return Claim.MAYBE if self._may_ask_again(ctx) else Claim.NO

    def _answer(self, ctx: Context) -> tuple[str | int, str | None] | None:
        data = ctx.event.data
        choice = str(data.get("button_id", "")).rpartition(":")[2]
        text = str(data.get("text", "")).strip()
        if choice not in self.choices:
            choice = (choice_in(text, self._titles(ctx)) or "") if self.choices else ""
        if choice:
            return choice, self.choices[choice]
        if self.rating:
            stars = rating_in(text)
            if stars is not None:
                return stars, self.next
        if self.number_from is not None and self.number_to is not None:
            number = rating_in(text, low=self.number_from, high=self.number_to)
            if number is not None:
                return number, self.next
        if self.any_text and text:
            return text[:2000], self.next
        return None

    def _titles(self, ctx: Context) -> dict[str, list[str]]:
        titles = ctx.titles.choices(self.message)
        return {choice: titles.get(choice, []) for choice in self.choices}

    def _may_ask_again(self, ctx: Context) -> bool:
        return bool(self.retry_message) and ctx.thread.memory.get("tries", 0) < self.retries

    def _again(self, ctx: Context) -> Outcome | None:
        if not self._may_ask_again(ctx):
            return None
        memory = ctx.thread.memory
        memory["tries"] = memory.get("tries", 0) + 1
        ctx.say(self.retry_message, choices=self.choices)
        return ctx.wait(until=ctx.now + self.timeout, phase="reminded")  # who wrote needs no reminder

    def _timer(self, ctx: Context) -> Outcome:
        if ctx.thread.phase == "asked" and self.reminder and self.reminder_after:
            ctx.say(self.reminder, choices=self.choices)
            return ctx.wait(
                until=ctx.now + max(self.timeout - self.reminder_after, self.reminder_after / 2), phase="reminded"
            )
        return GoTo(self.on_timeout)

    def skips_to(self) -> str | None:
        return self.on_timeout

    def targets(self) -> Iterable[tuple[str, str | None]]:
        yield from super().targets()
        yield "on_timeout", self.on_timeout
        for choice, target in self.choices.items():
            yield f"choices.{choice}", target

    def messages(self) -> Iterable[tuple[str, str]]:
        for name in ("message", "retry_message", "reminder"):
            if message := getattr(self, name):
                yield name, message

    def waiting_for(self) -> str:
        return "an answer from the shopper"
