"""understand(text, language, context): what a shopper asks, by word lists. Pure; a learned model can take its place.

data/intents.yaml holds what is said for each intent, data/concepts.yaml what things are called, and which of them
together ask what. Work is bounded: MAX_CHARACTERS are read, each word is compared with the words of its first letter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from .phrases import load
from .stops import Stop, heard_stop, is_cancel_word
from .word_patterns import Hit, Lexicon, Rule, rules_of, sentences_of

MAX_CHARACTERS = 1000
SURE_ENOUGH = 0.6  # below it nobody is answered by a machine
LONG = 20  # words of a message
SHORT_ENOUGH, SHORT_FOREIGN = 12, 8  # words of a sentence in which one word is a question
PHRASE, WORD, WORD_AMONG_MANY, STOP = 0.9, 0.75, 0.55, 1.0
SLIP_COSTS, WORD_SLIP_COSTS, FOREIGN_COSTS, LONG_COSTS = 0.1, 0.2, 0.1, 0.03
MARKED_NUMBER, BARE_NUMBER = range(3, 11), range(4, 8)  # digits of an order's number: "#1001", "1001"
OTHER = "other"
ASK, BUT = "ask:", "but:"
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "tr", "ar", "ja")


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
    may_cancel: bool = False  # "cancel" alone is about an order; else, and on SMS, it is a stop word of the carriers


@dataclass(frozen=True)
class _Known:
    lexicon: Lexicon  # "ask:where", "but:where", and concepts by their names
    rules: tuple[tuple[str, Rule], ...]


def understand(text: str, language: str, context: Context | None = None) -> Understanding:
    text = text[:MAX_CHARACTERS]
    context = context or Context()
    slots, rest = _slots(text, context)
    if context.may_cancel and is_cancel_word(text):
        return Understanding((Intent("cancel", PHRASE),), slots)
    if heard_stop(text) == Stop.SURE:
        return Understanding((Intent("stop", STOP),), slots)
    own = language.split("-")[0].split("_")[0].lower()
    sentences = sentences_of(rest)
    found, refused = _best(sentences, own) if own in LANGUAGES else ({}, False)
    if not found and not refused:
        tries = [_best(sentences, name, SHORT_FOREIGN)[0] for name in LANGUAGES if name != own]
        found = max(tries, key=lambda each: max(each.values(), default=0.0), default={})
        found = {name: sure - FOREIGN_COSTS for name, sure in found.items()}
    words = sum(len(said.split()) for said in sentences)
    long_story = LONG_COSTS * max(0, words - LONG)  # it may mention an order and ask nothing of us
    found = {name: round(sure - long_story, 2) for name, sure in found.items()}
    if len(found) > 1:
        found.pop("thanks", None)  # politeness around a question
    intents = [Intent(name, sure) for name, sure in found.items() if sure >= SURE_ENOUGH]
    return Understanding(tuple(sorted(intents, key=lambda each: (-each.confidence, each.name))), slots)


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


def _best(sentences: list[str], language: str, short: int = SHORT_ENOUGH) -> tuple[dict[str, float], bool]:
    """The surest of each, and whether something was plainly not meant ("do not cancel")."""
    found: dict[str, float] = {}
    refused = False
    for said in sentences:
        asked, vetoed = _asked(said, language, short)
        refused = refused or vetoed
        for name, sure in asked.items():
            found[name] = max(sure, found.get(name, 0.0))
    return found, refused


def _asked(said: str, language: str, short: int) -> tuple[dict[str, float], bool]:
    known = _known(language)
    heard = known.lexicon.heard_in(said)
    word_alone = WORD if len(said.split()) <= short else WORD_AMONG_MANY
    vetoed = {name.removeprefix(BUT) for name in heard if name.startswith(BUT)}
    found: dict[str, float] = {}
    for name, hit in _hits(known, heard):
        sure = word_alone - WORD_SLIP_COSTS * hit.slips if hit.is_word else PHRASE - SLIP_COSTS * hit.slips
        found[name] = max(sure, found.get(name, 0.0))
    return {name: sure for name, sure in found.items() if name not in vetoed}, bool(found.keys() & vetoed)


def _hits(known: _Known, heard: Mapping[str, Hit]) -> list[tuple[str, Hit]]:
    """By the intent's own patterns, and by what concepts together ask."""
    own = [(name.removeprefix(ASK), hit) for name, hit in heard.items() if name.startswith(ASK)]
    return own + [(name, hit) for name, rule in known.rules if (hit := rule.hit(heard))]


@lru_cache(maxsize=len(LANGUAGES))
def _known(language: str) -> _Known:
    intents, told = load("intents"), load("concepts")
    named = {f"{ASK}{name}": lines for name, lines in intents.items() if name != "but"}
    refused = {f"{BUT}{name}": lines for name, lines in intents["but"].items()}
    rules = tuple((name, rule) for name, lines in told["asks"].items() for rule in rules_of(lines))
    return _Known(Lexicon(language, named | refused | told["concepts"], told["concepts"], close=refused), rules)
