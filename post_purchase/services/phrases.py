"""The fixed sentences of automatic answers, and the words that shoppers use, per language (services/data/*.yaml)."""

import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

from shopapp.lib import data_file

MOST_STOP_WORDS = 5  # "stop it now please, thanks"
DATA = Path(__file__).resolve().parent / "data"


@lru_cache(maxsize=16)
def load(name: str) -> Any:
    return data_file.read(DATA / f"{name}.yaml")


def phrase(name: str, language: str, **values: str) -> str:
    return sentence("phrases", name, language, **values)


def sentence(file: str, name: str, language: str, **values: str) -> str:
    """Of data/<file>.yaml, in this language, else in English: "pt-BR" reads "pt"."""
    sentences = load(file)[name]
    text: str = sentences.get(language.split("-")[0].split("_")[0].lower()) or sentences["en"]
    return text.format(**values)


def plain(text: str) -> str:
    """Case folded, without accents and punctuation, single spaces: what word lists are compared with."""
    folded = unicodedata.normalize("NFKD", text.casefold()).replace("ı", "i")  # Turkish: capital I is either
    kept = (char if char.isalnum() else " " for char in folded if not unicodedata.combining(char))
    return " ".join("".join(kept).split())


@lru_cache(maxsize=16)
def words_of(kind: str) -> frozenset[str]:
    """A list of services/data/words.yaml, all languages together, each as `plain` writes it."""
    return frozenset(plain(word) for words in load("words")[kind].values() for word in words)


def is_one_of(kind: str, text: str) -> bool:
    """The whole message is one of these words."""
    return plain(text) in words_of(kind)


def mentions(kind: str, text: str) -> bool:
    """A short message contains one of these phrases as whole words."""
    padded = plain(text)
    if len(padded) > 160:
        return False
    cjk = any("\u3040" <= char <= "\u9fff" for char in padded)
    return any((word in padded.replace(" ", "")) if cjk else (f" {word} " in f" {padded} ") for word in words_of(kind))


def wants_stop(text: str) -> bool:
    """Any reasonable wording (47 CFR 64.1200(a)(10)): a stop word alone or among polite ones, or a clear sentence.

    In a mail the first lines count: what follows is a signature.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    return any(_says_stop(each) for each in ([text, lines[0]] if lines else []))


def _says_stop(text: str) -> bool:
    said = plain(text)
    if said in words_of("stop"):
        return True
    words = said.split()
    if len(words) <= MOST_STOP_WORDS and not set(words) & words_of("not_stop"):
        rest = " ".join(word for word in words if word not in words_of("polite"))
        if rest in words_of("stop") - words_of("only_alone"):
            return True
    return mentions("stop_sentences", text) and not mentions("not_stop", text)
