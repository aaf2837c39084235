"""In which language somebody writes of whom nothing is known: by their words, else by where their phone comes from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

from post_purchase.models import Contact, ContactPoint, Conversation, OrderBinding
from post_purchase.words import ChannelKind

from .phrases import load
from .talk_language import language_of
from .word_patterns import folded

MOST_WORDS = 60  # that are looked at
PLAIN = 2  # words of one language more than of any other
_USER_ID = re.compile(r"[A-Z]{2}(?=\.)")  # WhatsApp's: "DE.1349120865530274"


@dataclass(frozen=True)
class Guess:
    language: str = ""  # "": no word was known
    sure: bool = False


def language_in(text: str, *, likely: Sequence[str] = ()) -> Guess:
    """`likely`: which of them it is where the words are of several ("Hallo"), the likeliest first. Pure."""
    if any("\u3040" <= char <= "\u30ff" or "\u4e00" <= char <= "\u9fff" for char in text):
        return Guess("ja", sure=True)
    if any("\u0620" <= char <= "\u064a" for char in text):
        return Guess("ar", sure=True)
    said = set(folded(text).split()[:MOST_WORDS])
    known = _words()
    found = {language: len(said & words) for language, words in known.items() if said & words}
    if not found:
        return Guess()
    ranks = [*likely, *known]
    best, *others = sorted(found, key=lambda each: (-found[each], ranks.index(each)))
    return Guess(best, sure=found[best] - max((found[each] for each in others), default=0) >= PLAIN)


def language_of_phone(point: ContactPoint) -> str:
    """ "" where no country can be told, or we do not speak its language."""
    if point.kind not in (ChannelKind.WHATSAPP, ChannelKind.SMS):
        return ""
    named = _USER_ID.match(point.address)
    country = named[0] if named else _country(point.phone or point.address)
    return _spoken().get(country, "")


def hear_language(*, point: ContactPoint, conversation: Conversation, text: str) -> None:
    """Keep what a stranger's words tell. Whose order we know, or who has chosen, is spoken to in that language."""
    contact = point.contact
    if contact.chosen_language or conversation.order_id is not None or not text.strip():
        return
    phone = language_of_phone(point)
    guess = language_in(text, likely=[each for each in (phone, _short(language_of(contact))) if each in _words()])
    language = guess.language or phone
    if not language or language == _short(contact.language) or (contact.language and not guess.sure):
        return
    if OrderBinding.objects.filter(point=point).exists():
        return
    Contact.objects.filter(pk=contact.pk).update(language=language)
    contact.language = language


def _short(tag: str) -> str:
    return tag.split("-")[0].split("_")[0].lower()


def _country(number: str) -> str:
    try:
        parsed = phonenumbers.parse(f"+{number.lstrip('+')}", None)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.region_code_for_number(parsed) or ""


@lru_cache(maxsize=1)
def _words() -> dict[str, frozenset[str]]:
    lists = load("language_words")["words"]
    return {language: frozenset(folded(str(word)) for word in words) for language, words in lists.items()}


@lru_cache(maxsize=1)
def _spoken() -> dict[str, str]:
    lists = load("language_words")["countries"]
    return {country: language for language, countries in lists.items() for country in countries}
