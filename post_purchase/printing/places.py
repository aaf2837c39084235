"""Where everything stands on the side with the code, for each shape of a layout."""

from dataclasses import dataclass

from .layouts import Layout


@dataclass(frozen=True)
class Box:
    """Millimetres from the top left corner of the trimmed piece."""

    x: float
    y: float
    width: float
    height: float


def places(layout: Layout, *, words: bool, logo: bool) -> dict[str, Box]:
    """Where everything stands on the side with the code; a name that is missing is not drawn there."""
    if layout.fold:
        half = layout.width / 2
        inner = _tall(half, layout.height, layout.margin, words=False, logo=False)
        shifted = {name: Box(box.x + half, box.y, box.width, box.height) for name, box in inner.items()}
        width, edge = half - 2 * layout.margin, layout.margin
        return shifted | {
            "headline": Box(edge, 22, width, 30),
            "body": Box(edge, 56, width, layout.height - 82),
            "small": Box(edge, layout.height - edge - 14, width, 14),
        }
    if layout.round:
        return _round(layout.width)
    if layout.wide:
        return _wide(layout.width, layout.height, layout.margin, logo=logo)
    return _tall(layout.width, layout.height, layout.margin, words=words, logo=logo)


def _wide(width: float, height: float, edge: float, *, logo: bool) -> dict[str, Box]:
    tiny = height < 32
    inner = height - 2 * edge
    strip = 0.0 if tiny else max(3.0, height * 0.075)  # for the code in letters, under the code
    call = 0.0 if height < 45 else height * 0.12
    side = min(inner - strip - call, 0.44 * width)
    right = width - edge - side
    column = right - edge - max(1.5, edge * 0.6)
    top = edge + (inner - side - strip - call) / 2
    boxes = {"code": Box(right, top + call, side, side)}
    if call:
        boxes["call"] = Box(right, top, side, call)
    at = edge
    if logo and height >= 30:
        logo_height = inner * 0.24
        boxes["logo"] = Box(edge, at, column, logo_height)
        at += logo_height + inner * 0.06
    rest = height - edge - at
    foot = min(9.0, rest * 0.26)
    if tiny:
        foot = min(5.5, rest * 0.26)
        boxes["caption"] = Box(edge, height - edge - foot, column, foot)
    else:
        boxes["caption"] = Box(right, top + call + side, side, strip)
        boxes["small"] = Box(edge, height - edge - foot, column, foot)
    boxes["headline"] = Box(edge, at, column, (rest - foot) * 0.45)
    boxes["body"] = Box(edge, at + (rest - foot) * 0.47, column, (rest - foot) * 0.5)
    return boxes


def _tall(width: float, height: float, edge: float, *, words: bool, logo: bool) -> dict[str, Box]:
    inner_width, inner = width - 2 * edge, height - 2 * edge
    low = height < 1.2 * width  # square: the words stand closer
    boxes: dict[str, Box] = {}
    at = edge
    if logo:
        boxes["logo"] = Box(edge, at, inner_width, inner * 0.12)
        at += inner * 0.15
    if words:
        boxes["headline"] = Box(edge, at, inner_width, inner * 0.16)
        at += inner * 0.165
        boxes["body"] = Box(edge, at, inner_width, inner * (0.12 if low else 0.17))
        at += inner * (0.13 if low else 0.18)
        boxes["small"] = Box(edge, height - edge - inner * 0.06, inner_width, inner * 0.06)
    end = height - edge - (inner * 0.07 if words else 0)
    strip, call = max(8.0, inner * 0.075), max(6.0, inner * 0.065)
    side = min(end - at - strip - call, inner_width * 0.72)
    top = at + (end - at - side - strip - call) / 2
    boxes["call"] = Box(edge, top, inner_width, call)
    boxes["code"] = Box((width - side) / 2, top + call, side, side)
    boxes["caption"] = Box(edge, top + call + side, inner_width, strip)
    return boxes


def _round(width: float) -> dict[str, Box]:
    """The code's quiet zone touches the circle at four corners; words stand in the segments above and below.

    Below: where to type, the code in letters, and the call, which grow shorter as the circle does.
    """
    side = width * 0.56
    left, top = (width - side) / 2, (width - side) / 2
    words = width * 0.6
    return {
        "headline": Box((width - words) / 2, width * 0.065, words, top - width * 0.075),
        "code": Box(left, top, side, side),
        "caption": Box((width - words) / 2, top + side, words, width * 0.1),
        "call": Box((width - words * 0.67) / 2, top + side + width * 0.1, words * 0.67, width * 0.06),
    }
