"""Words for SMS that cost more than they need: counted as a sample order fills them in. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from post_purchase.channels.sms_length import segments
from post_purchase.services import texts
from post_purchase.words import ChannelKind

from .definition import FlowDocument, Problem, in_each_language
from .sample import sample_values

MOST_PARTS = 3


def lint(document: Mapping[str, Any], languages: Iterable[str]) -> list[Problem]:
    return in_each_language(document, languages, _of_language)


def _of_language(document: FlowDocument, language: str) -> Iterable[Problem]:
    formed = {name: one for name, one in document.texts[language].messages.items() if ChannelKind.SMS in one.forms}
    values = sample_values(document, language) if formed else {}
    for name, wording in formed.items():
        try:
            sms = texts.render(wording.forms[ChannelKind.SMS], values, language=language)
        except texts.TextError:
            continue  # said elsewhere, where it is broken
        parts = segments(sms).number
        if parts > MOST_PARTS:
            yield Problem(
                f"texts.{language}.messages.{name}.forms.sms",
                f"This SMS is sent in {parts} parts, and each is paid for. {MOST_PARTS} are enough for news",
            )
