"""The Liquid for Shopify's own e-mails: a table for a button, since Outlook knows no other, and the address beside it.

Shopify's Liquid computes the order's code from its id and the shop's link key; services.links.email_code computes the
same. Where the filter does not run (nobody has promised that it runs in these templates; shopify.md, section 6) the
result has the wrong length and the snippet writes the shop's own code instead: the chat then asks for the order.
Nothing in here asks for a channel: the server chooses it (docs/adr/0010).
"""

import hashlib
import hmac
import html
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from liquid import Environment

from post_purchase.words import EmailTemplate
from shopapp.lib import data_file

from .codes import EMAIL_CODE_LENGTH, TEST_MARK
from .colors import WHITE, ink_on, readable
from .texts import is_rtl, pick_language

DATA = Path(__file__).parent / "data"
LOOKS = {"solid": "Filled button", "outline": "Framed button", "link": "Text link"}
ALIGNS = {"center": "Middle", "start": "At the edge where the text begins"}
# What Shopify's previews call their made-up order. From memory of its editor, not documented: a hint, no more.
SAMPLE_NAME = "#9999"
FONT = "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"

BOUND = """\
{{% assign doorstep_order = order.id | default: id | append: '' %}}
{{% assign doorstep_code = doorstep_order | hmac_sha256: '{key}' | slice: 0, {length} | upcase %}}
{{% assign doorstep_size = doorstep_code | size %}}
{{% if doorstep_order == '' or doorstep_code == doorstep_order or doorstep_size != {length} %}}
{{% assign doorstep_link = '{start}{shop}-' | append: doorstep_mark %}}
{{% else %}}
{{% assign doorstep_link = '{start}' | append: doorstep_code | append: '-' | append: doorstep_mark \
| append: '-{shop}' %}}
{{% endif %}}
"""
UNBOUND = "{{% assign doorstep_link = '{start}{shop}-' | append: doorstep_mark %}}\n"
CODE = """\
{{% comment %}} Doorstep: {title}, {language}. Copied as it is; change its words in Doorstep. {{% endcomment %}}
{{% assign doorstep_mark = '{mark}' %}}
{{% if name == '{sample}' %}}{{% assign doorstep_mark = '{mark}{test}' %}}{{% endif %}}
{link}{button}{line}"""
TABLE = """\
<table role="presentation" border="0" cellpadding="0" cellspacing="0" align="{table_align}" \
dir="{dir}" style="margin: 24px {margin} 12px;">
  <tr>
    <td align="center" bgcolor="{ground}" style="background-color: {ground}; white-space: normal; \
border: 2px solid {edge}; border-radius: 8px; mso-padding-alt: 14px 28px;">
      <a href="{{{{ doorstep_link }}}}" target="_blank" style="display: inline-block; padding: 14px 28px; \
font-family: {font}; font-size: 16px; line-height: 20px; font-weight: bold; color: {ink}; text-decoration: none;">\
<span style="color: {ink};">{text}</span></a>
    </td>
  </tr>
</table>
<div style="clear: both; font-size: 0; line-height: 0;">&nbsp;</div>
"""
TEXT_LINK = """\
<p dir="{dir}" style="margin: 24px 0 12px; text-align: {align}; font-family: {font}; font-size: 16px; \
line-height: 24px;">\
<a href="{{{{ doorstep_link }}}}" target="_blank" style="font-weight: bold; text-decoration: underline;">{text}</a></p>
"""
# The address in words: for whoever reads mail as plain text, or prints it. It has the mail's own colour, dark or light.
LINE = """\
<p dir="{dir}" style="margin: 0 0 24px; text-align: {align}; font-family: {font}; font-size: 13px; line-height: 20px;">\
{hint} <a href="{{{{ doorstep_link }}}}" dir="ltr" target="_blank" style="color: inherit; text-decoration: underline; \
word-break: break-all;">{{{{ doorstep_link }}}}</a></p>
"""


@dataclass(frozen=True)
class Look:
    look: str = "solid"
    align: str = "center"
    color: str = "#1f6f5c"


@dataclass(frozen=True)
class Place:
    """Where the link leads: `start` is `https://host/c/`, `shop` the shop's own code of the e-mail touchpoint."""

    start: str
    shop: str
    key: str


@cache
def _texts() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = data_file.read(DATA / "email_texts.yaml")
    return loaded


@cache
def samples() -> dict[str, dict[str, Any]]:
    """Made-up orders for the preview: {key: {title, language, variables}}."""
    loaded: dict[str, dict[str, Any]] = data_file.read(DATA / "sample_orders.yaml")
    return loaded


def words_in(language: str, template: EmailTemplate) -> str:
    """What the button says unless the merchant writes something else."""
    return _texts()[pick_language(language)][template.name.lower()]


def snippet(
    *, template: EmailTemplate, language: str, place: Place, look: Look, text: str = "", bound: bool = True
) -> str:
    """The Liquid to copy. `bound=False`: without the filter, for an editor that refuses it."""
    shown = {
        "dir": "rtl" if is_rtl(language) else "ltr",
        "align": look.align,
        "font": FONT,
        "text": plain(text or words_in(language, template)),
        "hint": plain(_texts()[pick_language(language)]["hint"]),
    }
    link = (BOUND if bound else UNBOUND).format(
        key=place.key, length=EMAIL_CODE_LENGTH, start=place.start, shop=place.shop
    )
    if look.look == "link":
        button = TEXT_LINK.format(**shown)
    else:
        filled = look.look == "solid"
        middle = look.align == "center"
        button = TABLE.format(
            **shown,
            table_align="center" if middle else "right" if shown["dir"] == "rtl" else "left",
            margin="auto" if middle else "0",
            ground=look.color if filled else WHITE,
            edge=look.color if filled else readable(look.color),
            ink=ink_on(look.color) if filled else readable(look.color),
        )
    return CODE.format(
        title=template.label,
        language=language,
        mark=template.value,
        sample=SAMPLE_NAME,
        test=TEST_MARK,
        link=link,
        button=button,
        line=LINE.format(**shown),
    )


def plain(text: str) -> str:
    """The merchant's words as text: neither HTML nor Liquid."""
    escaped = html.escape(text)
    return escaped.replace("{", "&#123;").replace("}", "&#125;")


def rendered(code: str, variables: Mapping[str, Any]) -> str:
    """As Shopify would send it, for the preview."""
    return _environment().from_string(code).render(**variables)


@cache
def _environment() -> Environment:
    environment = Environment()
    environment.add_filter("hmac_sha256", _hmac_sha256)
    return environment


def _hmac_sha256(text: object, key: object) -> str:
    return hmac.new(str(key).encode(), str(text).encode(), hashlib.sha256).hexdigest()
