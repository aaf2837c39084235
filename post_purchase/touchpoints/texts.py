"""What shoppers read before a chat begins: the draft that the chat app opens with, and the small pages."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from shopapp.lib import data_file

FALLBACK = "en"
RTL = frozenset({"ar", "he", "fa", "ur"})


@cache
def _texts() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = data_file.read(Path(__file__).parent / "data" / "public_texts.yaml")
    return loaded


@cache
def languages() -> tuple[str, ...]:
    return tuple(_texts())


def pick_language(*wanted: str) -> str:
    """The first of these BCP 47 tags that we have, by its primary part; else English."""
    for tag in wanted:
        primary = tag.replace("_", "-").split("-")[0].lower()
        if primary in _texts():
            return primary
    return FALLBACK


def texts_in(language: str) -> dict[str, str]:
    return _texts()[pick_language(language)]


def greeting(language: str, code: str) -> str:
    return texts_in(language)["greeting"].replace("{code}", code)


@cache
def _chat_texts() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = data_file.read(Path(__file__).parent / "data" / "chat_texts.yaml")
    return loaded


def chat_texts(language: str) -> dict[str, str]:
    """The web chat's own words."""
    return _chat_texts()[pick_language(language)]


def is_rtl(language: str) -> bool:
    return language in RTL


def accepted(header: str) -> list[str]:
    """The tags of an Accept-Language header, best first ("de-AT,de;q=0.9,en;q=0.8"). Odd input gives fewer tags."""
    found: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:200].split(",")):
        tag, _, rest = part.strip().partition(";")
        try:
            quality = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            continue
        if tag and tag != "*" and quality > 0:
            found.append((-quality, place, tag))
    return [tag for _, _, tag in sorted(found)]


def country_of(tags: Sequence[str]) -> str:
    """The region of the first tag that names one: "de-AT" gives AT."""
    for tag in tags:
        for part in tag.split("-")[1:]:
            if len(part) == 2 and part.isalpha():
                return part.upper()
    return ""


@cache
def _questions() -> dict[str, Any]:
    loaded: dict[str, Any] = data_file.read(Path(__file__).parent / "data" / "consent_questions.yaml")
    return loaded


def consent_version() -> str:
    """Of all the questions together: another word in any language is another version."""
    return str(_questions()["version"])


def consent_question(kind: str, language: str) -> tuple[str, str]:
    """(language, the exact question) for news of an order by this network. Raises KeyError where none is asked."""
    tag = pick_language(language)
    return tag, str(_questions()[kind][tag])
