"""Texts that would have a hole for an order of which little is known, before they are used. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .definition import FlowDocument, Problem, in_each_language
from .effects import Say
from .holes import holes_of
from .known_values import is_wrong
from .sample import sample_answers, sample_facts, sample_values, without_much
from .value_names import called


def lint(document: Mapping[str, Any], languages: Iterable[str]) -> list[Problem]:
    return in_each_language(document, languages, _of_language)


def _of_language(document: FlowDocument, language: str) -> Iterable[Problem]:
    values = sample_values(document, language)
    for message in document.texts[language].messages:
        for path in may_lack(document, message, language):
            if is_wrong(path, values, document):
                continue
            yield Problem(f"texts.{language}.messages.{message}.text", _words(path))


def _words(path: str) -> str:
    name = called(path)
    return (
        f"{name[:1].upper()}{name[1:]} is not always known, and then this message is left out. Add words for that "
        f'case: {{{{ {path} | default: "..." }}}}, or {{% if {path} %}} around the sentence'
    )


def may_lack(document: FlowDocument, message: str, language: str) -> list[str]:
    """The values that it names and that not everybody has, without words for that case."""
    facts = without_much(sample_facts(language))
    if about_nobody(document):
        facts |= {"order": None, "parcels": {}, "review": None}
    answers = sample_answers(facts, document)
    spec = document.messages.get(message)
    needed = spec.requires if spec else ()
    found: list[str] = []
    for parcel in _parcels(document):
        parcels = (parcel,) if parcel else ()
        say = Say(key="lint", step="", message=message, parcel=parcel, parcels=parcels)
        found += holes_of(document, say, facts, answers)
    return [path for path in dict.fromkeys(found) if path not in needed]


def about_nobody(document: FlowDocument) -> bool:
    """It is about the person: there need be no order."""
    trigger = document.trigger
    return trigger.subject == "contact" and not any(news.value.startswith("order_") for news in trigger.news)


def _parcels(document: FlowDocument) -> Iterator[int | None]:
    """The made-up parcel where the news is of one; none where it may be of none."""
    news = [*document.trigger.news, *(each for one in document.listeners for each in one.news)]
    of_parcels = [each.value.startswith("parcel_") or each.value == "delivery_assumed" for each in news]
    if any(of_parcels):
        yield 1
    if not all(of_parcels[: len(document.trigger.news)]):
        yield None
