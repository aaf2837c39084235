"""Holds rendered HTML against Shopify's own list of page components: custom-elements.json of @shopify/polaris-types."""

import json
import re
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LIST = ROOT / "node_modules" / "@shopify" / "polaris-types" / "dist" / "custom-elements.json"
EVERYWHERE = {"id", "class", "slot", "style", "hidden", "lang", "dir", "title", "role", "tabindex", "name", "autofocus"}
APP_BRIDGE = {"s-app-nav": set(), "s-link": {"rel"}}  # elements and attributes that App Bridge adds


@lru_cache(maxsize=1)
def elements() -> dict[str, dict[str, str]]:
    """{element: {attribute: type}}"""
    found = {}
    for module in json.loads(LIST.read_text())["modules"]:
        for declaration in module.get("declarations", []):
            if tag := declaration.get("tagName"):
                attributes = declaration.get("attributes", [])
                found[tag] = {one["name"].lower(): (one.get("type") or {}).get("text", "") for one in attributes}
    return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not tag.startswith("s-"):
            return
        if tag not in elements() and tag not in APP_BRIDGE:
            self.problems.append(f"line {self.getpos()[0]}: there is no <{tag}>")
            return
        for name, value in attrs:
            self.attribute(tag, name, value)

    def attribute(self, tag: str, name: str, value: str | None) -> None:
        if name in EVERYWHERE or name in APP_BRIDGE.get(tag, ()) or name.startswith(("data-", "aria-")):
            return
        kind = elements().get(tag, {}).get(name)
        if kind is None:
            self.problems.append(f"line {self.getpos()[0]}: <{tag}> has no {name}")
            return
        words = re.findall(r'"([^"]*)"', kind)
        free = "string" in re.sub(r'"[^"]*"', "", kind)
        checked = words and value is not None and not free and "Keyword" not in kind and "Shorthand" not in kind
        if checked and value not in words:
            self.problems.append(f'line {self.getpos()[0]}: <{tag} {name}="{value}"> is none of {words[:8]}')


def problems(html: str) -> list[str]:
    reader = _Reader()
    reader.feed(html)
    return reader.problems
