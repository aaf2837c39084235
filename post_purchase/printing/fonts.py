"""Fonts by package (Noto, SIL OFL 1.1): which one has a letter, shaping by HarfBuzz, and the subset that a PDF embeds.

Positions and advances are in thousandths of the font size, as PDF counts them.
"""

from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import manimgx_fonts
import manimgx_fonts_cjk

from .pdf import PdfWriter

if TYPE_CHECKING:
    import uharfbuzz as hb

REGULAR, BOLD = 400, 700
_SANS = Path(manimgx_fonts.__file__).parent
_CJK = Path(manimgx_fonts_cjk.__file__).parent / "NotoSansCJK-VF.otf.ttc"
_CJK_FACES = {"ja": 0, "ko": 1, "zh": 2, "zh-tw": 3, "zh-hk": 4}  # order of the faces in Noto's collection
_SCRIPTS = (
    "",
    "Arabic",
    "Hebrew",
    "Thai",
    "Devanagari",
    "Armenian",
    "Georgian",
    "Bengali",
    "Ethiopic",
    "Gujarati",
    "Gurmukhi",
    "Kannada",
    "Khmer",
    "Lao",
    "Malayalam",
    "Myanmar",
    "Oriya",
    "Sinhala",
    "Tamil",
    "Telugu",
)
_LAST = ("NotoSansSymbols[wght].ttf", "NotoEmoji[wght].ttf")
_DROPPED = ("GSUB", "GPOS", "GDEF", "BASE", "STAT", "OS/2", "name", "post", "vhea", "vmtx", "VORG", "gasp", "meta")


@dataclass(frozen=True)
class Face:
    """A font file, or one face of a collection."""

    path: Path
    index: int = 0

    @property
    def name(self) -> str:
        return f"{self.path.name.split('[')[0].split('-VF')[0]}{self.index or ''}"


@cache
def _harfbuzz() -> Any:
    import uharfbuzz  # noqa: PLC0415 - megabytes that only printing needs

    return uharfbuzz


@cache
def _face(face: Face) -> "hb.Face":
    hb = _harfbuzz()
    return hb.Face(hb.Blob.from_file_path(str(face.path)), face.index)  # mapped, not read


@cache
def _letters(face: Face) -> "hb.Set":
    return _face(face).unicodes  # HarfBuzz's own set: a tenth of Python's


@cache
def _font(face: Face, weight: int) -> "hb.Font":
    font = _harfbuzz().Font(_face(face))
    font.set_variations({"wght": weight})
    return font


@cache
def faces_for(language: str) -> tuple[Face, ...]:
    """In which order a letter is looked for. The language says which of the Han forms is right."""
    tag = language.lower().replace("_", "-")
    index = _CJK_FACES.get(tag, _CJK_FACES.get(tag.split("-")[0], 2))
    sans = [Face(_SANS / f"NotoSans{script}[wght].ttf") for script in _SCRIPTS]
    return (*sans, Face(_CJK, index), *(Face(_SANS / name) for name in _LAST))


def face_of(char: str, language: str, before: Face | None = None) -> Face | None:
    """The face for a letter; the one before it goes on where it can. None: nobody has it."""
    letter = ord(char)
    if before is not None and letter in _letters(before):
        return before
    return next((face for face in faces_for(language) if letter in _letters(face)), None)


@dataclass(frozen=True)
class Glyph:
    gid: int
    x: float  # from the run's start, thousandths of the size
    y: float


@dataclass(frozen=True)
class Run:
    """Glyphs of one font in a row, from left to right."""

    font: "Font"
    glyphs: tuple[Glyph, ...]
    width: float


