"""The ready-made flows: library/<key>.yaml, words in library/texts/<key>/<language>.yaml. The folder is the list."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from shopapp.lib import data_file

from .definition import FlowDocument, load

LIBRARY = Path(__file__).resolve().parent / "library"
# What a shop begins with: nothing in here promotes. Each of them works alone, too.
FIRST = ("thank_you", "shipped", "out_for_delivery", "delivery_trouble", "delivered", "photo_review")
# As an order meets them; a file that is not named here stands at the end.
_IN_ORDER = (
    "thank_you",
    "sale_alerts",
    "address_check",
    "packed_late",
    "shipped",
    "out_for_delivery",
    "delivery_trouble",
    "delivered",
    "first_use",
    "check_in",
    "photo_review",
    "low_rating",
    "goes_with",
    "replenish",
    "referral",
    "win_back",
    "return_help",
    "csat",
)


@lru_cache(maxsize=1)
def _read() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(LIBRARY.glob("*.yaml"), key=_place):
        document = data_file.read(path)
        document["texts"] = {
            words.stem: data_file.read(words) for words in sorted((LIBRARY / "texts" / path.stem).glob("*.yaml"))
        }
        found[document["key"]] = load(document).to_json()
    return found


def _place(path: Path) -> tuple[int, str]:
    return (_IN_ORDER.index(path.stem) if path.stem in _IN_ORDER else len(_IN_ORDER), path.stem)


@lru_cache(maxsize=1)
def _written() -> str:
    return json.dumps(_read())


def library() -> dict[str, dict[str, Any]]:
    """{key: document as JSON}, the caller's own. Raises DocumentError where a file is wrong."""
    found: dict[str, dict[str, Any]] = json.loads(_written())
    return found


def ready_made(key: str) -> FlowDocument:
    return load(_read()[key])


def is_ready_made(document: Mapping[str, Any]) -> bool:
    """Unchanged since it was taken from the shelf, whose flows are checked before they are shipped."""
    return bool(_read().get(str(document.get("key"))) == document)
