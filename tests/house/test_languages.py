"""Every fixed text is there in every language: those that a shop can choose, and Danish."""

from pathlib import Path
from typing import Any

import pytest

from post_purchase.web.forms.settings import LANGUAGES
from shopapp.lib import data_file

ROOT = Path(__file__).resolve().parents[2] / "post_purchase"
WANTED = {tag.split("-")[0] for tag, _ in LANGUAGES} | {"da"}
TEXTS = [
    "services/data/phrases.yaml",
    "services/data/actions.yaml",
    "services/data/where.yaml",
    "services/data/photo_answers.yaml",
    "services/data/card_words.yaml",
    "touchpoints/data/public_texts.yaml",
    "touchpoints/data/chat_texts.yaml",
    "touchpoints/data/email_texts.yaml",
    "touchpoints/data/consent_questions.yaml",
    "channels/data/email_words.yaml",
]


def tables(value: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Each part that has one entry for each language."""
    if not isinstance(value, dict):
        return []
    if {"en", "de"} <= value.keys():
        return [(path, value)]
    return [found for name, part in value.items() for found in tables(part, f"{path}/{name}")]


@pytest.mark.parametrize("file", TEXTS)
def test_no_language_is_missing(file: str) -> None:
    found = tables(data_file.read(ROOT / file))
    assert found
    missing = {path: WANTED - {tag.split("-")[0] for tag in table} for path, table in found}
    assert {path: tags for path, tags in missing.items() if tags} == {}


@pytest.mark.parametrize("file", TEXTS)
def test_each_language_says_all_of_it(file: str) -> None:
    for path, table in tables(data_file.read(ROOT / file)):
        if not isinstance(table["en"], dict):
            continue
        for tag, words in table.items():
            assert words.keys() == table["en"].keys(), f"{path} {tag}"
            assert all(isinstance(text, str) and text.strip() for text in words.values()), f"{path} {tag}"
