"""What a layout has no place for, of what a merchant wrote or chose."""

from collections.abc import Container, Mapping

LOGO, BRAND, ADDRESS = "logo", "brand", "address"
NAMES = {
    LOGO: "logo",
    BRAND: "your shop's name",
    "headline": "headline",
    "body": "text",
    "call": "beside the code",
    "small": "small print",
    ADDRESS: "the address to type the code at",
}


def left_out(
    boxes: Container[str], *, words: Mapping[str, str], logo: bool, brand: bool, logo_in_code: bool, cover: bool
) -> tuple[str, ...]:
    """Names in the order of the fields. A cover shows the logo and the headline; a code may hold the logo."""
    lost = []
    if logo and LOGO not in boxes and not cover and not logo_in_code:
        lost.append(LOGO)
    if brand and not logo and LOGO not in boxes and not cover:
        lost.append(BRAND)
    return (*lost, *(name for name, text in words.items() if text and name not in boxes))


def in_words(names: tuple[str, ...]) -> str:
    """ "logo, text, small print" """
    return ", ".join(NAMES[name] for name in names)
