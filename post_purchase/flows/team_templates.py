"""Message templates that no flow sends: with them a person goes on with a talk whose window has closed."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from post_purchase.services.templates import TemplateSpec
from shopapp.lib import data_file

DATA = Path(__file__).resolve().parent / "data" / "team_templates.yaml"
CATEGORY = "UTILITY"


@lru_cache(maxsize=1)
def team_templates() -> dict[str, dict[str, Any]]:
    """{name: {"parameters": [{"name", "value", "sample"}], "bodies": {language: text}}}"""
    read: dict[str, dict[str, Any]] = data_file.read(DATA)
    return read


def team_specs(languages: list[str]) -> list[TemplateSpec]:
    """`languages` empty: all twelve."""
    return [
        TemplateSpec(
            name=name,
            language=language,
            category=CATEGORY,
            body=body,
            samples=[part["sample"] for part in each["parameters"]],
            names=[part["name"] for part in each["parameters"]],
        )
        for name, each in team_templates().items()
        for language, body in each["bodies"].items()
        if not languages or language in languages
    ]
