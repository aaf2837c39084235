"""Colours that can be read, by WCAG's own measure."""

DARK = "#000000"  # not lighter: on some colours neither white nor a dark grey can be read
WHITE = "#ffffff"
ENOUGH = 4.5  # WCAG 2.2, 1.4.3


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white). Colours like #1f6f5c."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def ink_on(ground: str) -> str:
    """White or black, whichever is read more easily on this ground."""
    return max((WHITE, DARK), key=lambda ink: contrast(ink, ground))


def readable(color: str, ground: str = WHITE) -> str:
    """The colour itself where it can be read on this ground, else what can."""
    return color if contrast(color, ground) >= ENOUGH else ink_on(ground)


def _luminance(color: str) -> float:
    parts = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
