"""Words in sentences, by patterns in data files: slips of the pen, inflections, concepts. Pure, and bounded.

A line is one pattern: its words in this order, at most MOST_BETWEEN others between two of them. `a|b` either, `cancel*`
a beginning, `9` any small number, `$colour` any single word of that concept. Japanese and Arabic: parts of the text in
this order; Arabic: `_` is where a word begins or ends. A rule joins concepts: `parcel + late - address` has the first
two anywhere in one sentence, and not the third. No regular expression runs over what a shopper wrote.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from typing import Any

from .phrases import plain

MOST_BETWEEN, FEW_BETWEEN = 3, 1
ONE_SLIP, TWO_SLIPS = 5, 9  # letters that a word needs before so many may be wrong
ONE_SLIP_IN_BEGINNING = 6  # of `cancel*`, which many words begin like
SMALL_NUMBER = 3  # digits: a size, a quantity
NUMBER = "9"
EVERY = "every"  # a language's key for what all of them share
UNSPACED = ("ar", "ja")  # Arabic has its articles and endings in the word, Japanese no spaces at all
ENDS = str.maketrans(dict.fromkeys(".!?;\n\r。！？؟؛…", "\n"))
LETTERS = str.maketrans({"ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "ى": "ي", "ة": "ه"})

Part = frozenset[str]  # the alternatives of one place of a pattern
Pattern = tuple[Part, ...]
Lines = Mapping[str, Iterable[str]]  # by language


@dataclass(frozen=True)
class Hit:
    slips: int
    is_word: bool  # one word alone, which says less than two
    at: int = 0  # the word that it begins with

    @property
    def doubt(self) -> float:
        return self.slips + 1.5 * self.is_word


@dataclass(frozen=True)
class Rule:
    """`wanted` all in one sentence, none of `unwanted`."""

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]

    def hit(self, found: Mapping[str, Hit]) -> Hit | None:
        if any(name in found for name in self.unwanted) or not all(name in found for name in self.wanted):
            return None
        hits = [found[name] for name in self.wanted]
        words = [each.at for each in hits if each.is_word]
        if len(set(words)) < len(words):
            return None  # one word does not say two things
        return Hit(sum(each.slips for each in hits), len(hits) == 1 and hits[0].is_word)


def folded(text: str) -> str:
    """As `plain`, Polish and Arabic letters evened out, and "merciiii" as "merci"."""
    runs = [(char, len(list(run))) for char, run in groupby(plain(text).translate(LETTERS))]
    return "".join(char * (1 if count > 2 and char.isalpha() else count) for char, count in runs)


def sentences_of(text: str) -> list[str]:
    return [said for line in text.translate(ENDS).split("\n") if (said := folded(line))]


def rules_of(lines: Iterable[str]) -> tuple[Rule, ...]:
    rules = []
    for line in lines:
        wanted, *unwanted = line.split(" - ")
        rules.append(Rule(tuple(wanted.split(" + ")), tuple(unwanted)))
    return tuple(rules)


class Lexicon:
    """The named patterns of one language. `concepts` are what `$` names; the words of `close` ones stand closer."""

    def __init__(
        self, language: str, named: Mapping[str, Lines], concepts: Mapping[str, Lines], close: Collection[str] = ()
    ) -> None:
        self.is_spaced = language not in UNSPACED
        self._keeps_words = language == "ar"
        self._language, self._concepts, self._close = language, concepts, frozenset(close)
        self.patterns = {name: self._merged(_of(lines, language)) for name, lines in named.items()}

    def heard_in(self, said: str) -> dict[str, Hit]:
        """What is said in one folded sentence, by name: the plainest place of each."""
        found: dict[str, Hit] = {}
        heard = [self._heard(word) for word in said.split()] if self.is_spaced else []
        said_words = frozenset(listed for each in heard for listed in each)
        joined = f"_{said.replace(' ', '_')}_" if self._keeps_words else said.replace(" ", "")
        for name, patterns in self.patterns.items():
            between = FEW_BETWEEN if name in self._close else MOST_BETWEEN
            for pattern in patterns:
                if self.is_spaced and any(part.isdisjoint(said_words) for part in pattern):
                    continue
                hit = _walked(heard, pattern, between) if self.is_spaced else _stands_in(joined, pattern)
                if hit is not None and (name not in found or hit.doubt < found[name].doubt):
                    found[name] = hit
        return found

    def _merged(self, lines: Iterable[str]) -> tuple[Pattern, ...]:
        """Patterns of one place as one, so that a long list of words is one walk."""
        patterns = [self._pattern(line) for line in lines]
        single = frozenset().union(*(pattern[0] for pattern in patterns if len(pattern) == 1))
        return (((single,),) if single else ()) + tuple(pattern for pattern in patterns if len(pattern) > 1)

    def _pattern(self, line: str) -> Pattern:
        return tuple(frozenset(self._alternatives(part)) for part in line.split())

    def _alternatives(self, part: str) -> Iterator[str]:
        for each in part.split("|"):
            if each.startswith("$"):
                lines = _of(self._concepts[each[1:]], self._language)
                yield from (word for line in lines if " " not in line for word in self._alternatives(line))
            elif each == NUMBER:
                yield NUMBER
            else:
                yield _written(each)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(
            word for patterns in self.patterns.values() for pattern in patterns for part in pattern for word in part
        )

    @cached_property
    def _by_letter(self) -> dict[str, tuple[str, ...]]:
        by_letter: dict[str, list[str]] = {}
        for word in sorted(self.words):
            needed = ONE_SLIP_IN_BEGINNING if word.endswith("*") else ONE_SLIP
            if len(word.rstrip("*")) >= needed:
                by_letter.setdefault(word[0], []).append(word)
        return {letter: tuple(each) for letter, each in by_letter.items()}

    @cached_property
    def _heard(self) -> Any:
        return lru_cache(maxsize=4096)(self._compared)

    def _compared(self, word: str) -> dict[str, int]:
        """Every word of the lists that this may be, with the number of slips. A word that is in a list is itself."""
        heard = {word: 0} if word in self.words else {}
        heard |= {f"{word[:n]}*": 0 for n in range(2, min(len(word), 40) + 1) if f"{word[:n]}*" in self.words}
        if word.isdecimal() and len(word) <= SMALL_NUMBER:
            heard[NUMBER] = 0
        if heard or len(word) < ONE_SLIP - 1 or len(word) > 30:
            return heard
        for listed in self._by_letter.get(word[0], ()):
            bare = listed.rstrip("*")
            allowed = 2 if len(bare) >= TWO_SLIPS else 1
            compared = word[: len(bare)] if listed.endswith("*") and len(word) > len(bare) else word
            slips = _distance(compared, bare, allowed)
            if slips <= allowed:
                heard[listed] = slips
        return heard


def _of(lines: Lines, language: str) -> list[str]:
    return [*lines.get(language, ()), *lines.get(EVERY, ())]


def _written(word: str) -> str:
    """`_` at an end and `*` stay, the rest as `folded` has it."""
    kept = folded(word).replace(" ", "")
    return ("_" if word.startswith("_") else "") + kept + (word[-1] if word[-1] in "_*" else "")


def _stands_in(said: str, pattern: Pattern) -> Hit | None:
    at = 0
    for part in pattern:
        ends = [place + len(each) for each in part if (place := said.find(each, at)) >= 0]
        if not ends:
            return None
        at = min(ends)
    return Hit(0, is_word=False)


def _walked(heard: list[dict[str, int]], pattern: Pattern, between: int) -> Hit | None:
    """The place of the fewest slips of the pen; None: the pattern is not here. One walk a beginning."""
    best: Hit | None = None
    for start, word in enumerate(heard):
        here = _least(word, pattern[0])
        at = start
        for part in pattern[1:]:
            if here is None:
                break
            at, more = _next(heard, at + 1, part, between)
            here = None if more is None else here + more
        if here is not None and (best is None or here < best.slips):
            best = Hit(here, len(pattern) == 1, start)
    return best


def _next(heard: list[dict[str, int]], start: int, part: Part, between: int) -> tuple[int, int | None]:
    """The next place of this part, and its slips; None: it does not come."""
    for place in range(start, min(start + between + 1, len(heard))):
        slips = _least(heard[place], part)
        if slips is not None:
            return place, slips
    return start, None


def _least(word: dict[str, int], part: Part) -> int | None:
    return min((slips for listed, slips in word.items() if listed in part), default=None)


def _distance(one: str, other: str, most: int) -> int:
    """Letters missing, added, wrong, or changed about (optimal string alignment); more than `most`: `most` + 1."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
