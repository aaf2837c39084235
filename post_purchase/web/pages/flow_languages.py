"""The languages of a flow, beside its path: those it speaks, one more, one fewer, and what shoppers read besides."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from babel import Locale, UnknownLocaleError

from post_purchase.flows import languages
from post_purchase.flows.reshaping import CannotReshape
from post_purchase.models import Flow, ShopSettings
from post_purchase.web.forms.settings import LANGUAGES

Document = Mapping[str, Any]
Verb = Callable[[dict[str, Any], Mapping[str, str], dict[str, str]], Document]
ORDERS_LOOKED_AT = 500
_TAG = re.compile(r"^[a-z]{2,3}(-[A-Z]{2})?$")


def parts(row: Flow, settings: ShopSettings) -> dict[str, Any]:
    """What the page shows of them."""
    document = row.draft
    newest = row.shop.orders.order_by("-placed_at").values_list("language", flat=True)[:ORDERS_LOOKED_AT]
    lacking = languages.lacking(document, [settings.default_language, *settings.languages], newest)
    offered = dict.fromkeys((*(known_tag(tag) for tag in lacking), *dict(LANGUAGES)))
    spoken = [
        {"tag": str(tag), "name": language_name(str(tag)), "open": found[0], "all": found[1]}
        for tag in document.get("texts") or {}
        if (found := languages.still_open(document, str(tag)))
    ]
    return {
        "spoken": spoken,
        "unwritten": any(one["open"] for one in spoken),
        "unspoken": [(tag, language_name(tag)) for tag in offered if not languages.has(document, tag)],
        "lacking": [language_name(known_tag(tag)) for tag in lacking],
        "copied_from": language_name(source_language(document, settings.default_language)),
    }


def known_tag(tag: str) -> str:
    """ "pt" and "de-AT" are spoken as our "pt-BR" and "de"."""
    base = tag.replace("_", "-").partition("-")[0].lower()
    return next((known for known in dict(LANGUAGES) if known.partition("-")[0] == base), base)


def source_language(document: Document, default: str) -> str:
    """What a new language begins as: the shop's own, else English, else whatever there is."""
    spoken = document.get("texts") or {}
    return next((tag for tag in (default, "en", *spoken) if tag in spoken), "en")


def language_name(tag: str) -> str:
    """In the language itself, as far as known."""
    if tag in dict(LANGUAGES):
        return dict(LANGUAGES)[tag]
    try:
        return str(Locale.parse(tag.replace("-", "_")).get_display_name() or tag)[:60]
    except (ValueError, UnknownLocaleError):
        return tag[:16]


def what(verb: str, step: str, data: Mapping[str, str]) -> str:
    """For the draft's history."""
    language = language_name(data.get("which", ""))
    words = {
        "add_language": f"Added the language {language}",
        "drop_language": f"Took out the language {language}",
        "translated": f"Said that the words of {step} are right as they are",
    }
    return words[verb]


def _add(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    language = data.get("which", "")
    if not _TAG.match(language):
        raise CannotReshape("Choose a language.")
    told["step"], told["language"] = data.get("step", ""), language
    source = source_language(document, told["default"])
    told["toast"] = f"{language_name(language)} begins as a copy of {language_name(source)}. Translate it step by step."
    return languages.add_language(document, language, source)


def _drop(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    told["step"], told["language"] = data.get("step", ""), ""
    told["toast"] = f"{language_name(data.get('which', ''))} is taken out. Undo brings it back."
    return languages.drop_language(document, data.get("which", ""))


def _translated(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    told["step"] = data.get("step", "")
    return languages.right_as_it_is(document, data.get("message", ""), data.get("language", ""))


VERBS: dict[str, Verb] = {"add_language": _add, "drop_language": _drop, "translated": _translated}
