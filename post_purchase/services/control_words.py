"""What a shopper wants to know or change about themselves, by word lists (data/control_words.yaml). Pure.

Nothing is guessed: who only mentions a language, a size or a network ("do you have it in size M?") changes nothing,
because the whole message must consist of such words, or say plainly that we should speak or write that way.
"""

import re
from dataclasses import dataclass
from datetime import time
from functools import lru_cache

from post_purchase.words import ChannelKind

from . import control_concepts as concepts
from .phrases import is_one_of, load
from .stops import wants_stop
from .word_patterns import UNSPACED, folded

LONGEST = 160  # characters
MOST_BETWEEN = 3  # words between two words of a pattern
SHORT = 14  # words; more tell a story
_TIME = re.compile(r"(?<!\d)(\d{1,2})(?:[:.h](\d{2}))?(?!\d)\s*(am|pm|a\.m\.|p\.m\.)?", re.ASCII)
_SIZE = re.compile(r"(?:[x\d]{0,2}x?[sml]|xx?l|one size|\d{1,3}(?:[.,]5)?)", re.ASCII | re.IGNORECASE)
WISHES = ("erase", "export", "about", "no_reviews", "no_offers", "quiet")  # the first that fits
MUTING = ("no_reviews", "no_offers")
NOT_SURE = "text"  # "text me when it comes" chooses no network


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
    meanings, times = concepts.said_in(text), _times(text)
    heard = [concepts.meant(meanings, times), *((name, _asked(name, said, words)) for name in WISHES)]
    name, language = min(
        (each for each in heard if all(each)), key=lambda each: WISHES.index(each[0]), default=("", "")
    )
    if name == "quiet":
        return Wish(name, concepts.quiet_hours(meanings, language, times))
    if name and not (name in MUTING and concepts.is_about(meanings, language, "wanted")):
        return Wish(name)
    return _named(words, said) or _asked_way(text) or _size(text)


def milder_than_stop(text: str) -> Wish | None:
    """ "keine Werbung mehr", "don't text me at night": less than a wish to hear nothing at all, which is None here."""
    if is_one_of("stop", text):
        return None
    lines = [line for line in text.splitlines() if line.strip()]
    wish = wish_of(text) or (wish_of(lines[0]) if lines and wants_stop(lines[0]) else None)
    if not _is_mild(wish):
        return None
    said = text if len(text) <= LONGEST else lines[0]
    return None if any(wants_stop(each) and not _is_mild(wish_of(each)) for each in concepts.clauses(said)) else wish


def _is_mild(wish: Wish | None) -> bool:
    return wish is not None and (wish.name in MUTING or (wish.name == "quiet" and bool(wish.value)))


def confirms_erasure(text: str) -> bool:
    return folded(text) in {folded(each["erase_word"]) for each in load("control").values() if isinstance(each, dict)}


def _asked(name: str, said: str, words: list[str]) -> str:
    """In which language; "" where it is not."""
    for language, lines in load("control_words")[name].items():
        for line in lines:
            pattern = [tuple(folded_part(part)) for part in line.split()]
            if language in UNSPACED:
                if _stands_in(said.replace(" ", ""), [each for each, *_ in pattern]):
                    return str(language)
            elif len(words) <= SHORT and _walk(words, pattern):
                return str(language)
    return ""


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


def _named(words: list[str], said: str) -> Wish | None:
    """The message is a name with such words around it."""
    for name, kinds in (("language", _languages()), ("channel", _channels())):
        value = _only(words, said, kinds, _fillers(name))
        if value:
            return Wish(name, value)
    return None


def _asked_way(text: str) -> Wish | None:
    """ "parle-moi en anglais", "could you write me by SMS?": one name, and that we should speak or write so."""
    refused = False
    for clause in (text, *concepts.clauses(text)):
        said = concepts.said_in(clause)
        found = _names_in(said, _languages())
        if len(found) == 1 and concepts.asks_for_language(said):
            if not concepts.refuses_language(said):
                return Wish("language", found.pop())
            refused = True
        found = _names_in(said, {name: kind for name, kind in _channels().items() if name != NOT_SURE})
        if len(found) == 1 and concepts.asks_for_channel(said, _channels()):
            return Wish("channel", found.pop())
    return Wish("language") if refused else None


def _names_in(said: concepts.Said, names: dict[str, str]) -> set[str]:
    unspaced = {kind for name, kind in names.items() if not name.isascii() and name in said.joined}
    return unspaced | {names[word] for word in said.words if word in names}


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


def _times(text: str) -> concepts.Times:
    """The times of day in a text, where all its numbers are such."""
    found = [
        (_time(*match.groups()), bool(match[3])) for match in _TIME.finditer(concepts.ascii_digits(text).casefold())
    ]
    if not 1 <= len(found) <= 2 or any(at is None for at, _ in found):
        return concepts.Times((), ())
    return concepts.Times(tuple(at for at, _ in found if at is not None), tuple(marked for _, marked in found))


def _time(hour: str, minute: str | None, half: str | None) -> time | None:
    hours = int(hour)
    if half and hours <= 12:
        hours = hours % 12 + (12 if half.startswith("p") else 0)
    return time(hours % 24, int(minute or 0)) if hours <= 24 and int(minute or 0) < 60 else None
