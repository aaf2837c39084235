"""Text into a box: wrapped, in reading order (Unicode bidi, UAX 9), shrunk until it fits. No hyphenation.

Thai is broken at its spaces, and inside a word only where it is wider than the box: finding words needs a dictionary.
"""

import re
import unicodedata
from dataclasses import dataclass, field

from bidi import algorithm as bidi

from .fonts import BOLD, REGULAR, Face, Font, Run, face_of

LEADING = 1.28  # of the size, from line to line
STEP = 0.5  # points
SMALLER_BEFORE_CUTTING = 0.55  # of the largest size: a word is cut only where that does not help
_CJK = r"\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"  # Korean breaks at its spaces
_NO_LINE_START = "、。，．！？：；）」』】〉》〕］｝ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々…‥"
_NO_LINE_END = "（「『【〈《〔［｛"
_ADDRESS = re.compile(r"[A-Za-z0-9-]+(?:[.:/][A-Za-z0-9-]+)+")  # a host and path: one piece, left to right everywhere
_PIECES = re.compile(rf"[{_CJK}]\s*|[^\s{_CJK}]+\s*|\s+")


@dataclass(frozen=True)
class Line:
    runs: tuple[Run, ...]
    width: float  # thousandths of the size


@dataclass(frozen=True)
class Block:
    """Lines at a size (points). `fits` is False where the text was too long even at the smallest size."""

    lines: tuple[Line, ...]
    size: float
    rtl: bool
    fits: bool

    @property
    def height(self) -> float:
        return len(self.lines) * self.size * LEADING


@dataclass
class Typesetter:
    """The fonts of one document."""

    language: str
    fonts: dict[tuple[Face, int], Font] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    def font(self, face: Face, weight: int) -> Font:
        return self.fonts.setdefault((face, weight), Font(face, weight, f"F{len(self.fonts) + 1}"))

    def latin(self, *, bold: bool = False) -> Font:
        face = face_of("A", "en")
        if face is None:
            raise RuntimeError("The Latin font is not installed: see requirements.txt")
        return self.font(face, BOLD if bold else REGULAR)

    def block(
        self, text: str, *, width: float, height: float, largest: float, smallest: float = 6.0, bold: bool = False
    ) -> Block:
        """`width` and `height` in points; tries sizes from the largest down."""
        paragraphs = [_clean(part) for part in text.splitlines()]
        paragraphs = [part for part in paragraphs if part] or [""]
        weight = BOLD if bold else REGULAR
        prepared = [self._prepare(part, weight) for part in paragraphs]
        size = largest
        while True:
            lines = [line for paragraph in prepared for line in self._wrap(paragraph, width / size * 1000)]
            fits = len(lines) * size * LEADING <= height + 0.01
            widest = max((piece[2] for paragraph in prepared for piece in paragraph.pieces), default=0.0)
            cut = widest > width / size * 1000 and size * 0.99 > largest * SMALLER_BEFORE_CUTTING
            if (fits and not cut) or size - STEP < smallest:
                break
            size -= STEP
        drawn = tuple(self._line(paragraph, start, end, weight) for paragraph, start, end in lines)
        return Block(drawn, size, prepared[0].rtl, fits)

    def _prepare(self, text: str, weight: int) -> "_Paragraph":
        rtl = is_rtl_text(text, self.language)
        levels = _levels(text, rtl)
        faces: list[Face] = []
        before: Face | None = None
        for char in text:
            face = face_of(char, self.language, before)
            if face is None:
                if not unicodedata.category(char).startswith(("Z", "C", "M")):
                    self.missing.add(char)
                face = before or face_of("A", "en")
            assert face is not None
            faces.append(face)
            before = face
        pieces = []
        for start, end in _breaks(text):
            kept = len(text[start:end].rstrip())
            width = self._measure(text, start, start + kept, faces, levels, weight)
            pieces.append((start, end, width, self._measure(text, start + kept, end, faces, levels, weight)))
        return _Paragraph(text, rtl, levels, faces, pieces)

    def _wrap(self, paragraph: "_Paragraph", room: float) -> list[tuple["_Paragraph", int, int]]:
        lines: list[tuple[_Paragraph, int, int]] = []
        start, used = 0, 0.0
        for begin, end, width, space in paragraph.pieces:
            if used and used + width > room:
                lines.append((paragraph, start, begin))
                start, used = begin, 0.0
            if width > room:  # one word wider than the box
                for cut in self._cuts(paragraph, begin, end, room):
                    lines.append((paragraph, start, cut))
                    start = cut
                used = self._measure(paragraph.text, start, end, paragraph.faces, paragraph.levels, REGULAR)
            else:
                used += width + space
        lines.append((paragraph, start, len(paragraph.text)))
        return lines

    def _cuts(self, paragraph: "_Paragraph", begin: int, end: int, room: float) -> list[int]:
        cuts, start = [], begin
        for place in range(begin + 1, end):
            if unicodedata.category(paragraph.text[place]).startswith("M"):
                continue  # a mark stays with its letter
            ahead = place + 1
            while ahead < end and unicodedata.category(paragraph.text[ahead]).startswith("M"):
                ahead += 1
            wide = self._measure(paragraph.text, start, ahead, paragraph.faces, paragraph.levels, BOLD)
            if wide > room and place > start:
                cuts.append(place)
                start = place
        return cuts

    def _measure(self, text: str, start: int, end: int, faces: list[Face], levels: list[int], weight: int) -> float:
        return sum(run.width for run in self._runs(text, start, end, faces, levels, weight))

    def _line(self, paragraph: "_Paragraph", start: int, end: int, weight: int) -> Line:
        end = start + len(paragraph.text[start:end].rstrip())
        runs = self._runs(paragraph.text, start, end, paragraph.faces, paragraph.levels, weight)
        return Line(tuple(runs), sum(run.width for run in runs))

    def _runs(self, text: str, start: int, end: int, faces: list[Face], levels: list[int], weight: int) -> list[Run]:
        """The line's runs from left to right (UAX 9, rule L2, on whole runs: HarfBuzz turns the letters inside)."""
        spans: list[tuple[int, int]] = []
        for place in range(start, end):
            same = spans and (faces[place], levels[place]) == (faces[place - 1], levels[place - 1])
            spans[-1:] = [(spans[-1][0], place + 1)] if same else [*spans[-1:], (place, place + 1)]
        for level in range(max(levels[start:end], default=0), 0, -1):
            place = 0
            while place < len(spans):
                stop = place
                while stop < len(spans) and levels[spans[stop][0]] >= level:
                    stop += 1
                spans[place:stop] = spans[place:stop][::-1]
                place = stop + 1
        return [
            self.font(faces[a], weight).shape(text[a:b], rtl=bool(levels[a] % 2), language=self.language)
            for a, b in spans
        ]


