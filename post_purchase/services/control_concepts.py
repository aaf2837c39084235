"""A wish about oneself by meaning: the meanings of a rule stand in a short message, in any order
(data/control_concepts.yaml). Pure.
"""

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import time
from functools import lru_cache

from .phrases import load
from .word_patterns import UNSPACED, folded

SHORT = 14  # words; more tell a story
EVENING, MORNING = time(21), time(8)  # where one end of quiet hours was not said: the house's own day
NOON = 12
RULES = (  # name, all of these, none of those; the first that fits
    ("erase", ("erase", "mine"), ("rest",)),
    ("erase", ("erase_me",), ()),
    ("export", ("get", "my_data"), ("rest",)),
    ("export", ("law",), ()),
    ("export", ("laws", "ask"), ()),
    ("no_reviews", ("refuse", "reviews"), ("wanted",)),
    ("no_offers", ("refuse", "offers"), ("wanted",)),
    ("quiet", ("not", "write", "after"), ("rest",)),
    ("quiet", ("not", "write", "before"), ("rest",)),
    ("quiet", ("not", "write", "night"), ("rest",)),
    ("quiet", ("write", "only"), ("rest",)),
)
LEAST_TIMES = {"after": 1, "before": 1, "only": 2}
EVERYWHERE = ("rest", "thing", "wanted")  # what else a message is about is heard in whatever language
LANGUAGE_RULES = ((("speak",), ("thing",)),)
ABOUT_ELSE = ("rest", "reports", "not", "thing")
CHANNEL_RULES = tuple((wanted, ABOUT_ELSE) for wanted in (("write", "me"), ("prefer",), ("answer",)))


@dataclass(frozen=True)
class Said:
    """A message as it is compared, in each of the ways in which words are told apart."""

    spaced: str  # " with a space at each end "
    joined: str
    words: tuple[str, ...]

    @property
    def is_short(self) -> bool:
        return len(self.words) <= SHORT


@dataclass(frozen=True)
class Times:
    """The times of day that stand in a message, and whether "am", "pm" or the like was written at each."""

    at: tuple[time, ...]
    marked: tuple[bool, ...]


def said_in(text: str) -> Said:
    plain = folded(text)
    return Said(f" {plain} ", plain.replace(" ", ""), tuple(plain.split()))


def ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)


def meant(said: Said, times: Times) -> tuple[str, str]:
    """(name, language of the words) of the first rule that fits; ("", "")."""
    for language in languages():
        for name, wanted, unwanted in RULES:
            if name == "quiet" and (len(times.at) < max(LEAST_TIMES.get(each, 0) for each in wanted)):
                continue
            if _fits(said, language, wanted, unwanted) and not (name == "quiet" and counts_days(said)):
                return name, language
    return ("export", "en") if said.words and len(said.words) <= 2 and has(said, "", "laws") else ("", "")


def asks_for_language(said: Said) -> bool:
    return any(_fits(said, each, *rule) for each in languages() for rule in LANGUAGE_RULES)


def refuses_language(said: Said) -> bool:
    """It names a language that is not understood, or asks why it was used."""
    return any(has(said, each, "speak") and has(said, each, "foreign") for each in languages())


def asks_for_channel(said: Said, names: Collection[str]) -> bool:
    bare = without(said, names)
    for each in languages():
        if any(
            _fits(said if "write" not in wanted else bare, each, wanted, unwanted) for wanted, unwanted in CHANNEL_RULES
        ):
            return True
    return False


def without(said: Said, names: Collection[str]) -> Said:
    """ "mail" in "by mail" is the way that is named, not that we should write."""
    return said_in(" ".join(word for word in said.words if word not in names))


def quiet_hours(said: Said, language: str, times: Times) -> str:
    """ "20:00-08:00" from "not after 8 pm", "nothing at night", "only between 9 and 18"; "" where it was not said."""
    if len(times.at) == 2:
        start, end = times.at
        if start == end:
            return ""
        if has(said, language, "only"):
            if not times.marked[1] and end <= start and end.hour < NOON:
                end = end.replace(hour=end.hour + NOON)  # "between 9 and 5"
            start, end = end, start
        return _span(start, end)
    if len(times.at) == 1 and has(said, language, "after"):
        return _span(_in_the_evening(said, language, times), MORNING)
    if len(times.at) == 1 and has(said, language, "before"):
        return _span(EVENING, times.at[0])
    return _span(EVENING, MORNING) if not times.at and has(said, language, "night") else ""


def _in_the_evening(said: Said, language: str, times: Times) -> time:
    """ "after 8", "nach 8 Uhr abends": nobody who writes that means the morning."""
    at = times.at[0]
    is_evening = has(said, language, "evening") or at.hour >= 5
    return at.replace(hour=at.hour + NOON) if 0 < at.hour < NOON and not times.marked[0] and is_evening else at


def _span(start: time, end: time) -> str:
    return f"{start:%H:%M}-{end:%H:%M}" if start != end else ""


def _fits(said: Said, language: str, wanted: Iterable[str], unwanted: Iterable[str]) -> bool:
    short = said.is_short or language in UNSPACED
    return (
        short
        and all(has(said, language, each) for each in wanted)
        and not any(is_about(said, language, each) for each in unwanted)
    )


def is_about(said: Said, language: str, meaning: str) -> bool:
    return any(has(said, each, meaning) for each in (languages() if meaning in EVERYWHERE else (language,)))


def counts_days(said: Said) -> bool:
    """ "after 3 days": the number is no time of day."""
    pairs = zip(said.words, said.words[1:], strict=False)
    if any(number.isdigit() and unit in _units() for number, unit in pairs):
        return True
    return any(has(said, each, "days") for each in UNSPACED)


@lru_cache(maxsize=1)
def _units() -> frozenset[str]:
    return frozenset(word for each in languages() if each not in UNSPACED for word in _words(each, "days")[0])


def has(said: Said, language: str, meaning: str) -> bool:
    words, beginnings = _words(language if meaning != "laws" else "", meaning)
    if language in UNSPACED and meaning != "laws":
        return any(each in said.joined for each in words)
    return any(f" {each} " in said.spaced for each in words) or any(f" {each}" in said.spaced for each in beginnings)


@lru_cache(maxsize=1024)
def _words(language: str, meaning: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(whole words, beginnings of words)."""
    lists = load("control_concepts")
    found = [str(each) for each in (lists[language] if language else lists).get(meaning, ())]
    whole = (folded(each) for each in found if not each.endswith("*"))
    if language in UNSPACED:
        whole = (each.replace(" ", "") for each in whole)
    return tuple(whole), tuple(folded(each) for each in found if each.endswith("*"))


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    return tuple(name for name, lists in load("control_concepts").items() if isinstance(lists, dict))


def clauses(text: str) -> list[str]:
    """What is said in one breath: between full stops, commas and words like "and"."""
    found: list[str] = []
    for part in "".join("\n" if char in ".,;:!?。、！？؟،" else char for char in text).split("\n"):
        clause: list[str] = []
        for word in part.split():
            if folded(word) in load("control_concepts")["and"]:
                found.append(" ".join(clause))
                clause = []
            else:
                clause.append(word)
        found.append(" ".join(clause))
    return [each for each in found if each]
