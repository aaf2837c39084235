"""Who wants no more messages: stop words, and how each language says it (data/words.yaml, data/stops.yaml). Pure.

A stop heard wrongly costs a shopper the news of their order, a stop missed breaks the law: where it is unclear, ask.
"""

from enum import StrEnum
from functools import lru_cache

from .phrases import load, plain, words_of
from .word_patterns import EVERY, Hit, Lexicon, Rule, rules_of, sentences_of

MOST_STOP_WORDS = 5  # "stop it now please, thanks"
LONGEST = 160  # characters that are read as sentences; a longer text has signatures and stories
SHORT = 7  # words of a sentence that may be a stop without saying of what
MOST_SLIPS = 1
LONG_WORD = 8  # letters of a stop word that is still known with one of them wrong
CLAUSES = str.maketrans(dict.fromkeys(",-–—、،/", "\n"))
CLOSE = ("no_more",)  # its words belong together: "chega de", never "chega" and far away "de"
PARTS = ("sure", "unclear", "never")  # of stops.yaml; the rest are its concepts


class Stop(StrEnum):
    """The surer the later."""

    NO = "no"
    UNCLEAR = "unclear"  # "don't send any more": of what?
    MIXED = "mixed"  # with words that may be about an order
    SURE = "sure"


def wants_stop(text: str) -> bool:
    return heard_stop(text) == Stop.SURE


def heard_stop(text: str) -> Stop:
    """In a mail the first lines count: what follows is a signature."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return Stop.NO
    if any(_is_stop_word(each) for each in (text, lines[0])):
        return Stop.SURE
    read = text if len(text) <= LONGEST else lines[0]
    return _in_sentences(read) if len(read) <= LONGEST else Stop.NO


def is_cancel_word(text: str) -> bool:
    """ "cancel", which the carriers take for a stop, and who waits for an order means their order."""
    words = [word for word in plain(text).split() if word not in words_of("polite")]
    return " ".join(words) in words_of("stop_or_cancel")


def _is_stop_word(text: str) -> bool:
    """A stop word alone, or among polite ones; "s t o p", "stpo", "unsubscribbe" are some too."""
    said = plain(text[: 2 * LONGEST])
    if said in words_of("stop") or _is_stop_clause(said):
        return True
    words = said.split()
    if len(words) > MOST_STOP_WORDS or set(words) & words_of("not_stop"):
        return False
    return _is_stop_clause(" ".join(word for word in words if word not in words_of("polite")))


def _is_stop_clause(said: str) -> bool:
    clear = words_of("stop") - words_of("only_alone")
    return said in clear or said.replace(" ", "") in clear or _written_wrongly(said) in clear


@lru_cache(maxsize=1024)
def _written_wrongly(said: str) -> str:
    """The stop word with the same first letter of which two letters changed places, or one came twice."""
    for word in sorted(words_of("stop") - words_of("only_alone")):
        swapped = {f"{word[:n]}{word[n + 1]}{word[n]}{word[n + 2 :]}" for n in range(1, len(word) - 1)}
        doubled = {f"{word[:n]}{word[n]}{word[n:]}" for n in range(len(word))}
        shorter = {f"{word[:n]}{word[n + 1 :]}" for n in range(1, len(word))} if len(word) >= LONG_WORD else set()
        if len(word) > 3 and said in swapped | doubled | shorter:
            return word
    return ""


def _in_sentences(text: str) -> Stop:
    sentences = sentences_of(text)
    heard = [[lexicon.heard_in(said) for said in sentences] for lexicon in _lexicons()]
    refused = [any(_says("never", each[place]) for each in heard) for place in range(len(sentences))]
    asked = [place for place, said in enumerate(sentences) if not refused[place] and not _denies(said)]
    found = max((_in_language(sentences, each, asked) for each in heard), key=list(Stop).index, default=Stop.NO)
    if found != Stop.SURE and asked and any(_is_stop_clause(each) for each in sentences_of(text.translate(CLAUSES))):
        return Stop.MIXED if any("else" in here for each in heard for here in each) else Stop.SURE
    return found


def _in_language(sentences: list[str], heard: list[dict[str, Hit]], asked: list[int]) -> Stop:
    is_about_else = any("else" in here for here in heard)
    if any(_says("sure", heard[place]) for place in asked):
        return Stop.MIXED if is_about_else else Stop.SURE
    short = [place for place in asked if len(sentences[place].split()) <= SHORT]
    is_unclear = not is_about_else and any(_says("unclear", heard[place]) for place in short)
    return Stop.UNCLEAR if is_unclear else Stop.NO


def _denies(said: str) -> bool:
    return any(f" {words} " in f" {said} " for words in words_of("not_stop"))


def _says(kind: str, heard: dict[str, Hit]) -> bool:
    hits = (rule.hit(heard) for rule in _rules(kind))
    return any(hit is not None and hit.slips <= (0 if hit.is_word else MOST_SLIPS) for hit in hits)


@lru_cache(maxsize=4)
def _rules(kind: str) -> tuple[Rule, ...]:
    return rules_of(load("stops")[kind])


@lru_cache(maxsize=1)
def _lexicons() -> tuple[Lexicon, ...]:
    concepts = {name: lines for name, lines in load("stops").items() if name not in PARTS}
    languages = dict.fromkeys(language for lines in concepts.values() for language in lines if language != EVERY)
    return tuple(Lexicon(language, concepts, concepts, close=CLOSE) for language in languages)
