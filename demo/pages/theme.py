"""The shop's theme: draws the blocks of extensions/theme from their real Liquid, with what Shopify adds to it.

Filters of Shopify's own: t, time_tag, color_contrast, json. Source: shopify.dev, Liquid reference.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from babel.core import Locale
from babel.dates import format_date
from liquid import BoundTemplate, Environment, FileSystemLoader

FOLDER = Path(__file__).resolve().parent.parent.parent / "extensions" / "theme"
SCHEMA = re.compile(r"{%-?\s*schema\s*-?%}(.*?){%-?\s*endschema\s*-?%}", re.DOTALL)


@dataclass
class ThemePage:
    """What a page of the store knows when it draws a block."""

    language: str = "en"
    product: dict[str, Any] | None = None  # {id, title, url}
    reviews: dict[str, Any] | None = None  # value of the product's metafield $app.reviews
    storefront: dict[str, Any] | None = None  # value of the installation's metafield doorstep.storefront
    editor: bool = False  # in Shopify's theme editor
    settings: dict[str, Any] = field(default_factory=dict)  # what the merchant chose, over the block's defaults


def schema_of(block: str) -> dict[str, Any]:
    found = SCHEMA.search(_source(block))
    assert found, block
    read: dict[str, Any] = json.loads(found[1])
    return read


def draw_block(block: str, page: ThemePage) -> str:
    """The HTML of one block."""
    defaults = {each["id"]: each.get("default") for each in schema_of(block)["settings"] if "id" in each}
    product = dict(page.product or {})
    if product:
        product["metafields"] = {"$app": {"reviews": {"value": page.reviews}}}
    return _template(page.language, SCHEMA.sub("", _source(block))).render(
        block={"id": "demo-1", "settings": defaults | page.settings},
        product=product or None,
        app={"metafields": {"doorstep": {"storefront": {"value": page.storefront}}}},
        shop={"url": "https://fern-and-field.example.com"},
        request={
            "design_mode": page.editor,
            "page_type": "product" if product else "index",
            "locale": {"iso_code": page.language},
        },
    )


@cache
def _template(language: str, source: str) -> BoundTemplate:
    return _environment(language).from_string(source)


def stylesheet_of(block: str) -> str:
    return (FOLDER / "assets" / schema_of(block)["stylesheet"]).read_text("utf-8")


def languages() -> list[str]:
    names = {file.name.split(".")[0] for file in (FOLDER / "locales").glob("*.json") if "schema" not in file.name}
    return sorted(names)


def _source(block: str) -> str:
    return (FOLDER / "blocks" / f"{block}.liquid").read_text("utf-8")


@cache
def _texts(language: str) -> dict[str, Any]:
    for name in (language, language.split("-")[0], *(each for each in languages() if each.startswith(language[:2]))):
        for file in (FOLDER / "locales" / f"{name}.json", FOLDER / "locales" / f"{name}.default.json"):
            if file.exists():
                read: dict[str, Any] = json.loads(file.read_text("utf-8"))
                return read
    return _texts("en")


def _environment(language: str) -> Environment:
    environment = Environment(loader=FileSystemLoader(FOLDER / "snippets", ext=".liquid"))
    locale = Locale.parse(language.replace("-", "_"))

    def t(key: str, **values: Any) -> str:
        text: Any = _texts(language)
        for part in str(key).split("."):
            text = text[part]  # KeyError: Shopify would print "translation missing"
        if isinstance(text, dict):
            text = text[locale.plural_form(values["count"])]
        return re.sub(r"{{\s*(\w+)\s*}}", lambda found: str(values[found[1]]), text)

    def time_tag(value: Any, format: str = "default") -> str:
        day = date.fromisoformat(str(value)[:10])
        return f'<time datetime="{day.isoformat()}">{escape(format_date(day, "long", locale=locale))}</time>'

    environment.add_filter("t", t)
    environment.add_filter("time_tag", time_tag)
    environment.add_filter("color_contrast", lambda one, other: contrast(str(one), str(other)))
    environment.add_filter("json", lambda value: json.dumps(value, ensure_ascii=False).replace("<", "\\u003c"))
    return environment


def contrast(one: str, other: str) -> float:
    """WCAG's ratio of two colours, #rrggbb."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return round((lighter + 0.05) / (darker + 0.05), 1)


def _luminance(color: str) -> float:
    parts = [int(color.lstrip("#")[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