@dataclass(frozen=True)
class _Paragraph:
    text: str
    rtl: bool
    levels: list[int]
    faces: list[Face]
    pieces: list[tuple[int, int, float, float]]  # start, end, width, width of the space after it


def is_rtl_text(text: str, language: str) -> bool:
    """By the first strong letter; a text without one follows its language."""
    for char in text:
        direction = unicodedata.bidirectional(char)
        if direction == "L":
            return False
        if direction in ("R", "AL"):
            return True
    return language.split("-")[0].lower() in ("ar", "he", "fa", "ur")


def _clean(text: str) -> str:
    """One line, without control characters: they draw nothing, and some would turn the text around."""
    kept = (
        char
        for char in text
        if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn") or char in "\u200c\u200d"
    )
    return " ".join("".join(kept).split())


def _levels(text: str, rtl: bool) -> list[int]:
    if (
        all(unicodedata.bidirectional(char) in ("L", "EN", "ES", "CS", "ON", "WS", "NSM", "ET") for char in text)
        and not rtl
    ):
        return [0] * len(text)
    text = _ADDRESS.sub(lambda found: "A" * len(found.group()), text)
    storage = bidi.get_empty_storage()
    storage["base_level"] = int(rtl)
    storage["base_dir"] = "R" if rtl else "L"
    bidi.get_embedding_levels(text, storage, False, False)
    for rule in (
        bidi.explicit_embed_and_overrides,
        bidi.resolve_weak_types,
        bidi.resolve_neutral_types,
        bidi.resolve_implicit_levels,
    ):
        rule(storage, False)
    levels = [int(char["level"]) for char in storage["chars"]]
    return levels if len(levels) == len(text) else _with_joiners(text, levels, int(rtl))


def _with_joiners(text: str, levels: list[int], base: int) -> list[int]:
    """The rules leave joiners out (BN); each takes the level of the letter before it."""
    rest = iter(levels)
    whole: list[int] = []
    for char in text:
        joiner = unicodedata.bidirectional(char) == "BN"
        whole.append((whole[-1] if whole else base) if joiner else next(rest, base))
    return whole


def _breaks(text: str) -> tuple[tuple[int, int], ...]:
    """Where a line may end: after spaces and hyphens, and between Han letters where their punctuation allows it."""
    spans: list[tuple[int, int]] = []
    for match in _PIECES.finditer(text):
        start, end = match.span()
        glued = spans and (text[start] in _NO_LINE_START or text[spans[-1][1] - 1] in _NO_LINE_END)
        if glued:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return tuple(spans)
