"""What a rehearsal assumes about people, said aloud and editable; and chance that repeats. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


class BadAssumption(ValueError):
    """`field` cannot have this value. The message is for the merchant."""

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Assumptions:
    """Percentages of 100, and hours. They count only where the past does not say (who opened a chat is known)."""

    opens: int = 40  # of orders: the shopper opens the chat
    opens_at_delivery: int = 30  # of those: only when the parcel with its card is there, not on the thank-you page
    answers: int = 30  # of questions
    answers_within: int = 6  # hours, at most
    five_stars: int = 60
    four_stars: int = 22
    three_stars: int = 9
    two_stars: int = 4  # what is left to 100 gives one star
    words: int = 40  # of reviews: a few words with them
    photos: int = 35  # of reviews: a photo with them
    wants_help: int = 50  # of low ratings: asks for a person
    first_choice: int = 90  # of answers to a question with choices: the first one
    agrees_to_offers: int = 20  # of those who open the chat
    stops: int = 1  # of requests and offers: the shopper writes STOP
    team_within: int = 24  # hours: a person of the team has helped and gives the chat back
    finds_products: int = 80  # of recommendations: something fits

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Assumptions":
        """What is missing is as usual. Raises BadAssumption."""
        known: dict[str, int] = {}
        for name in (field.name for field in fields(cls)):
            if name not in values:
                continue
            value = values[name]
            most = 240 if name.endswith("within") else 100
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
                raise BadAssumption(name, f"Write a whole number from 0 to {most}.")
            known[name] = value
        found = cls(**known)
        if sum(found.stars[1:]) > 100:
            raise BadAssumption("five_stars", "The stars together are more than 100 per cent.")
        return found

    def to_json(self) -> dict[str, int]:
        return asdict(self)

    @property
    def stars(self) -> tuple[int, ...]:
        """Weights of one to five stars."""
        rest = 100 - self.five_stars - self.four_stars - self.three_stars - self.two_stars
        return (rest, self.two_stars, self.three_stars, self.four_stars, self.five_stars)


class Chance:
    """The same question gets the same answer, in whatever order they are asked."""

    __slots__ = ("seed",)

    def __init__(self, seed: int):
        self.seed = str(seed)

    def share(self, *about: object) -> float:
        """From 0 to just under 1."""
        text = ":".join([self.seed, *map(str, about)])
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big") / 2**48

    def happens(self, percent: int, *about: object) -> bool:
        return self.share(*about) * 100 < percent

    def number(self, *about: object) -> int:
        return int(self.share(*about) * 2**40) + 1

    def choice(self, weights: tuple[int, ...], *about: object) -> int:
        mark = self.share(*about) * sum(weights)
        for index, weight in enumerate(weights):
            if mark < weight:
                return index
            mark -= weight
        return len(weights) - 1
