"""What a shopper's words mean as an answer: a choice, a rating. Pure, and rather too strict than too clever."""

import re
import unicodedata
from collections.abc import Mapping

_STARS = "⭐★🌟"
_BESIDE_A_NUMBER = re.compile(r"^(\d+)\s*(?:/|of|von|sur|de|su|van|av|z|out of|üzerinden|من|点)?\s*\d*\s*(\D{0,24})$")
_COMMA = re.compile(r"[,،、]")
_LONG_ANSWER = 40  # characters; more is a story, not a number
_NO = frozenset(
    [
        "no",
        "nope",
        "no thanks",
        "no thank you",
        "nein",
        "nein danke",
        "non",
        "non merci",
        "no gracias",
        "no grazie",
        "nee",
        "nee dank u",
        "nee dank je",
        "nee bedankt",
        "não",
        "nao",
        "não obrigado",
        "não obrigada",
        "nao obrigado",
        "nao obrigada",
        "nie",
        "nie dziękuję",
        "nie dziekuje",
        "nej",
        "nej tack",
        "nej tak",
        "hayir",
        "hayir teşekkürler",
        "yok",
        "لا",
        "لا شكرا",
        "لا شكراً",
        "いいえ",
        "いいえ結構です",
        "いいえ 結構です",
        "結構です",
        "いりません",
    ]
)


def digits_as_ascii(text: str) -> str:
    """Arabic-Indic, full-width and keycap digits as 0-9."""
    return "".join(
        str(unicodedata.digit(char)) if unicodedata.digit(char, None) is not None else char
        for char in text
        if char not in "\ufe0f\u20e3"
    )


def rating_in(text: str, *, low: int = 1, high: int = 5) -> int | None:
    """ "5", "5/5", "4 stars", "⭐⭐⭐", "٥", "5️⃣": the number. Anything else: None."""
    plain = digits_as_ascii(text).strip()
    if not plain or len(plain) > _LONG_ANSWER:
        return None
    stars = sum(char in _STARS for char in plain)
    if stars and not any(char.isalnum() for char in plain):
        return stars if low <= stars <= high else None
    match = _BESIDE_A_NUMBER.match(plain.rstrip(" .!…"))
    if match and low <= int(match[1]) <= high and not any(char.isdigit() for char in match[2]):
        return int(match[1])
    return None


def _folded(text: str) -> str:
    """Turkish writes a capital I for two letters: HAYIR is hayır."""
    return text.casefold().replace("ı", "i").replace("i\u0307", "i")


def choice_in(text: str, choices: Mapping[str, list[str]]) -> str | None:
    """The id of the choice whose title, in any language, or whose place in the list this is."""
    plain = _folded(digits_as_ascii(text).strip().rstrip(".!").strip())
    if not plain:
        return None
    for choice, titles in choices.items():
        if plain in map(_folded, titles):
            return choice
    # "Yes" for "Yes, please": the word before the comma, where it is the beginning of one choice only.
    begins = [
        choice
        for choice, titles in choices.items()
        if any(_COMMA.split(_folded(title))[0] == plain for title in titles)
    ]
    if len(begins) == 1:
        return begins[0]
    if plain.isdecimal() and 1 <= int(plain) <= len(choices):
        return list(choices)[int(plain) - 1]
    return None


def means_no(text: str) -> bool:
    """A plain no to an offer, in any of our languages: "nein", "no, thanks". More than that says something else."""
    plain = _folded(text).strip().rstrip(".!。").strip()
    return " ".join(_COMMA.sub(" ", plain).split()) in _NO
