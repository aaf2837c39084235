"""What an SMS says, and how many segments it has. Pure. GSM 03.38: 160 characters, or 153 each; UCS-2: 70 and 67."""

from collections.abc import Iterable
from dataclasses import dataclass

# 3GPP TS 23.038, default alphabet and its extension table (these count twice).
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWICE = frozenset("^{}\\[~]|€\f")
# Typographic signs that make a text UCS-2, and so twice as dear, though a plain one says the same.
_PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "}
    | {"\u202f": " ", "\u2009": " ", "\u200b": "", "•": "-", "‹": "'", "›": "'", "«": '"', "»": '"', "\t": " "}
)


def sms_words(text: str, choices: Iterable[str] = (), link: str = "") -> str:
    """Choices become numbered lines; typographic signs become plain where the whole then fits the GSM alphabet.

    A choice without a letter or digit (a row of stars) is its number, which the text names: no line, no dear signs.
    """
    named = [(number, title) for number, title in enumerate(choices, 1) if any(sign.isalnum() for sign in title)]
    numbered = [f"{number} {title}" for number, title in named]
    words = "\n".join(part for part in (text, *numbered, link) if part)
    plain = words.translate(_PLAIN)
    return words if segments(plain).unicode else plain


@dataclass(frozen=True)
class Segments:
    number: int
    units: int  # septets, or UTF-16 units
    left: int  # until one more segment is begun
    unicode: bool
    culprits: str = ""  # what is not in the GSM alphabet, a few of them


def segments(text: str) -> Segments:
    culprits = "".join(dict.fromkeys(letter for letter in text if letter not in _BASIC and letter not in _TWICE))
    unicode = bool(culprits)
    if unicode:
        sizes, one, each = [2 if ord(letter) > 0xFFFF else 1 for letter in text], 70, 67
    else:
        sizes, one, each = [2 if letter in _TWICE else 1 for letter in text], 160, 153
    units = sum(sizes)
    if units <= one:
        return Segments(1 if text else 0, units, one - units, unicode, culprits[:8])
    number, used = 1, 0
    for size in sizes:  # a pair is not divided
        if used + size > each:
            number, used = number + 1, 0
        used += size
    return Segments(number, units, each - used, unicode, culprits[:8])
