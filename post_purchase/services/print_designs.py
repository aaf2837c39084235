"""What stands on a card: kept in its touchpoint's options, in each of the shop's languages, with a usable default."""

import hashlib
import io
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from PIL import Image

from post_purchase.models import Touchpoint
from post_purchase.printing.card import Design
from post_purchase.printing.layouts import layouts
from post_purchase.printing.scan_check import ScanCheck, check
from shopapp.lib import data_file, stored_files
from shopapp.lib.crypto import CODE_ALPHABET, CODE_LENGTH, derived_code

from .shops import settings_of

WORDS = ("headline", "body", "call", "small")
DEFAULT_LAYOUT = "business_card"
MAX_LOGO = 4 * 1024 * 1024  # bytes
LOGO_EDGE = 1000  # pixels: 600 dpi on 4 cm
_PIXELS = 40_000_000


class LogoRefused(Exception):
    """The picture cannot be used; the text says why, for the merchant."""


@cache
def default_words() -> dict[str, dict[str, str]]:
    """Language -> the words of a card that nobody has written yet."""
    loaded: dict[str, dict[str, str]] = data_file.read(Path(__file__).parent / "data" / "card_words.yaml")
    return loaded


def words_in(options: Mapping[str, Any], language: str) -> dict[str, str]:
    """The merchant's words, else ours; a word that was emptied on purpose stays empty."""
    tag = language.lower()
    own = options.get("texts", {}).get(tag, {})
    default = default_words().get(tag) or default_words().get(tag.split("-")[0]) or default_words()["en"]
    return {name: str(own.get(name, default[name])) for name in WORDS}


def calls() -> dict[str, str]:
    """Our own words beside a code, by language."""
    return {language: words["call"] for language, words in default_words().items()}


def languages_of(touchpoint: Touchpoint) -> list[str]:
    settings = settings_of(touchpoint.shop)
    written = touchpoint.options.get("texts", {})
    return list(dict.fromkeys([settings.default_language.lower(), *map(str.lower, settings.languages), *written]))


def design_of(touchpoint: Touchpoint, *, language: str = "", options: Mapping[str, Any] | None = None) -> Design:
    """The card as it would be printed now; `options` instead of the stored ones for a preview or a batch's snapshot."""
    chosen: Mapping[str, Any] = touchpoint.options if options is None else options
    settings = settings_of(touchpoint.shop)
    tag = language or str(chosen.get("card_language") or settings.default_language)
    key = str(chosen.get("layout", ""))
    return Design(
        layout=layouts().get(key) or layouts()[DEFAULT_LAYOUT],
        language=tag,
        brand=str(chosen.get("brand") or settings.display_name),
        color=str(chosen.get("color") or settings.brand_color),
        code_color=str(chosen.get("code_color") or "#000000"),
        paper=str(chosen.get("paper") or "#ffffff"),
        logo=read_logo(touchpoint, str(chosen.get("logo", ""))),
        logo_in_code=bool(chosen.get("logo_in_code")),
        cover=bool(chosen.get("cover")),
        **words_in(chosen, tag),
    )


def snapshot(touchpoint: Touchpoint, *, language: str) -> dict[str, Any]:
    """All that the card shows now, also what it takes from the shop's settings: a print run stays as it was ordered."""
    design = design_of(touchpoint, language=language)
    fixed = {"card_language": language, "brand": design.brand, "color": design.color, "layout": design.layout.key}
    texts = {language.lower(): words_in(touchpoint.options, language)}
    options: dict[str, Any] = touchpoint.options
    return options | fixed | {"texts": texts}


def sample_url() -> str:
    """An address as long as every one that is printed, which leads nowhere."""
    return f"{django_settings.APP_URL}/c/{(CODE_ALPHABET * 2)[3 : 3 + CODE_LENGTH]}"


def check_design(touchpoint: Touchpoint, *, language: str = "", options: Mapping[str, Any] | None = None) -> ScanCheck:
    return check(design_of(touchpoint, language=language, options=options), sample_url())


def save_logo(*, touchpoint: Touchpoint, content: bytes) -> str:
    """Kept as a PNG of our own making, whatever came; its name. Raises LogoRefused."""
    if len(content) > MAX_LOGO:
        raise LogoRefused("The logo is larger than 4 MB. Save it smaller and try again.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP", "GIF")) as picture:
                if picture.width * picture.height > _PIXELS:
                    raise LogoRefused("The logo has too many pixels. 1,000 across are plenty.")
                picture.thumbnail((LOGO_EDGE, LOGO_EDGE))
                clean = picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise LogoRefused("This picture cannot be opened. Use a PNG or JPEG file; save an SVG as PNG first.") from error
    out = io.BytesIO()
    clean.save(out, "PNG", optimize=True)
    data = out.getvalue()
    name = f"{_folder(touchpoint)}/logo-{hashlib.sha256(data).hexdigest()[:24]}.png"
    stored_files.save(name, data)
    return name


def read_logo(touchpoint: Touchpoint, name: str) -> bytes:
    """The logo's PNG; nothing where there is none, or where the name is another shop's."""
    if not name.startswith(f"{_folder(touchpoint)}/"):
        return b""
    return stored_files.read(name) or b""


def _folder(touchpoint: Touchpoint) -> str:
    return folder_of(touchpoint.shop_id)


def folder_of(shop_id: int) -> str:
    """Where a shop's logos and print files lie below MEDIA_ROOT."""
    return f"print/{derived_code('print', str(shop_id)).lower()}"
