"""Which variant of an experiment reaches the declared goal more often, and whether that is more than chance. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .numbers import Tally

ENOUGH_PEOPLE = 100  # in each variant, before any is called better
ENOUGH_EACH_WAY = 10  # who reached the goal, and who did not: below, the normal curve is no good guide to the counts
# One in a hundred rather than one in twenty: a merchant looks every day, and each look is another chance to be wrong.
CHANCE = 0.01


@dataclass(frozen=True)
class Variant:
    name: str
    entered: int
    reached: int

    @property
    def share(self) -> float:
        return self.reached / self.entered if self.entered else 0.0

    @property
    def percent(self) -> str:
        return f"{self.share:.1%}" if self.entered else ""


@dataclass(frozen=True)
class Result:
    """Of one version."""

    label: str  # "Version 3"
    goal: str  # as the merchant calls it
    variants: tuple[Variant, ...]

    @property
    def verdict(self) -> str:
        return verdict(self.variants)


def result(label: str, goal: str, title: str, names: list[str], tallies: Mapping[str, Tally]) -> Result:
    empty = Tally()
    counted = ((name, tallies.get(name, empty)) for name in names)
    return Result(label, title, tuple(Variant(name, one.entered, one.goals[goal]) for name, one in counted))


def verdict(variants: tuple[Variant, ...]) -> str:
    """A sentence for the merchant. A winner is better than each of the others, by more than chance."""
    fewest = min(variants, key=lambda one: one.entered)
    if fewest.entered < ENOUGH_PEOPLE:
        return f"Too early to tell: “{fewest.name}” has {fewest.entered} of the {ENOUGH_PEOPLE} people that it takes."
    reached = sum(one.reached for one in variants)
    missed = sum(one.entered for one in variants) - reached
    if min(reached, missed) < ENOUGH_EACH_WAY * len(variants):
        return f"Too early to tell: too few have {'reached' if reached < missed else 'missed'} the goal."
    best = max(variants, key=lambda one: one.share)
    others = [one for one in variants if one is not best]
    pairs = len(variants) * (len(variants) - 1) / 2
    if all(by_chance(best, one) * pairs < CHANCE for one in others):
        return f"“{best.name}” reaches the goal more often, and by more than chance."
    return "No winner yet: a difference like this also comes by chance."


def by_chance(one: Variant, other: Variant) -> float:
    """Two-sided test of two proportions with the pooled share: how often chance alone differs at least so much."""
    pooled = (one.reached + other.reached) / (one.entered + other.entered)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / one.entered + 1 / other.entered))
    if spread == 0:
        return 1.0
    return math.erfc(abs(one.share - other.share) / spread / math.sqrt(2))
