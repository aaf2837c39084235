"""How many segments an SMS has. Pure. GSM 03.38: 160 characters, 153 in each of several; UCS-2: 70 and 67."""

from dataclasses import dataclass

# 3GPP TS 23.038, default alphabet and its extension table (these count twice).
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWICE = frozenset("^{}\\[~]|€\f")


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
