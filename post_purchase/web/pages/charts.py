"""Numbers as inline SVG. Each chart stands beside its table, so nothing depends on seeing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 640, 100  # units of the viewBox; the page stretches it
GAP = 0.25  # of a bar's place


@dataclass(frozen=True)
class Bar:
    x: str
    y: str
    width: str
    height: str
    label: str
    number: int


@dataclass(frozen=True)
class DayChart:
    bars: tuple[Bar, ...]
    top: int  # what the highest line means
    total: int
    first: date
    last: date


@dataclass(frozen=True)
class Step:
    """One step of a funnel. `width` of 100; `share`: per cent of the step before, empty for the first."""

    name: str
    number: int
    width: str
    share: str


def day_chart(rows: Sequence[tuple[date, int]]) -> DayChart:
    top = _round_up(max((number for _, number in rows), default=0))
    place = WIDTH / max(len(rows), 1)
    bars = tuple(
        Bar(
            x=f"{index * place + place * GAP / 2:.1f}",
            y=f"{HEIGHT - number / top * HEIGHT:.1f}",
            width=f"{place * (1 - GAP):.1f}",
            height=f"{number / top * HEIGHT:.1f}",
            label=f"{day:%a} {day.day} {day:%b}",
            number=number,
        )
        for index, (day, number) in enumerate(rows)
    )
    return DayChart(bars=bars, top=top, total=sum(number for _, number in rows), first=rows[0][0], last=rows[-1][0])


def funnel_chart(steps: Sequence[tuple[str, int]]) -> list[Step]:
    """A step may be larger than the one before: who was counted in the days before may write today."""
    most = max((number for _, number in steps), default=0) or 1
    drawn: list[Step] = []
    for index, (name, number) in enumerate(steps):
        before = steps[index - 1][1] if index else 0
        share = f"{number / before:.0%}" if before else ""
        drawn.append(Step(name=name, number=number, width=f"{number / most * 100:.1f}", share=share))
    return drawn


def _round_up(number: int) -> int:
    """1, 2, 5, 10, 20, 50, ...: a line that people can read."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if number <= factor * step:
                return factor * step
        step *= 10
