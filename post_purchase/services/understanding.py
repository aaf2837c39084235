"""understand(text, language, context): what a shopper asks, by word lists. Pure; a learned model can take its place.

Work is bounded: MAX_CHARACTERS are read, each word is compared with the words of its first letter, each pattern walks
the words once. No regular expression runs over what a shopper wrote.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from .phrases import load, plain, wants_stop

MAX_CHARACTERS = 1000
SURE_ENOUGH = 0.6  # below it nobody is answered by a machine
MOST_BETWEEN = 3
ONE_SLIP, TWO_SLIPS = 5, 9  # letters that a word needs before so many may be wrong
LONG = 20  # words of a message
SHORT_ENOUGH = 8  # words of a sentence in which one word is a question
PHRASE, WORD, WORD_AMONG_MANY, STOP = 0.9, 0.75, 0.55, 1.0
SLIP_COSTS, FOREIGN_COSTS, LONG_COSTS = 0.1, 0.1, 0.03
MARKED_NUMBER, BARE_NUMBER = range(3, 11), range(4, 8)  # digits of an order's number: "#1001", "1001"
OTHER = "other"
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "tr", "ar", "ja")
UNSPACED = ("ar", "ja")  # Arabic has its articles and endings in the word, Japanese no spaces at all
ENDS = str.maketrans(dict.fromkeys(".!?;\n\r。！？؟؛…", "\n"))
LETTERS = str.maketrans({"ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "ى": "ي", "ة": "ه"})


@dataclass(frozen=True)
class Intent:
    name: str
    confidence: float


@dataclass(frozen=True)
class Understanding:
    """`intents`: the surest first, none below SURE_ENOUGH; empty says "something else"."""

    intents: tuple[Intent, ...] = ()
    slots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # order_numbers, emails

    @property
    def intent(self) -> str:
        return self.intents[0].name if self.intents else OTHER

    @property
    def confidence(self) -> float:
        return self.intents[0].confidence if self.intents else 0.0

    @property
    def names(self) -> frozenset[str]:
        return frozenset(each.name for each in self.intents)


@dataclass(frozen=True)
class Context:
    order_names: tuple[str, ...] = ()  # "#1001", "DS-1001": told apart from other numbers


Part = tuple[str, ...]  # the alternatives of one place of a pattern
Pattern = tuple[Part, ...]


@dataclass(frozen=True)
class _Lexicon:
    asks: tuple[tuple[str, Pattern], ...]
    but: tuple[tuple[str, Pattern], ...]
    words: frozenset[str]
    by_letter: Mapping[str, tuple[str, ...]]


def understand(text: str, language: str, context: Context | None = None) -> Understanding:
    text = text[:MAX_CHARACTERS]
    slots, rest = _slots(text, context or Context())
    if wants_stop(text):
        return Understanding((Intent("stop", STOP),), slots)
    own = language.split("-")[0].split("_")[0].lower()
    sentences = [said for line in rest.translate(ENDS).split("\n") if (said := folded(line))]
    found, refused = _best(sentences, own) if own in LANGUAGES else ({}, False)
    if not found and not refused:
        tries = [_best(sentences, name)[0] for name in LANGUAGES if name != own]
        found = max(tries, key=lambda each: max(each.values(), default=0.0), default={})
        found = {name: sure - FOREIGN_COSTS for name, sure in found.items()}
    words = sum(len(said.split()) for said in sentences)
    long_story = LONG_COSTS * max(0, words - LONG)  # it may mention an order and ask nothing of us
    found = {name: round(sure - long_story, 2) for name, sure in found.items()}
    if len(found) > 1:
        found.pop("thanks", None)  # politeness around a question
    intents = [Intent(name, sure) for name, sure in found.items() if sure >= SURE_ENOUGH]
    return Understanding(tuple(sorted(intents, key=lambda each: (-each.confidence, each.name))), slots)


def folded(text: str) -> str:
    return plain(text).translate(LETTERS)


def _slots(text: str, context: Context) -> tuple[dict[str, tuple[str, ...]], str]:
    """Order numbers and addresses picked out, and the text without them."""
    numbers: list[str] = []
    emails: list[str] = []
    kept: list[str] = []
    known = {name.lstrip("#").casefold(): name for name in context.order_names}
    for line in text.split("\n"):
        for word in line.split():
            bare = word.strip(".,;:!?()[]<>\"'。、？！؟")
            local, at, domain = bare.partition("@")
            number = bare.lstrip("#＃").casefold()
            if at and local and "." in domain.strip("."):
                emails.append(bare.casefold())
            elif "://" in bare or bare.startswith("www."):
                continue
            elif number in known:
                numbers.append(known[number])
            elif number.isdecimal() and len(number) in (MARKED_NUMBER if bare[:1] in "#＃" else BARE_NUMBER):
                numbers.append(number)
            else:
                kept.append(word)
                continue
            kept.append(word[len(bare) :] if word.startswith(bare) else "")  # its full stop still ends the sentence
        kept.append("\n")
    slots = {"order_numbers": tuple(dict.fromkeys(numbers)), "emails": tuple(dict.fromkeys(emails))}
    return slots, " ".join(kept)


def _best(sentences: list[str], language: str) -> tuple[dict[str, float], bool]:
    """The surest of each, and whether something was plainly not meant ("do not cancel")."""
    found: dict[str, float] = {}
    refused = False
    for said in sentences:
        asked, vetoed = _asked(said, language)
        refused = refused or vetoed
        for name, sure in asked.items():
            found[name] = max(sure, found.get(name, 0.0))
    return found, refused


def _asked(said: str, language: str) -> tuple[dict[str, float], bool]:
    lexicon = _lexicon(language)
    found: dict[str, float] = {}
    if language in UNSPACED:
        joined = said.replace(" ", "")
        vetoed = {name for name, pattern in lexicon.but if _stands_in(joined, pattern)}
        found = {name: PHRASE for name, pattern in lexicon.asks if _stands_in(joined, pattern)}
    else:
        heard = [_heard(word, language) for word in said.split()]
        vetoed = {name for name, pattern in lexicon.but if _slips(heard, pattern) is not None}
        word_alone = WORD if len(heard) <= SHORT_ENOUGH else WORD_AMONG_MANY
        for name, pattern in lexicon.asks:
            slips = _slips(heard, pattern)
            if slips is not None:
                sure = (PHRASE if len(pattern) > 1 else word_alone) - SLIP_COSTS * slips
                found[name] = max(sure, found.get(name, 0.0))
    return {name: sure for name, sure in found.items() if name not in vetoed}, bool(found.keys() & vetoed)


def _stands_in(said: str, pattern: Pattern) -> bool:
    at = 0
    for part, *_ in pattern:
        found = said.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _slips(heard: list[dict[str, int]], pattern: Pattern) -> int | None:
    """How many slips of the pen the pattern needs to be here; None: it is not. One walk a beginning."""
    best: int | None = None
    for start, word in enumerate(heard):
        here = _least(word, pattern[0])
        at = start
        for part in pattern[1:]:
            if here is None:
                break
            at, more = _next(heard, at + 1, part)
            here = None if more is None else here + more
        if here is not None:
            best = here if best is None else min(best, here)
    return best


def _next(heard: list[dict[str, int]], start: int, part: Part) -> tuple[int, int | None]:
    """The next place of this part, and its slips; None: it does not come."""
    for place in range(start, min(start + MOST_BETWEEN + 1, len(heard))):
        slips = _least(heard[place], part)
        if slips is not None:
            return place, slips
    return start, None


def _least(word: dict[str, int], part: Part) -> int | None:
    return min((word[each] for each in part if each in word), default=None)


@lru_cache(maxsize=4096)
def _heard(word: str, language: str) -> dict[str, int]:
    """Every word of the lists that this may be, with the number of slips. A word that is in a list is itself."""
    lexicon = _lexicon(language)
    heard = {word: 0} if word in lexicon.words else {}
    heard |= {f"{word[:n]}*": 0 for n in range(2, min(len(word), 40) + 1) if f"{word[:n]}*" in lexicon.words}
    if heard or len(word) < ONE_SLIP - 1 or len(word) > 30:
        return heard
    for listed in lexicon.by_letter.get(word[0], ()):
        bare = listed.rstrip("*")
        allowed = 2 if len(bare) >= TWO_SLIPS else 1
        compared = word[: len(bare)] if listed.endswith("*") and len(word) > len(bare) else word
        slips = _distance(compared, bare, allowed)
        if slips <= allowed:
            heard[listed] = slips
    return heard


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


@lru_cache(maxsize=len(LANGUAGES))
def _lexicon(language: str) -> _Lexicon:
    lists = load("intents")
    asks = tuple((n, p) for n, each in lists.items() if n != "but" for p in _patterns(each.get(language, ())))
    but = tuple((n, p) for n, each in lists["but"].items() for p in _patterns(each.get(language, ())))
    words = frozenset(word for _, pattern in asks + but for part in pattern for word in part)
    by_letter: dict[str, list[str]] = {}
    for word in sorted(words):
        if len(word.rstrip("*")) >= ONE_SLIP:
            by_letter.setdefault(word[0], []).append(word)
    return _Lexicon(asks, but, words, {letter: tuple(each) for letter, each in by_letter.items()})


def _patterns(lines: list[str]) -> Iterator[Pattern]:
    for line in lines:
        yield tuple(
            tuple(folded(each).replace(" ", "") + ("*" if each.endswith("*") else "") for each in part.split("|"))
            for part in line.split()
        )
