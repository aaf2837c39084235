"""What stands behind /c/: a code, and in Shopify's e-mails also which e-mail it was and the shop's own code.

The e-mail snippet writes `<code of the order>-<template letter>-<code of the shop>`, or, where Shopify's Liquid cannot
compute the first, `<code of the shop>-<letter>`. A `T` after the letter says that Shopify made the order up.
"""

from dataclasses import dataclass

from post_purchase.words import EmailTemplate
from shopapp.lib.crypto import CODE_ALPHABET, CODE_LENGTH, normalise_code

EMAIL_CODE_LENGTH = 20  # hex: 80 bits, as the Liquid snippet cuts it
CODE_LENGTHS = frozenset({CODE_LENGTH, EMAIL_CODE_LENGTH})
TEST_MARK = "T"
LONGEST = 64  # characters that are read, dashes included
_ALLOWED = frozenset(CODE_ALPHABET)


@dataclass(frozen=True)
class WrittenCode:
    """`fallback`: the shop's code, for an order that is not known. `source`: EmailTemplate's letter, or empty."""

    code: str  # normalised
    source: str = ""
    fallback: str = ""
    test: bool = False


def read_code(text: str) -> WrittenCode | None:
    """The parts of an address, however typed. None: this cannot be a code, so nobody need look it up."""
    if len(text) in CODE_LENGTHS and _ALLOWED.issuperset(text):
        return WrittenCode(text)  # as nearly all are written: nothing to change, nothing to take apart
    if len(text) > LONGEST:
        return None
    plain = normalise_code(text)
    if not _ALLOWED.issuperset(plain):
        return None
    if len(plain) in CODE_LENGTHS:
        return WrittenCode(plain)
    head = CODE_LENGTH if len(plain) < EMAIL_CODE_LENGTH else EMAIL_CODE_LENGTH
    code, mark, rest = plain[:head], plain[head : head + 1], plain[head + 1 :]
    test = rest[:1] == TEST_MARK and len(rest) in (1, CODE_LENGTH + 1)
    fallback = rest[1:] if test else rest
    if mark not in EmailTemplate or len(fallback) != (CODE_LENGTH if head == EMAIL_CODE_LENGTH else 0):
        return None
    return WrittenCode(code=code, source=mark, fallback=fallback, test=test)
