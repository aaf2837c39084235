"""What a shopper wants to know or change about themselves, by word lists (data/control_words.yaml). Pure.

Nothing is guessed: who only mentions a language, a size or a network ("do you have it in size M?") changes nothing,
because the whole message must consist of such words.
"""

import re
from dataclasses import dataclass
from datetime import time
from functools import lru_cache

from post_purchase.words import ChannelKind

from .phrases import load
from .understanding import UNSPACED, folded

LONGEST = 160  # characters
MOST_BETWEEN = 3  # words between two words of a pattern
SHORT = 14  # words; more tell a story
_TIME = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm|a\.m\.|p\.m\.)?", re.ASCII)
_SIZE = re.compile(r"(?:[x\d]{0,2}x?[sml]|xx?l|one size|\d{1,3}(?:[.,]5)?)", re.ASCII | re.IGNORECASE)
WISHES = ("erase", "export", "about", "no_reviews", "no_offers", "quiet")  # the first that fits


@dataclass(frozen=True)
class Wish:
    name: str  # one of WISHES, or language, channel, size
    value: str = ""  # "de", "email", "M", "21:00-08:00"; "" where it was not said


def wish_of(text: str) -> Wish | None:
    """None: this is about something else."""
    if len(text) > LONGEST:
        return None
    said = folded(text)
    words = said.split()
    for name in WISHES:
        if _is_asked(name, said, words):
            return Wish(name, _hours(text) if name == "quiet" else "")
    for name, kinds in (("language", _languages()), ("channel", _channels())):
        value = _only(words, said, kinds, _fillers(name))
        if value:
            return Wish(name, value)
    return _size(text)


def confirms_erasure(text: str) -> bool:
    return folded(text) in {folded(each["erase_word"]) for each in load("control").values() if isinstance(each, dict)}


def _is_asked(name: str, said: str, words: list[str]) -> bool:
    for language, lines in load("control_words")[name].items():
        for line in lines:
            pattern = [tuple(folded_part(part)) for part in line.split()]
            if language in UNSPACED:
                if _stands_in(said.replace(" ", ""), [each for each, *_ in pattern]):
                    return True
            elif len(words) <= SHORT and _walk(words, pattern):
                return True
    return False


@lru_cache(maxsize=1024)
def folded_part(part: str) -> tuple[str, ...]:
    return tuple(folded(each).replace(" ", "") + ("*" if each.endswith("*") else "") for each in part.split("|"))


def _walk(words: list[str], pattern: list[tuple[str, ...]]) -> bool:
    """The pattern's words in this order, with at most MOST_BETWEEN others between two of them."""
    for start in range(len(words)):
        at, found = start, True
        for place, part in enumerate(pattern):
            reach = range(at, min(at + MOST_BETWEEN + 1, len(words))) if place else range(start, start + 1)
            hit = next((here for here in reach if _is_word(words[here], part)), None)
            if hit is None:
                found = False
                break
            at = hit + 1
        if found:
            return True
    return False


def _is_word(word: str, part: tuple[str, ...]) -> bool:
    return any(word.startswith(each[:-1]) if each.endswith("*") else word == each for each in part)


def _stands_in(said: str, parts: list[str]) -> bool:
    at = 0
    for part in parts:
        found = said.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _only(words: list[str], said: str, names: dict[str, str], fillers: frozenset[str]) -> str:
    """The one name in a message that has nothing but a name and words around it. Japanese and Arabic: as a whole."""
    if said.replace(" ", "") in names:
        return names[said.replace(" ", "")]
    found = {names[word] for word in words if word in names}
    others = [word for word in words if word not in names and word not in fillers]
    return found.pop() if len(found) == 1 and not others else ""


@lru_cache(maxsize=1)
def _languages() -> dict[str, str]:
    return _by_name("languages")


@lru_cache(maxsize=1)
def _channels() -> dict[str, str]:
    found = _by_name("channels")
    return {name: kind for name, kind in found.items() if kind in ChannelKind.values}


def _by_name(kind: str) -> dict[str, str]:
    lists = load("control_words")[kind]
    return {folded(str(name)).replace(" ", ""): value for value, names in lists.items() for name in names}


@lru_cache(maxsize=4)
def _fillers(kind: str) -> frozenset[str]:
    lists = load("control_words")[f"around_{kind}"]
    return frozenset(word for lines in lists.values() for line in lines for word in folded(str(line)).split())


def _size(text: str) -> Wish | None:
    said = text.strip(" .!")
    for name in load("control_words")["size"]:
        for pattern in load("control_words")["size"][name]:
            before, _, after = pattern.partition("{}")
            start, end = before.strip().casefold(), after.strip().casefold()
            plain = said.casefold()
            if plain.startswith(start) and plain.endswith(end):
                value = said[len(start) : len(said) - len(end)].strip(" :")
                if _SIZE.fullmatch(value):
                    return Wish("size", value.upper().replace(",", "."))
    return None


def _hours(text: str) -> str:
    """ "21:00-08:00" where two times are named; else ""."""
    found = [_time(*match.groups()) for match in _TIME.finditer(text.casefold())]
    if len(found) != 2 or None in found or found[0] == found[1]:
        return ""
    return "-".join(f"{at:%H:%M}" for at in found if at is not None)


def _time(hour: str, minute: str | None, half: str | None) -> time | None:
    hours = int(hour)
    if half and hours <= 12:
        hours = hours % 12 + (12 if half.startswith("p") else 0)
    return time(hours % 24, int(minute or 0)) if hours <= 24 and int(minute or 0) < 60 else None
