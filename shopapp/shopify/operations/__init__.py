"""The Admin GraphQL operations by name, one `<Name>.graphql` file each. Nothing else can be sent."""

import re
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
NAME = re.compile(r"[A-Z][A-Za-z0-9]{2,60}", re.ASCII)


class UnknownOperation(Exception):
    """There is no such file, or the operation inside has another name."""


@lru_cache(maxsize=256)
def load(name: str) -> str:
    """The text of `<name>.graphql`. Raises UnknownOperation."""
    file = FOLDER / f"{name}.graphql"
    if not NAME.fullmatch(name) or not file.is_file():
        raise UnknownOperation(name)
    text = file.read_text(encoding="utf-8")
    if not re.search(rf"^(query|mutation) {name}\b", text, re.MULTILINE):
        raise UnknownOperation(f"{name}.graphql holds another operation")
    return text


def names() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*.graphql"))
