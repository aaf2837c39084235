"""Text from outside that a database can keep. PostgreSQL stores no NUL, and nothing encodes half a surrogate pair:
either one in a name or a language tag would be an error 500 there, and none on SQLite.
"""

import re
from typing import Any

from pydantic import BaseModel, model_validator

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    return _UNSTORABLE.sub("", text)


def all_storable(value: Any) -> Any:
    """The same JSON-like value with each text in it made storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {all_storable(name): all_storable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(all_storable(item) for item in value)
    return value


class FromOutside(BaseModel):
    """Base of whatever is read from a request or a payload."""

    @model_validator(mode="before")
    @classmethod
    def _keep_only_what_can_be_kept(cls, values: Any) -> Any:
        return all_storable(values)
