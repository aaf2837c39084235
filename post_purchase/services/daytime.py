"""When it is day for a message at the shopper's place: data/quiet_hours.yaml, narrowed by the merchant. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from shopapp.lib import data_file

TABLE = Path(__file__).parent / "data" / "quiet_hours.yaml"
WHOLE_DAY = 24 * 60
LOOK_AHEAD = 12  # days; the longest closed stretch of the table is a few days
DAYS = {"mo": 0, "tu": 1, "we": 2, "th": 3, "fr": 4, "sa": 5, "su": 6}

Span = tuple[int, int]  # minutes of the day: from, and until (not included)


@dataclass(frozen=True)
class Hours:
    """From when until when on each day of the week, Monday first. None: not on that day."""

    week: tuple[Span | None, ...]
    name: str = ""  # "France"
    holidays: str = ""  # whose

    def on(self, day: date) -> Span | None:
        return None if self.holidays and is_holiday(day, self.holidays) else self.week[day.weekday()]

    def why_closed(self, day: date) -> str:
        where = f" in {self.name}" if self.name else ""
        if self.holidays and is_holiday(day, self.holidays):
            return f"no offers or requests on a public holiday{where}"
        if self.week[day.weekday()] is None:
            return f"no offers or requests on a {day:%A}{where}"
        return "quiet hours"


@dataclass(frozen=True)
class Quiet:
    """The merchant's own quiet hours. The same time twice: none."""

    start: time
    end: time

    def day(self) -> tuple[Span, ...]:
        """What is left of a day."""
        start, end = _minutes(self.start), _minutes(self.end)
        if start == end:
            return ((0, WHOLE_DAY),)
        return ((end, start),) if end < start else ((0, start), (end, WHOLE_DAY))


ALWAYS = Hours(((0, WHOLE_DAY),) * 7)
NO_QUIET = Quiet(time(0), time(0))


@lru_cache(maxsize=1024)
def hours_for_offers(country: str, province: str = "") -> Hours:
    """`country` ISO 3166-1 alpha-2, `province` Shopify's code. State not known: the narrowest of that country's."""
    table = _table()
    entry = table["countries"].get(country)
    if entry is None:
        return _hours(table["elsewhere"])
    states = entry.get("states", {})
    if province in states:
        return _hours(states[province])
    own = _hours(entry)
    if province or not states:
        return own
    return Hours(_narrowest([own, *map(_hours, states.values())]), own.name, own.holidays)


@lru_cache(maxsize=1)
def hours_for_news() -> Hours:
    return _hours(_table()["order_news"])


def minutes_left_everywhere(quiet: Quiet) -> int:
    """How much a merchant's quiet hours leave of the part of a Wednesday on which every rule of the table agrees."""
    spans = [hours.week[2] for hours in every_rule()]
    start, end = max(span[0] for span in spans if span), min(span[1] for span in spans if span)
    return sum(max(0, min(end, last) - max(start, first)) for first, last in quiet.day())


@lru_cache(maxsize=1)
def every_rule() -> tuple[Hours, ...]:
    table = _table()
    entries = [table["elsewhere"], table["order_news"]]
    for country in table["countries"].values():
        entries += [country, *country.get("states", {}).values()]
    return tuple(map(_hours, entries))


def next_open(moment: datetime, zones: Sequence[ZoneInfo], hours: Hours, quiet: Quiet = NO_QUIET) -> datetime:
    """`moment`, or the next one at which it is day in every zone. Right across clock changes.

    Where there is no such moment: in the first zone; where the merchant's hours leave nothing: without them.
    """
    for narrowed in (quiet, NO_QUIET):
        for group in (zones, zones[:1]):
            found = _open_in_all(moment, group, hours, narrowed)
            if found is not None:
                return found
    raise ValueError("These hours never open")


def is_open(moment: datetime, zone: ZoneInfo, hours: Hours, quiet: Quiet = NO_QUIET) -> bool:
    local = moment.astimezone(zone)
    at = local.hour * 60 + local.minute
    return any(start <= at < end for start, end in _spans(local.date(), hours, quiet))


def _open_in_all(moment: datetime, zones: Sequence[ZoneInfo], hours: Hours, quiet: Quiet) -> datetime | None:
    found, last = moment, moment + timedelta(days=LOOK_AHEAD)
    while found <= last:
        closed = [zone for zone in zones if not is_open(found, zone, hours, quiet)]
        if not closed:
            return found
        openings = [_opening(found, zone, hours, quiet) for zone in closed]
        known = [opening for opening in openings if opening is not None]
        if len(known) < len(openings):
            return None
        found = max(known)
    return None


def _opening(moment: datetime, zone: ZoneInfo, hours: Hours, quiet: Quiet) -> datetime | None:
    """The next time at which it becomes day in this zone, after `moment`."""
    today = moment.astimezone(zone).date()
    for ahead in range(LOOK_AHEAD):
        day = today + timedelta(days=ahead)
        starts = (
            datetime.combine(day, time(start // 60, start % 60, fold=fold), tzinfo=zone).astimezone(UTC)
            for start, _ in _spans(day, hours, quiet)
            for fold in (0, 1)  # the hour that comes twice starts twice
        )
        later = [start for start in starts if start > moment and is_open(start, zone, hours, quiet)]
        if later:
            return min(later)
    return None


@lru_cache(maxsize=4096)
def _spans(day: date, hours: Hours, quiet: Quiet) -> tuple[Span, ...]:
    allowed = hours.on(day)
    if allowed is None:
        return ()
    found = ((max(allowed[0], start), min(allowed[1], end)) for start, end in quiet.day())
    return tuple((start, end) for start, end in found if start < end)


@lru_cache(maxsize=1024)
def is_holiday(day: date, whose: str) -> bool:
    table = _table()["holidays"][whose]
    return f"{day:%m-%d}" in table["fixed"] or (day - easter(day.year)).days in table["after_easter"]


def easter(year: int) -> date:
    """Easter Sunday by the Gregorian calendar (Meeus, Jones, Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = data_file.read(TABLE)
    return loaded


def _hours(entry: Mapping[str, Any]) -> Hours:
    week: list[Span | None] = [None] * 7
    for days, span in entry["days"].items():
        first, _, last = ("mo", "", "su") if days == "every" else days.partition("-")
        for day in range(DAYS[first], DAYS[last or first] + 1):
            week[day] = None if span == "none" else _span(span)
    return Hours(tuple(week), entry.get("name", ""), entry.get("holidays", ""))


def _span(text: str) -> Span:
    start, _, end = text.partition("-")
    return _minutes(time.fromisoformat(start)), _minutes(time.fromisoformat(end))


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _narrowest(rules: Iterable[Hours]) -> tuple[Span | None, ...]:
    week: list[Span | None] = []
    for spans in zip(*(rule.week for rule in rules), strict=True):
        allowed = [span for span in spans if span is not None]
        start, end = max(span[0] for span in allowed), min(span[1] for span in allowed)
        week.append((start, end) if len(allowed) == len(spans) and start < end else None)
    return tuple(week)
