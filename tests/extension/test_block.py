"""What the block asks of the merchant and of Shopify. Its types, tests and size are checked by `npm run` (bin/test)."""

import json
import re
import tomllib
from pathlib import Path

from post_purchase.touchpoints.texts import languages

FOLDER = Path(__file__).resolve().parent.parent.parent / "extensions" / "thank-you"
LOCALES = sorted((FOLDER / "locales").glob("*.json"))


def words(path: Path, prefix: str = "") -> dict[str, str]:
    return json.loads(path.read_text(encoding="utf-8"))


def test_it_asks_for_the_network_and_for_nothing_else():
    toml = tomllib.loads((FOLDER / "shopify.extension.toml").read_text(encoding="utf-8"))
    block = toml["extensions"][0]
    assert block["targeting"] == [{"module": "./src/ThankYou.jsx", "target": "purchase.thank-you.block.render"}]
    assert block["capabilities"] == {"api_access": False, "network_access": True}
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,50}", block["handle"])
    keys = [field["key"] for field in block["settings"]["fields"]]
    assert keys == ["app_url", "heading", "text", "show_qr"]


def test_every_language_has_every_word_that_the_block_shows():
    default = words(FOLDER / "locales" / "en.default.json")
    shown = set(default)
    source = (FOLDER / "src" / "ThankYou.jsx").read_text(encoding="utf-8")
    assert set(re.findall(r"translate\('(\w+)'", source)) <= shown
    assert {path.stem.split(".")[0].split("-")[0] for path in LOCALES} == set(languages())
    for path in LOCALES:
        assert set(words(path)) == shown
        assert "{{channel}}" in words(path)["chat_on"]


def test_only_the_name_and_the_description_are_translated():
    """Shopify documents keys for these two alone: a key as a setting's label would be shown to the merchant."""
    toml = (FOLDER / "shopify.extension.toml").read_text(encoding="utf-8")
    keys = re.findall(r'"t:([\w.]+)"', toml)
    assert keys == ["name", "description"]
    for path in LOCALES:
        assert all(words(path)[key] for key in keys)


def test_the_lock_file_names_no_registry():
    assert '"resolved": "' not in (FOLDER / "package-lock.json").read_text(encoding="utf-8")
