from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field

from post_purchase.flows.conditions import look_up
from post_purchase.flows.effects import AddPhotos, AddReviewText, SaveReview
from post_purchase.flows.state import TIMER
from post_purchase.flows.step import Claim, Context, Duration, GoTo, Outcome, Step
from post_purchase.flows.understanding import choice_in, means_no, rating_in
from post_purchase.words import EventKind

RATINGS = ("1", "2", "3", "4", "5")
HELP, SKIP = "help", "skip"
STORING_AT_MOST = timedelta(hours=1)  # a photo that is not safe by then does not hold up the thanks


class CollectReview(Step):
    """A rating, then words, then a photo. The review is saved at the rating and completed by what follows.

    Phases: rating -> more (words or a photo) -> photo -> storing. Whatever the rating, the way on is the same;
    who rates low is also offered a person.
    """

    kind: Literal["collect_review"]
    waits: ClassVar[bool] = True
    question: str
    retry_message: str = ""
    reminder: str = ""
    reminder_after: Duration | None = None
    timeout: Duration
    on_timeout: str | None = None
    more_question: str
    more_question_low: str  # offers a person as well
    low_rating: int = Field(default=2, ge=1, le=5)
    on_help: str | None = None
    photo_question: str
    photo_reminder: str = ""
    photo_reminder_after: Duration | None = None
    photo_timeout: Duration
    disclosure: str  # the word that stands beside the review when a reward is given for it

    def enter(self, ctx: Context) -> Outcome:
        ctx.say(self.question, choices=RATINGS)
        first = self.reminder_after if self.reminder and self.reminder_after else self.timeout
        return ctx.wait(until=ctx.now + first, phase="rating")

    def resume(self, ctx: Context) -> Outcome | None:
        if ctx.event.kind == TIMER:
            return self._timer(ctx)
        if ctx.event.kind == EventKind.MEDIA_STORED:
            return self._media(ctx)
        if ctx.event.kind != EventKind.MESSAGE_RECEIVED:
            return None
        if ctx.thread.phase == "rating":
            return self._rated(ctx)
        return self._more(ctx)

    def claims(self, ctx: Context) -> Claim:
        data = ctx.event.data
        if ctx.thread.phase == "rating":
            if self._rating(ctx) is not None:
                return Claim.YES
            return Claim.MAYBE if self.retry_message and not ctx.thread.memory.get("tries") else Claim.NO
        if data.get("has_media") or self._tap(ctx):
            return Claim.YES
        return Claim.YES if ctx.thread.phase == "more" and str(data.get("text", "")).strip() else Claim.NO

    def _rating(self, ctx: Context) -> int | None:
        choice = str(ctx.event.data.get("button_id", "")).rpartition(":")[2]
        if choice in RATINGS:
            return int(choice)
        text = str(ctx.event.data.get("text", ""))
        titled = choice_in(text, ctx.titles.choices(self.question))
        return rating_in(text) or (int(titled) if titled in RATINGS else None)

    def _rated(self, ctx: Context) -> Outcome | None:
        rating = self._rating(ctx)
        memory = ctx.thread.memory
        if rating is None:
            if not self.retry_message or memory.get("tries"):
                return None
            memory["tries"] = 1
            ctx.say(self.retry_message, choices=RATINGS)
            return ctx.wait(until=ctx.now + self.timeout, phase="rating")
        rewarded = bool(look_up(ctx.facts, ("reward", "offered")))
        ctx.answer("rating", rating)
        ctx.effects.append(
            SaveReview(
                key=ctx.thread.mark,
                step=ctx.thread.step,
                rating=rating,
                disclosure=self.disclosure if rewarded else "",
                incentivised=rewarded,
            )
        )
        if early := memory.pop("early", []):
            ctx.effects.append(AddPhotos(step=ctx.thread.step, attachments=tuple(early)))
        low = rating <= self.low_rating
        ctx.say(self.more_question_low if low else self.more_question, choices=(HELP, SKIP) if low else (SKIP,))
        return self._wait_for_more(ctx, "more")

    def _wait_for_more(self, ctx: Context, phase: str) -> Outcome:
        remind = self.photo_reminder and self.photo_reminder_after and not ctx.thread.memory.get("reminded")
        ctx.thread.memory["settles_at"] = (ctx.now + self.photo_timeout).isoformat()
        wait = self.photo_reminder_after if remind and self.photo_reminder_after else self.photo_timeout
        return ctx.wait(until=ctx.now + wait, phase=phase)

    def _tap(self, ctx: Context) -> str:
        choice = str(ctx.event.data.get("button_id", "")).rpartition(":")[2]
        if choice in (HELP, SKIP):
            return choice
        low = int(ctx.state.answers.get("rating", 5)) <= self.low_rating
        asked = (
            self.photo_question
            if ctx.thread.phase == "photo"
            else self.more_question_low
            if low
            else self.more_question
        )
        offered = (HELP, SKIP) if low and ctx.thread.phase != "photo" else (SKIP,)
        titles = ctx.titles.choices(asked)
        text = str(ctx.event.data.get("text", ""))
        tapped = choice_in(text, {choice: titles.get(choice, []) for choice in offered})
        return tapped or (SKIP if means_no(text) else "")

    def _more(self, ctx: Context) -> Outcome | None:
        data = ctx.event.data
        text = str(data.get("text", "")).strip()
        if data.get("has_media"):
            if text and ctx.thread.phase == "more":
                self._add_text(ctx, text)
            return ctx.wait(until=ctx.now + STORING_AT_MOST, phase="storing")
        tap = self._tap(ctx)
        if tap == HELP:
            return GoTo(self.on_help)
        if tap == SKIP and ctx.thread.phase != "more":
            return GoTo(self.next)
        if ctx.thread.phase != "more":
            return None
        if not tap:
            if not text:
                return None
            self._add_text(ctx, text)
        ctx.say(self.photo_question, choices=(SKIP,))
        return self._wait_for_more(ctx, "photo")

    def _add_text(self, ctx: Context, text: str) -> None:
        ctx.effects.append(AddReviewText(step=ctx.thread.step, text=text[:5000]))

    def _media(self, ctx: Context) -> Outcome | None:
        photos = [int(pk) for pk in ctx.event.data.get("attachments", ())]
        memory: dict[str, Any] = ctx.thread.memory
        if ctx.thread.phase == "rating":
            if photos:
                memory["early"] = memory.get("early", []) + photos
            return ctx.wait(until=ctx.thread.due_at, phase="rating") if photos else None
        if not photos:  # refused; the shopper has been told why and may send another
            return self._wait_for_more(ctx, "photo") if ctx.thread.phase == "storing" else None
        ctx.effects.append(AddPhotos(step=ctx.thread.step, attachments=tuple(photos)))
        ctx.answer("photos", int(ctx.state.answers.get("photos", 0)) + len(photos))
        return GoTo(self.next)

    def _timer(self, ctx: Context) -> Outcome:
        thread = ctx.thread
        if thread.phase == "rating":
            if self.reminder and self.reminder_after and not thread.memory.get("asked_again"):
                thread.memory["asked_again"] = True
                ctx.say(self.reminder, choices=RATINGS)
                return ctx.wait(until=ctx.now + self.timeout, phase="rating")
            return GoTo(self.on_timeout)
        if thread.phase != "storing" and self.photo_reminder and not thread.memory.get("reminded"):
            thread.memory["reminded"] = True
            remaining = self.photo_timeout - (self.photo_reminder_after or timedelta(0))
            if remaining > timedelta(0):
                ctx.say(self.photo_reminder, choices=(SKIP,))
                return ctx.wait(until=ctx.now + remaining, phase="photo" if thread.phase == "photo" else "more")
        return GoTo(self.next)

    def skips_to(self) -> str | None:
        return self.on_timeout

    def targets(self) -> Iterable[tuple[str, str | None]]:
        yield from super().targets()
        yield "on_timeout", self.on_timeout
        yield "on_help", self.on_help

    def messages(self) -> Iterable[tuple[str, str]]:
        for name in (
            "question",
            "retry_message",
            "reminder",
            "more_question",
            "more_question_low",
            "photo_question",
            "photo_reminder",
        ):
            if message := getattr(self, name):
                yield name, message

    def waiting_for(self) -> str:
        return "the shopper's review"
