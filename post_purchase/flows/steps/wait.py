from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import ClassVar, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, model_validator

from post_purchase.flows.conditions import Condition, look_up
from post_purchase.flows.describing import condition, fact, news
from post_purchase.flows.state import TIMER
from post_purchase.flows.step import Context, Duration, GoTo, Offset, Outcome, Step
from post_purchase.words import EventKind

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS = get_args(Weekday)


class Wait(Step):
    """Wait for a length of time, for an hour of the shopper's day, or until something is so."""

    kind: Literal["wait"]
    waits: ClassVar[bool] = True
    length: Duration | None = Field(default=None, alias="for")
    counted_from: str = Field(default="", alias="from")  # a fact that is a time; empty: now
    at_least: Duration | None = None  # from now, also where `from` lies long ago
    between: tuple[time, time] | None = None  # in the shopper's time zone
    weekdays: tuple[Weekday, ...] = ()  # with `between`: only on these
    date: str = ""  # a fact that is a time: order.day_expected, contact.fields.birthday
    offset: Offset = timedelta(0)  # before (-P2D) or after it
    on_missing: str | None = None  # where the date is not known
    until: Condition | None = None
    news: tuple[EventKind, ...] = ()  # the news that can make it so; empty: any
    timeout: Duration | None = None
    on_timeout: str | None = None
    cut_short_by: tuple[EventKind, ...] = ()  # news that end the wait before its time
    on_cut_short: str | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Wait":
        if sum(part is not None for part in (self.length, self.between, self.until, self.date or None)) != 1:
            raise ValueError("a wait is one of: for, between, until, date")
        if self.weekdays and self.between is None:
            raise ValueError("weekdays go with between")
        if self.until is not None and self.timeout is None:
            raise ValueError("a wait until something needs a timeout")
        if self.between is not None and self.between[0] >= self.between[1]:
            raise ValueError("between needs an earlier and a later hour of the same day")
        return self

    @cached_property
    def _until(self) -> str:
        return condition(self.until.model_dump(mode="json", by_alias=True, exclude_unset=True)) if self.until else ""

    def enter(self, ctx: Context) -> Outcome:
        if self.until is not None and self.timeout is not None:
            return GoTo(self.next) if self.until.holds(ctx.facts) else ctx.wait(until=ctx.now + self.timeout)
        if self.date and (moment := self._moment(ctx, self.date)) is None:
            return GoTo(self.on_missing, f"The day to wait for is not known: {fact(self.date)}")
        try:
            due = moment + self.offset if self.date and moment is not None else self._due(ctx)
        except OverflowError:  # before the year 1, after 9999: no time that could come
            return GoTo(self.on_missing, f"The day to wait for is none: {fact(self.date)}")
        return GoTo(self.next) if due <= ctx.now else ctx.wait(until=due)

    def _due(self, ctx: Context) -> datetime:
        if self.between is not None:
            return next_between(ctx.now, str(ctx.facts.get("timezone", "")), *self.between, weekdays=self.weekdays)
        due = (self._moment(ctx, self.counted_from) or ctx.now) + (self.length or timedelta(0))
        return max(due, ctx.now + self.at_least) if self.at_least else due

    def _moment(self, ctx: Context, fact: str) -> datetime | None:
        """A fact as a time; a day without an hour begins in the shopper's time zone. None: not known, or no time."""
        value = look_up(ctx.facts, tuple(fact.split("."))) if fact else None
        if not isinstance(value, str) or not value:
            return None
        try:
            moment = datetime.fromisoformat(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=_zone(str(ctx.facts.get("timezone", ""))))
            moment.astimezone(UTC)  # what cannot be told in UTC cannot be compared
        except (ValueError, OverflowError):
            return None
        return moment

    def resume(self, ctx: Context) -> Outcome | None:
        if ctx.event.kind == TIMER:
            if self.until is not None:
                return GoTo(self.on_timeout, f"It waited in vain for this: {self._until}")
            # A worker that was away may come when the hour is over: then it is tomorrow's.
            # A date may have been moved while we waited for it (an estimate): then it is read anew.
            return self.enter(ctx) if self.between is not None or self.date else GoTo(self.next)
        if ctx.event.kind in self.cut_short_by:
            return GoTo(self.on_cut_short, f"Its wait ended because {news([ctx.event.kind])}")
        if self.until is not None and (not self.news or ctx.event.kind in self.news) and self.until.holds(ctx.facts):
            return GoTo(self.next)
        return None

    def targets(self) -> Iterable[tuple[str, str | None]]:
        yield from super().targets()
        if self.date:
            yield "on_missing", self.on_missing
        if self.until is not None:
            yield "on_timeout", self.on_timeout
        if self.cut_short_by:
            yield "on_cut_short", self.on_cut_short

    def passes(self) -> Iterable[str | None]:
        return (self.next, self.on_missing) if self.date else (self.next,)  # a wait may be over before it begins

    def waiting_for(self) -> str:
        if self.between is not None:
            return f"{self.between[0]:%H:%M} in the shopper's time zone"
        if self.until is not None:
            return self.why or "news"
        if self.date:
            return f"the day: {self.date.replace('.', ' ').replace('_', ' ')}"
        return "a time to pass"


@lru_cache(maxsize=500)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def next_between(now: datetime, zone: str, start: time, end: time, *, weekdays: tuple[Weekday, ...] = ()) -> datetime:
    """Now, if it is between the two hours there (on one of the weekdays); else the next time it is `start`. UTC."""
    days = {WEEKDAYS.index(name) for name in weekdays} or set(range(7))
    local = now.astimezone(_zone(zone))
    if start <= local.time() < end and local.weekday() in days:
        return now
    day = local.date() + timedelta(days=0 if local.time() < start else 1)
    while day.weekday() not in days:
        day += timedelta(days=1)
    return datetime.combine(day, start, tzinfo=local.tzinfo).astimezone(UTC)
