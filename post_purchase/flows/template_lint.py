"""What Meta will refuse in a message template, or call marketing and charge for, said before it is handed in. Pure.

What makes a document unusable is in `definition.template_problems`; this is what a merchant should know besides.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from post_purchase.words import Purpose
from shopapp.lib import data_file

from .definition import Problem, template_problems

RULES = Path(__file__).resolve().parent / "data" / "template_rules.yaml"
_PLACE = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_NAME = re.compile(r"^[a-z0-9_]{1,512}$")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
WIDEST_TAP = 20  # characters of a WhatsApp reply button; what is longer is cut with an ellipsis


def lint(document: Mapping[str, Any], languages: Iterable[str] = ()) -> list[Problem]:
    """Of the raw document, in these languages (none named: in all that it has)."""
    texts, specs = document.get("texts") or {}, document.get("messages") or {}
    found: list[Problem] = []
    for message, spec in specs.items():
        found += _of_message(message, spec or {})
    for language in languages or texts:
        spoken = (texts.get(language) or {}).get("messages") or {}
        bodies: dict[str, str] = {}
        for message, wording in spoken.items():
            path = f"texts.{language}.messages.{message}"
            found += _taps(path, wording)
            template, body = (specs.get(message) or {}).get("template"), wording.get("template") or ""
            if not template or not body:
                continue
            parameters = template.get("parameters") or ()
            found += template_problems(f"{path}.template", body, len(parameters))
            category = str(template.get("category") or "UTILITY")
            found += [Problem(f"{path}.template", why) for why in body_problems(body, category, language)]
            twin = bodies.setdefault(_same(body), message)
            other = str((specs[twin].get("template") or {}).get("category") or "UTILITY")
            if other != category:  # in one category both go with the same template
                found.append(Problem(f"{path}.template", f"Meta refuses a second template with the words of {twin!r}"))
    return list(dict.fromkeys(found))


def longest_sample() -> int:
    """In characters."""
    return int(_rules()["longest_sample"])


def _of_message(message: str, spec: Mapping[str, Any]) -> Iterable[Problem]:
    template = spec.get("template")
    if not template:
        return
    path = f"messages.{message}.template"
    if not _NAME.match(str(template.get("name", ""))):
        yield Problem(f"{path}.name", "a template is named with small letters, digits and _")
    if spec.get("purpose") == Purpose.MARKETING and template.get("category", "UTILITY") != "MARKETING":
        yield Problem(f"{path}.category", "an offer needs a template of the category MARKETING")
    for index, parameter in enumerate(template.get("parameters") or ()):
        sample = str(parameter.get("sample") or "").strip()
        if not sample:
            yield Problem(f"{path}.parameters.{index}.sample", "Meta wants a sample of each value")
        elif len(sample) > _rules()["longest_sample"] or "{{" in sample or "\n" in sample:
            yield Problem(f"{path}.parameters.{index}.sample", "a sample is a short value as a shopper would see it")


def body_problems(body: str, category: str, language: str) -> Iterable[str]:
    """Of one template's body, in plain words."""
    rules = _rules()
    names = _PLACE.findall(body)
    if any(not name.isdecimal() for name in names):
        yield "write values as {{1}}, {{2}}: nothing else may stand between the braces"
    numbers = list(dict.fromkeys(int(name) for name in names if name.isdecimal()))
    if "\t" in body or " " * (rules["most_spaces_in_a_row"] + 1) in body:
        yield "tabs and long gaps are refused"
    if "\n" * (rules["most_empty_lines_in_a_row"] + 2) in body:
        yield "more than one empty line in a row is refused"
    words = re.findall(r"\w+", _PLACE.sub(" ", body))
    if not _UNSPACED.search(body) and len(words) < 2 * len(numbers) + 1:
        yield "has too few words for so many values: say more around them"
    if sum(unicodedata.category(char) == "So" for char in body) > rules["most_emojis"]:
        yield f"has more than {rules['most_emojis']} emojis"
    if category == "UTILITY" and (promotional := promotional_words(body, language)):
        listed = ", ".join(f"“{word}”" for word in promotional)
        yield f"reads like an offer to Meta ({listed}): it may be charged as marketing. Leave it out"


def promotional_words(body: str, language: str) -> list[str]:
    """The words of this language's list that the text has."""
    text = unicodedata.normalize("NFC", _PLACE.sub("1", body)).casefold()
    return [word.removesuffix("*") for word in _listed(language.split("-")[0].lower()) if _has(text, word)]


def _has(text: str, word: str) -> bool:
    sought = unicodedata.normalize("NFC", word.removesuffix("*")).casefold()
    if _UNSPACED.search(sought):
        return sought in text
    before = r"(?<!\w)" if sought[0].isalnum() else ""
    after = "" if word.endswith("*") else r"(?!\w)"
    return re.search(before + re.escape(sought) + after, text) is not None


def _taps(path: str, wording: Mapping[str, Any]) -> Iterable[Problem]:
    for choice, title in (wording.get("choices") or {}).items():
        if len(str(title)) > WIDEST_TAP:
            yield Problem(f"{path}.choices.{choice}", f"WhatsApp shows {WIDEST_TAP} characters of a tap; this is cut")


def _same(body: str) -> str:
    return " ".join(body.split()).casefold()


def _listed(language: str) -> list[str]:
    words: list[str] = _rules()["promotional"].get(language, [])
    return words


@lru_cache(maxsize=1)
def _rules() -> dict[str, Any]:
    rules: dict[str, Any] = data_file.read(RULES)
    return rules
