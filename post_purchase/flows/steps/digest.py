from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from post_purchase.flows.conditions import look_up
from post_purchase.flows.state import TIMER
from post_purchase.flows.step import Context, Duration, GoTo, Outcome, Step
from post_purchase.words import EventKind, ParcelState


class Digest(Step):
    """Wait a little for more news of the same kind, so that a split shipment becomes one message."""

    kind: Literal["digest"]
    waits: ClassVar[bool] = True
    length: Duration = Field(alias="for")
    news: tuple[EventKind, ...] = Field(min_length=1)
    states: tuple[ParcelState, ...] = ()  # who has left these meanwhile is not told of; nobody left: on_stale
    on_stale: str | None = None

    def enter(self, ctx: Context) -> Outcome:
        self._gather(ctx)
        return ctx.wait(until=ctx.now + self.length)

    def resume(self, ctx: Context) -> Outcome | None:
        if ctx.event.kind == TIMER:
            return GoTo(self.next) if self._still_true(ctx) else GoTo(self.on_stale, self._why(ctx), gave_up=True)
        if ctx.event.kind not in self.news:
            return None
        self._gather(ctx)
        until: datetime | None = ctx.thread.due_at  # the first one is not made to wait longer by those that follow
        return ctx.wait(until=until)

    def _gather(self, ctx: Context) -> None:
        parcel = ctx.event.parcel if ctx.event.parcel is not None else ctx.thread.parcel
        if parcel is not None and parcel not in ctx.thread.parcels:
            ctx.thread.parcels.append(parcel)

    def _still_true(self, ctx: Context) -> bool:
        if not self.states:
            return True
        thread = ctx.thread
        thread.parcels = [
            parcel for parcel in thread.parcels if look_up(ctx.facts, ("parcels", str(parcel), "state")) in self.states
        ]
        if thread.parcels and thread.parcel not in thread.parcels:
            thread.parcel = thread.parcels[0]
        return bool(thread.parcels)

    def _why(self, ctx: Context) -> str:
        parcel = ctx.thread.parcel if ctx.thread.parcel is not None else ctx.event.parcel
        state = look_up(ctx.facts, ("parcels", str(parcel), "state"))
        now = f" (the parcel: {ParcelState(state).label.lower()})" if state in ParcelState.values else ""
        return f"Its news was old by then{now}"

    def targets(self) -> Iterable[tuple[str, str | None]]:
        yield from super().targets()
        yield "on_stale", self.on_stale

    def passes(self) -> Iterable[str | None]:
        return ()

    def waiting_for(self) -> str:
        return "more news of the same kind, to tell it all at once"
