"""The fixed sentences of automatic answers, and the words that shoppers use, per language (services/data/*.yaml)."""

import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

from shopapp.lib import data_file

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
