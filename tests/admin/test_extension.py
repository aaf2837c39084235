"""The admin extensions by their own tools, and what they ask Shopify for."""

import json
import re
import tomllib
from pathlib import Path

from django.urls import resolve

FOLDER = Path(__file__).resolve().parents[2] / "extensions" / "admin"
TOML = tomllib.loads((FOLDER / "shopify.extension.toml").read_text("utf-8"))
LANGUAGES = {"ar", "da", "de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "sv", "tr"}


def test_each_target_has_its_module_and_they_ask_for_nothing_more():
    targets = {one["target"]: one["module"] for extension in TOML["extensions"] for one in extension["targeting"]}
    assert set(targets) == {
        "admin.order-details.block.render",
        "admin.customer-details.block.render",
        "admin.order-details.print-action.render",
        "admin.order-index.selection-print-action.render",
    }
    for module in targets.values():
        assert (FOLDER / module).is_file()
    for extension in TOML["extensions"]:
        assert extension["type"] == "ui_extension"
        assert "capabilities" not in extension
        assert re.fullmatch(r"[a-z0-9-]{1,50}", extension["handle"])


def test_names_are_there_in_every_language():
    files = sorted((FOLDER / "locales").glob("*.json"))
    assert {file.name.split(".")[0].split("-")[0] for file in files} == LANGUAGES
    keys = [text.removeprefix("t:") for one in TOML["extensions"] for text in (one["name"], one["description"])]
    for file in files:
        words = json.loads(file.read_text("utf-8"))
        assert all(words[key] for key in keys)


def test_every_address_that_they_ask_is_a_path_of_this_app():
    source = "".join(file.read_text("utf-8") for file in (FOLDER / "src").iterdir())
    asked = set(re.findall(r"'(/api/[\w/-]+)'", source))
    assert asked == {"/api/admin/order", "/api/admin/start", "/api/admin/customer", "/api/admin/print"}
    for path in asked | {"/api/admin/cards/x"}:
        assert resolve(path)


def test_the_lock_file_names_no_registry():
    lock = FOLDER / "package-lock.json"
    assert not lock.exists() or '"resolved": "' not in lock.read_text("utf-8")
