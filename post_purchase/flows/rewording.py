"""What was taken out of a text and what came in, with some words around it. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from . import describing

SHORT = 60  # characters: both texts are shown whole
LONG = 300  # of a text that is shown by itself
AROUND = 6  # words before and after a change
MOST_TOKENS = 600  # looked at word by word; what is longer is shown from its first difference on
ALIKE = 0.35  # less in common than this: two different texts
WAS, NOW = "was", "now"
_TOKEN = re.compile(r"\s+|[぀-ヿ㐀-鿿]|[^\W぀-ヿ㐀-鿿]+|[^\w\s]")
_LIQUID = re.compile(r"\{[{%]-?\s*(.*?)\s*-?[}%]\}", re.S)
_PATH = re.compile(r"\b(?:\w+\.)+(\w+)")


@dataclass(frozen=True)
class Piece:
    text: str
    mark: str = ""  # WAS, NOW; empty: it stands in both


@dataclass(frozen=True)
class Line:
    """One change, in pieces. As text: "valid for [-30-] [+3+] days"."""

    pieces: tuple[Piece, ...]

    def __str__(self) -> str:
        return "".join(
            piece.text if not piece.mark else f"[-{piece.text}-]" if piece.mark == WAS else f"[+{piece.text}+]"
            for piece in self.pieces
        )


def plain(text: str) -> Line:
    return Line((Piece(text),))


def from_to(label: str, before: Any, after: Any) -> Line:
    """The label, then both texts where they are short, else the words that differ."""
    was, now = _readings(str(before or ""), str(after or ""))
    label = f"{label}: " if label else ""
    if not was or not now:
        return plain(f"{label}now “{shortened(now)}”" if now else f"{label}not any more (was “{shortened(was)}”)")
    if was == now:
        return plain(f"{label}only spaces, line breaks or signs of its formulas")
    if max(len(was), len(now)) <= SHORT:
        return plain(f"{label}“{was}” became “{now}”")
    return Line((Piece(label), *_pieces(was, now)))


def shortened(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LONG else f"{flat[: LONG - 1].rstrip()}…"


def _readings(before: str, after: str) -> tuple[str, str]:
    """As the path shows it, with [names] for values; with conditions and all where these are not the same."""
    reading = describing.readable if _LIQUID.findall(before) == _LIQUID.findall(after) else _whole
    return reading(before), reading(after)


def _whole(text: str) -> str:
    """Conditions and forms of values are told too: "[if first name] Hi [first name]! [end]"."""

    def said(found: re.Match[str]) -> str:
        words = _PATH.sub(lambda path: path[1], found[1]).replace("_", " ")
        words = re.sub(r"^end\w+$", "end", words)
        return f"[{re.sub(r' *[|] *', ', ', words)}]"

    return " ".join(_LIQUID.sub(said, text).split())


def _pieces(was: str, now: str) -> Iterator[Piece]:
    before, after = _TOKEN.findall(was), _TOKEN.findall(now)
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    first, last = before[:start], before[len(before) - end :]
    before, after = before[start : len(before) - end], after[start : len(after) - end]
    inner = list(_joined(before, after))
    if first:
        yield Piece(_around(first, leads=True))
    for number, (mark, tokens) in enumerate(inner):
        text = "".join(tokens)
        if mark:
            yield from _marked(text if len(text) <= LONG else shortened(text), mark)
        elif 0 < number < len(inner) - 1 and len(tokens) > 4 * AROUND:
            yield Piece(f"{_around(tokens, leads=False)} {_around(tokens, leads=True)}")
        else:
            yield Piece(text)
    if last:
        yield Piece(_around(last, leads=False))


def _marked(text: str, mark: str) -> Iterator[Piece]:
    """The blanks beside it are not marked."""
    bare = text.strip()
    start = text[: len(text) - len(text.lstrip())]
    for piece in (Piece(start), Piece(bare, mark), Piece(text[len(start) + len(bare) :])):
        if piece.text:
            yield piece


def _common(before: list[str], after: list[str]) -> int:
    """How many tokens at the start are the same."""
    count = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        count += 1
    return count


def _joined(before: list[str], after: list[str]) -> Iterator[tuple[str, list[str]]]:
    """(mark, tokens). What stays between two changes and is no word goes with them."""
    alike = SequenceMatcher(None, before, after, autojunk=False)
    if max(len(before), len(after)) > MOST_TOKENS or alike.quick_ratio() < ALIKE or alike.ratio() < ALIKE:
        yield from _both(before, after)
        return
    old: list[str] = []
    new: list[str] = []
    for kind, a, b, c, d in alike.get_opcodes():
        same = before[a:b]
        if kind == "equal" and any(re.match(r"\w", token) for token in same):
            yield from _both(old, new)
            yield "", same
            old, new = [], []
        else:
            old += before[a:b]
            new += after[c:d]
    yield from _both(old, new)


def _both(old: list[str], new: list[str]) -> Iterator[tuple[str, list[str]]]:
    if old:
        yield WAS, old
    if old and new:
        yield "", [" "]
    if new:
        yield NOW, new


def _around(tokens: list[str], *, leads: bool) -> str:
    """The last words before a change, or the first ones after it."""
    order = tokens[::-1] if leads else tokens
    taken: list[str] = []
    words = 0
    for token in order:
        if words == AROUND:
            break
        taken.append(token)
        words += bool(re.match(r"\w", token))
    if len(taken) == len(tokens):
        return "".join(tokens)
    return f"…{''.join(taken[::-1]).lstrip()}" if leads else f"{''.join(taken).rstrip()}…"