@dataclass
class Font:
    """One face at one weight, in one PDF: remembers what was drawn with it, so that only that is embedded."""

    face: Face
    weight: int
    name: str  # in the PDF's resources
    used: dict[int, str] = field(default_factory=dict)  # glyph -> the text that it stands for

    def __hash__(self) -> int:
        return id(self)

    def shape(self, text: str, *, rtl: bool, language: str) -> Run:
        hb = _harfbuzz()
        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        buffer.direction = "rtl" if rtl else "ltr"
        buffer.language = language
        buffer.cluster_level = hb.BufferClusterLevel.MONOTONE_CHARACTERS  # marks keep a text of their own
        hb.shape(_font(self.face, self.weight), buffer)
        scale = 1000 / _face(self.face).upem
        starts = [*sorted({info.cluster for info in buffer.glyph_infos}), len(text)]
        ends = dict(pairwise(starts))
        told: set[int] = set()
        glyphs, at = [], 0.0
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            stands_for = "" if info.cluster in told else text[info.cluster : ends[info.cluster]]
            told.add(info.cluster)
            if stands_for or info.codepoint not in self.used:
                self.used[info.codepoint] = self.used.get(info.codepoint) or stands_for
            glyphs.append(Glyph(info.codepoint, at + position.x_offset * scale, position.y_offset * scale))
            at += position.x_advance * scale
        return Run(self, tuple(glyphs), at)

    def plain(self, letters: str) -> dict[str, tuple[int, float]]:
        """Letter -> (glyph, advance), for codes: capitals and digits need no shaping."""
        table = {}
        for letter in letters:
            run = self.shape(letter, rtl=False, language="en")
            table[letter] = (run.glyphs[0].gid, run.width)
        return table

    @property
    def ascent(self) -> float:
        return float(_font(self.face, self.weight).get_font_extents("ltr").ascender * 1000 / _face(self.face).upem)

    def write(self, pdf: PdfWriter) -> int:
        """Embed the glyphs that were used. The glyph numbers stay, so pages may be written before this."""
        face = _face(self.face)
        subset = _subset(self.face, self.weight, self.used)
        tag = "".join(chr(65 + (hash_of >> (5 * place)) % 26) for place in range(6)) if (hash_of := _sum(self)) else ""
        name = f"{tag}+{self.face.name}-{'Bold' if self.weight == BOLD else 'Regular'}".encode()
        cff = "CFF " in subset.table_tags
        if cff:
            program = subset.reference_table("CFF ").data
            file = pdf.stream(program, b"/Subtype/CIDFontType0C")
        else:
            program = subset.blob.data
            file = pdf.stream(program, b"/Length1 %d" % len(program))
        scale = 1000 / face.upem
        font = _font(self.face, self.weight)
        extents = font.get_font_extents("ltr")
        descriptor = pdf.add(
            b"<</Type/FontDescriptor/FontName/%b/Flags 4/FontBBox[-1000 -400 3000 1400]/ItalicAngle 0/Ascent %d"
            b"/Descent %d/CapHeight 714/StemV %d/%b %d 0 R>>"
            % (
                name,
                extents.ascender * scale,
                extents.descender * scale,
                80 if self.weight == REGULAR else 140,
                b"FontFile3" if cff else b"FontFile2",
                file,
            )
        )
        widths = b"".join(b"%d[%d]" % (gid, round(font.get_glyph_h_advance(gid) * scale)) for gid in sorted(self.used))
        descendant = pdf.add(
            b"<</Type/Font/Subtype/%b/BaseFont/%b/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
            b"/FontDescriptor %d 0 R/W[%b]%b>>"
            % (
                b"CIDFontType0" if cff else b"CIDFontType2",
                name,
                descriptor,
                widths,
                b"" if cff else b"/CIDToGIDMap/Identity",
            )
        )
        meaning = pdf.stream(_to_unicode(self.used))
        return pdf.add(
            b"<</Type/Font/Subtype/Type0/BaseFont/%b/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>"
            % (name, descendant, meaning)
        )


def _sum(font: Font) -> int:
    """The same glyphs give the same tag: two runs of one card give one file."""
    total = font.weight
    for gid in sorted(font.used):
        total = (total * 31 + gid) % (1 << 30)
    return total or 1


def _subset(face: Face, weight: int, used: dict[int, str]) -> "hb.Face":
    hb = _harfbuzz()
    wanted = hb.SubsetInput()
    wanted.sets(hb.SubsetInputSets.GLYPH_INDEX).update(used)
    wanted.sets(hb.SubsetInputSets.DROP_TABLE_TAG).update(_tag(name) for name in _DROPPED)
    wanted.flags = (
        hb.SubsetFlags.RETAIN_GIDS
        | hb.SubsetFlags.NO_HINTING
        | hb.SubsetFlags.NO_LAYOUT_CLOSURE
        | hb.SubsetFlags.DOWNGRADE_CFF2
        | hb.SubsetFlags.CFF_IDENTITY_CHARSET
    )
    wanted.pin_axis_location(_face(face), "wght", weight)
    return hb.subset(_face(face), wanted)


def _tag(name: str) -> int:
    return int.from_bytes(name.ljust(4).encode(), "big")


def _to_unicode(used: dict[int, str]) -> bytes:
    """So that the text can be searched, copied and read aloud."""
    rows = [
        b"<%04X><%b>" % (gid, text.encode("utf-16-be").hex().upper().encode())
        for gid, text in sorted(used.items())
        if text
    ]
    parts = [
        b"/CIDInit/ProcSet findresource begin 12 dict begin begincmap/CMapName/Adobe-Identity-UCS def/CMapType 2 def\n"
        b"1 begincodespacerange<0000><FFFF>endcodespacerange\n"
    ]
    for start in range(0, len(rows), 100):
        part = rows[start : start + 100]
        parts.append(b"%d beginbfchar\n%b\nendbfchar\n" % (len(part), b"\n".join(part)))
    parts.append(b"endcmap CMapName currentdict/CMap defineresource pop end end")
    return b"".join(parts)
