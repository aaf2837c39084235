"""What can be printed, and how pieces lie on a sheet: millimetres from the top left corner. Data: data/layouts.yaml."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from shopapp.lib import data_file

BLEED = 3.0  # mm; what printers ask for
SLUG = 6.0  # mm of paper around the bleed, where the crop marks stand
MARK = 4.0  # mm; a crop mark's length
GUTTER = 2 * BLEED  # between pieces that are cut from one sheet
EDGE = 8.0  # mm that office printers leave white


@dataclass(frozen=True)
class Sheet:
    """Where the pieces lie. `left`, `top`: the first piece's trimmed corner; `across`, `down`: from piece to piece."""

    width: float
    height: float
    columns: int
    rows: int
    left: float
    top: float
    across: float
    down: float

    @property
    def pieces(self) -> int:
        return self.columns * self.rows

    @property
    def turned_over(self) -> str:
        """The edge that stands upright: so backs are not head to foot, also on a sheet that lies wide."""
        return "short" if self.width > self.height else "long"

    def corner(self, place: int) -> tuple[float, float]:
        """The place-th piece's top left corner, row by row."""
        row, column = divmod(place, self.columns)
        left = self.left + column * self.across
        return left, self.top + row * self.down

    def corner_behind(self, place: int, piece_width: float) -> tuple[float, float]:
        """Where the back of that piece lies when the sheet is turned over like a leaf of a book (`turned_over`)."""
        left, top = self.corner(place)
        return self.width - left - piece_width, top


@dataclass(frozen=True)
class Layout:
    key: str
    name: str
    group: str
    width: float
    height: float
    margin: float
    two_sided: bool = False  # may have a cover on its other side
    fold: bool = False  # folded once in the middle
    round: bool = False
    mono: bool = False  # thermal: black only
    sheet: Sheet | None = None  # label stock: the sheet is given

    @property
    def wide(self) -> bool:
        return self.width >= 1.15 * self.height


@cache
def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = data_file.read(Path(__file__).parent / "data" / "layouts.yaml")
    return loaded


@cache
def layouts() -> dict[str, Layout]:
    """Every layout by its key, in the order in which they are offered."""
    return {key: _layout(key, dict(row)) for key, row in _data()["layouts"].items()}


def _layout(key: str, row: dict[str, Any]) -> Layout:
    stock = row.pop("sheet", None)
    layout = Layout(key=key, **row)
    if stock:
        layout = replace(layout, sheet=Sheet(**_data()["papers"][stock.pop("paper")], **stock))
    return layout


def papers() -> tuple[str, ...]:
    return tuple(_data()["papers"])


def one_by_one(layout: Layout, *, marks: bool) -> Sheet:
    """A page for each piece, as print shops want it: with bleed and crop marks, or exactly the trimmed size."""
    around = BLEED + SLUG if marks else 0.0
    return Sheet(
        width=layout.width + 2 * around,
        height=layout.height + 2 * around,
        columns=1,
        rows=1,
        left=around,
        top=around,
        across=layout.width,
        down=layout.height,
    )


def imposed(layout: Layout, paper: str) -> Sheet:
    """As many pieces as an office printer gets on a sheet, in the middle of it. At least one.

    Raises ValueError where the piece is larger than the paper, and KeyError for a paper that is not known.
    """
    size = _data()["papers"][paper]
    ways = ((size["width"], size["height"]), (size["height"], size["width"]))
    # Within the edges; only where that is not possible, as large as the paper or nearly (an A5 card on A5).
    sheets = [sheet for way in ways if (sheet := _filled(layout, *way, edge=EDGE)).pieces] or [
        sheet for way in ways if (sheet := _filled(layout, *way, edge=0.0)).pieces
    ]
    if not sheets:
        raise ValueError(f"{layout.name} does not fit on {paper}")
    return max(sheets, key=lambda sheet: sheet.pieces)


def _filled(layout: Layout, width: float, height: float, *, edge: float) -> Sheet:
    """Perhaps with no piece at all."""
    across, down = layout.width + GUTTER, layout.height + GUTTER
    columns = int((width - 2 * edge + GUTTER) // across)
    rows = int((height - 2 * edge + GUTTER) // down)
    return Sheet(
        width=width,
        height=height,
        columns=columns,
        rows=rows,
        left=(width - (columns * across - GUTTER)) / 2,
        top=(height - (rows * down - GUTTER)) / 2,
        across=across,
        down=down,
    )
