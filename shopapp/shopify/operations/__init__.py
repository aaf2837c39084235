"""The Admin GraphQL operations by name, one `<Name>.graphql` file each. Nothing else can be sent.

What several ask for stands once in `fragments/`; an operation gets those that it spreads (`...OrderHead`).
"""

import re
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SPREAD = re.compile(r"\.\.\.([A-Z][A-Za-z0-9]{2,60})\b", re.ASCII)
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
    return _with_fragments(text)


def _with_fragments(text: str) -> str:
    asked = dict.fromkeys(SPREAD.findall(text))
    return "\n".join([text, *((FOLDER / "fragments" / f"{each}.graphql").read_text("utf-8") for each in asked)])


def names() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*.graphql"))
