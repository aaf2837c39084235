"""Which words of a text make it an offer, in twelve languages: data/offer_words.yaml, and what Meta calls promotional.

Pure.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from shopapp.lib import data_file

from .template_lint import RULES

WORDS = Path(__file__).resolve().parent / "data" / "offer_words.yaml"
Weight = Literal["push", "plain", "mild"]
WEIGHTS: tuple[Weight, ...] = ("push", "plain", "mild")
REWARD, VALUE = "\ue000", "\ue001"  # stand for a value that is filled in: of a reward or a product, any other
ABROAD = 6  # letters from which a word counts in every language
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_ARABIC = re.compile(r"[\u0600-\u06ff]")
_ARABIC_BEFORE, _ARABIC_AFTER = r"(?<!\w)(?:[وفبك]{0,2}(?:ال)?|لل)", r"(?:ات|نا|ك)?(?!\w)"
_MARKS = re.compile(r"[\u0300-\u036f\u064b-\u0652\u0640]")
_LOOKALIKES = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "’": "'", "‘": "'", "−": "-", "–": "-"})
_COUPON = re.compile(r"\b[A-Z]{3,15}\d{1,3}\b")


@dataclass(frozen=True)
class Term:
    words: str  # as the merchant wrote them
    weight: Weight
    is_value: bool = False  # "% off" behind a value that is filled in


@lru_cache(maxsize=20_000)
def terms(sentence: str, language: str) -> tuple[Term, ...]:
    """What in this sentence is an offer's. Values are REWARD or VALUE; `language`: its tag, as far as known."""
    raw = _plain(sentence)
    folded = fold(raw)
    found = [*_percents(folded), *_coupons(raw, folded), *_patterns(folded)]
    for weight in WEIGHTS:
        finder = _finder(language.split("-")[0].lower(), weight)
        found += [Term(_written(raw, hit.group().strip()), weight) for hit in finder.finditer(folded)]
    return tuple(dict.fromkeys(found))


def fold(text: str) -> str:
    """Small letters without accents: what is typed in a hurry, or in capitals, is found too."""
    apart = unicodedata.normalize("NFKD", text.translate(_LOOKALIKES).casefold())
    return unicodedata.normalize("NFC", _MARKS.sub("", apart)).translate(_LOOKALIKES)


def _plain(text: str) -> str:
    """Without what nobody sees: soft hyphens, joiners, marks of direction."""
    shown = unicodedata.normalize("NFKC", text)
    return " ".join("".join(char for char in shown if unicodedata.category(char) != "Cf").split())


def _written(raw: str, folded: str) -> str:
    """The words as they stand in the text; folding may have made them a letter longer or shorter."""
    sizes = sorted(range(max(1, len(folded) - 2), len(folded) + 3), key=lambda size: abs(size - len(folded)))
    parts = (raw[at : at + size] for size in sizes for at in range(len(raw)))
    return next((part for part in parts if fold(part) == folded), folded)


def _percents(folded: str) -> Iterable[Term]:
    for hit in _percent().finditer(folded):
        number = hit["before"] or hit["after"] or ""
        if number in (REWARD, VALUE):
            yield Term("%", "plain" if number == REWARD else "push", is_value=True)
        elif float(number.replace(",", ".")) not in (0, 100):
            yield Term(hit.group().strip(), "push")


def _coupons(raw: str, folded: str) -> Iterable[Term]:
    code_near = _code_words().search(folded) is not None
    for hit in _COUPON.finditer(raw):
        if code_near or hit.group().startswith(tuple(_data()["code_stems"])):
            yield Term(hit.group(), "push")


def _patterns(folded: str) -> Iterable[Term]:
    for pattern in _price_cuts():
        yield from (Term(hit.group().strip(), "push") for hit in pattern.finditer(folded))


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    found: dict[str, Any] = data_file.read(WORDS)
    return found


@lru_cache(maxsize=1)
def _listed() -> Mapping[Weight, Mapping[str, tuple[str, ...]]]:
    """{weight: {language: words}}; a word stands in the first of the lists that has it, the mild ones out of Meta's."""
    data, meta = _data(), data_file.read(RULES)["promotional"]
    found: dict[Weight, dict[str, tuple[str, ...]]] = {weight: {} for weight in WEIGHTS}
    for language in dict.fromkeys((*meta, *data["push"])):
        mild = set(data["mild"].get(language, ()))
        push = dict.fromkeys(data["push"].get(language, ()))
        plain = dict.fromkeys((*data["plain"].get(language, ()), *meta.get(language, ())))
        found["push"][language] = tuple(push)
        found["plain"][language] = tuple(word for word in plain if word not in push and word not in mild)
        found["mild"][language] = tuple(mild)
    return found


@lru_cache(maxsize=128)
def _finder(language: str, weight: Weight) -> re.Pattern[str]:
    """The language's own words and English ones; the long ones of all others, unless they are only mild."""
    listed = _listed()[weight]
    words = dict.fromkeys((*listed.get(language, ()), *listed["en"]))
    if weight != "mild":
        abroad = (word for other in listed for word in listed[other] if _is_telling(word))
        words |= dict.fromkeys(abroad)
    return re.compile("|".join(map(_expression, sorted(words, key=len, reverse=True))))


def _is_telling(word: str) -> bool:
    return len(word.rstrip("*")) >= ABROAD or bool(_UNSPACED.search(word))


def _expression(word: str) -> str:
    sought = fold(word.removesuffix("*"))
    if _UNSPACED.search(sought):
        return re.escape(sought)
    if _ARABIC.search(sought):
        return _ARABIC_BEFORE + re.escape(sought) + _ARABIC_AFTER
    before = r"(?<!\w)" if sought[0].isalnum() else ""
    return before + re.escape(sought) + (r"\w*" if word.endswith("*") else r"(?!\w)")


@lru_cache(maxsize=1)
def _percent() -> re.Pattern[str]:
    number, signs = rf"\d{{1,3}}(?:[.,]\d+)?|[{REWARD}{VALUE}]", "|".join(map(re.escape, _data()["percent"]))
    return re.compile(rf"(?<![\d.,])(?P<before>{number})\s?(?:{signs})|(?:%|٪|yuzde )\s?(?P<after>{number})")


@lru_cache(maxsize=1)
def _code_words() -> re.Pattern[str]:
    return re.compile("|".join(map(_expression, _data()["code_words"])))


@lru_cache(maxsize=1)
def _price_cuts() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(one) for one in _data()["patterns"])
