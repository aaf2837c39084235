"""The ready-made flows: library/<key>.yaml, words in library/texts/<key>/<language>.yaml. The folder is the list."""

from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from .definition import FlowDocument, load

LIBRARY = Path(__file__).resolve().parent / "library"


@lru_cache(maxsize=1)
def _read() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(LIBRARY.glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        document["texts"] = {
            words.stem: yaml.safe_load(words.read_text(encoding="utf-8"))
            for words in sorted((LIBRARY / "texts" / path.stem).glob("*.yaml"))
        }
        found[document["key"]] = load(document).to_json()
    return found


def library() -> dict[str, dict[str, Any]]:
    """{key: document as JSON}. Raises DocumentError where a file is wrong."""
    return deepcopy(_read())


def ready_made(key: str) -> FlowDocument:
    return load(_read()[key])
