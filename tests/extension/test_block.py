"""The blocks themselves: what they ask for, their words, and the size that is built."""

import gzip
import json
import re
import tomllib
from pathlib import Path

import pytest

from post_purchase.touchpoints.texts import languages

ROOT = Path(__file__).resolve().parent.parent.parent
EXTENSIONS = ROOT / "extensions"
SOURCES = sorted((EXTENSIONS / "shared" / "locales").glob("*.json"))
TARGETS = {
    "thank-you": "purchase.thank-you.block.render",
    "order-status": "customer-account.order-status.block.render",
    "announcement": "purchase.thank-you.announcement.render",
}
SURFACE = {"thank-you": "checkout", "order-status": "customer-account", "announcement": "checkout"}
ALL = list(TARGETS)


def toml_of(name: str) -> dict:
    return tomllib.loads((EXTENSIONS / name / "shopify.extension.toml").read_text(encoding="utf-8"))


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ALL)
def test_it_asks_for_the_network_and_for_nothing_else(name):
    block = toml_of(name)["extensions"][0]
    module = next((EXTENSIONS / name / "src").glob("*.jsx"))
    assert block["targeting"] == [{"module": f"./src/{module.name}", "target": TARGETS[name]}]
    assert block["capabilities"] == {"api_access": False, "network_access": True}
    assert block["metafields"] == [{"namespace": "$app", "key": "checkout"}]
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,50}", block["handle"])
    assert {field["key"] for field in block["settings"]["fields"]} <= {"app_url", "heading", "text", "show_qr"}


@pytest.mark.parametrize("name", ALL)
def test_every_language_has_every_word_that_it_shows(name):
    folder = EXTENSIONS / name
    used = "".join(file.read_text(encoding="utf-8") for file in (EXTENSIONS / "shared" / "src").glob("*.js*"))
    used += "".join(file.read_text(encoding="utf-8") for file in (folder / "src").glob("*.jsx"))
    shown = set(re.findall(r"translate\('(\w+)'", used)) | {"consent_saved", "consent_undone", "consent_failed"}
    locales = sorted((folder / "locales").glob("*.json"))
    assert {path.stem.split(".")[0].split("-")[0] for path in locales} == set(languages())
    for path in locales:
        assert shown <= set(read(path))
        assert "{{channel}}" in read(path)["chat_on"]
        assert "{{day}}" in read(path)["expected"]


@pytest.mark.parametrize("name", ALL)
def test_its_words_are_those_of_the_shared_list(name):
    for source in SOURCES:
        words = read(source)
        own = words.pop("names")[name]
        file = "en.default.json" if source.stem == "en" else source.name
        assert read(EXTENSIONS / name / "locales" / file) == own | words, "run: node shared/locales.mjs"


def test_every_language_says_the_same_things():
    default = read(EXTENSIONS / "shared" / "locales" / "en.json")
    for source in SOURCES:
        words = read(source)
        assert set(words) == set(default)
        assert all(words[key] for key in words)
        for key, text in default.items():
            if key != "names":
                assert set(re.findall(r"\{\{\w+\}\}", words[key])) == set(re.findall(r"\{\{\w+\}\}", text)), source


@pytest.mark.parametrize("name", ALL)
def test_only_the_name_and_the_description_are_translated(name):
    """Shopify documents keys for these two alone: a key as a setting's label would be shown to the merchant."""
    toml = (EXTENSIONS / name / "shopify.extension.toml").read_text(encoding="utf-8")
    assert re.findall(r'"t:([\w.]+)"', toml) == ["name", "description"]


@pytest.mark.parametrize("name", ALL)
def test_the_committed_build_is_small(name):
    built = (EXTENSIONS / name / "dist" / f"{name}.js").read_bytes()
    assert len(gzip.compress(built, 9)) <= 16 * 1024


def test_the_lock_file_names_no_registry():
    assert '"resolved": "' not in (EXTENSIONS / "package-lock.json").read_text(encoding="utf-8")
