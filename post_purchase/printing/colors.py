"""Colours as "#rrggbb": how bright they are, and the PDF operators that fill with them."""

from .pdf import number


def rgb(color: str) -> tuple[float, float, float]:
    value = color.lstrip("#")
    return tuple(int(value[place : place + 2], 16) / 255 for place in (0, 2, 4))  # type: ignore[return-value]


def luminance(color: str) -> float:
    """WCAG 2.2 relative luminance, 0 (black) to 1 (white)."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb(color)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def fill(color: str) -> bytes:
    """Black and white are grey values: one ink, which a print shop's black plate takes as it is."""
    red, green, blue = rgb(color)
    if red == green == blue:
        return number(red) + b" g"
    return b"%b %b %b rg" % (number(red), number(green), number(blue))


def on(color: str) -> str:
    """Black or white, whichever is read better on this colour."""
    return "#ffffff" if luminance(color) < 0.4 else "#000000"
