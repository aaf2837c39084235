"""A QR code on Shopify's packing slip: an image whose address Liquid writes, with the order's own code in it.

Whether hmac_sha256 runs in packing-slip templates, and whether `order.id` is there, is not documented (shopify.md,
section 6): where either fails, the image shows the code that is the same for everybody and the chat asks for the order.

Shopify's list of variables for packing slips (help.shopify.com, "Packing slip variable reference", read 2026-11-25) has
no language of the order. So the words go by `order.customer_locale` or `customer.locale` where a shop's slip knows one,
else by the country it goes to where that country has one main language, else they are in the shop's own.
"""

from collections.abc import Mapping
from typing import ClassVar

from post_purchase.touchpoints.base import Placing, Snippet, TouchpointKindBase
from post_purchase.touchpoints.codes import EMAIL_CODE_LENGTH
from post_purchase.words import TouchpointKind

SPOKEN_IN = {  # countries with one main language, of those that we have words in
    "ar": ("AE", "BH", "EG", "IQ", "JO", "KW", "LB", "OM", "QA", "SA"),
    "da": ("DK",),
    "de": ("AT", "DE", "LI"),
    "en": ("AU", "GB", "IE", "NZ", "US"),
    "es": ("AR", "CL", "CO", "CR", "EC", "ES", "MX", "PE", "UY"),
    "fr": ("FR", "MC"),
    "it": ("IT", "SM"),
    "ja": ("JP",),
    "nl": ("NL",),
    "pl": ("PL",),
    "pt": ("BR", "PT"),
    "sv": ("SE",),
    "tr": ("TR",),
}

LIQUID = """\
{{% assign doorstep_order = order.id | append: '' %}}
{{% assign doorstep_code = doorstep_order | prepend: 'slip' | hmac_sha256: '{key}' | slice: 0, {length} | upcase %}}
{{% assign doorstep_size = doorstep_code | size %}}
{{% if doorstep_order == '' or doorstep_size != {length} %}}{{% assign doorstep_code = '{shop}' %}}{{% endif %}}
{words}
<div style="text-align: center; margin: 16px 0;">
  <img src="{app_url}/qr/{{{{ doorstep_code }}}}.svg" width="150" height="150" alt="QR code" \
style="width: 35mm; height: 35mm;">
  <p dir="auto" style="margin: 4px 0 0; font-size: 12px;">{{{{ doorstep_words }}}}<br>\
<span dir="ltr">{host}/c &nbsp; <strong>{groups}</strong></span></p>
</div>
"""


class PackingSlip(TouchpointKindBase):
    kind: ClassVar[TouchpointKind] = TouchpointKind.PACKING_SLIP
    default_name: ClassVar[str] = "Packing slip"
    help: ClassVar[str] = (
        "A QR code on the packing slip that you print anyway: it opens the chat about exactly that order."
    )
    made_with_shop: ClassVar[bool] = False

    def steps(self) -> tuple[str, ...]:
        return (
            "Open Settings, then Shipping and delivery, then Packing slips in your Shopify admin.",
            "Click Edit, and paste the snippet at the end of the template, above the shop's address.",
            "Click Save, open any order, and print its packing slip.",
            "Scan the code on that print with your phone: the chat that opens should name the order.",
        )

    def snippet(self, placing: Placing) -> Snippet:
        code = LIQUID.format(
            key=placing.link_key,
            length=EMAIL_CODE_LENGTH,
            groups=" ".join(f"{{{{ doorstep_code | slice: {at}, 4 }}}}" for at in range(0, EMAIL_CODE_LENGTH, 4)),
            shop=placing.link_url.rpartition("/")[2],
            app_url=placing.app_url,
            host=placing.app_url.split("://", 1)[-1],
            words=_choice(placing.texts, placing.text or "Scan to chat with us about this order"),
        )
        return Snippet(code=code, language="liquid", steps=self.steps())


def _choice(texts: Mapping[str, str], own: str) -> str:
    """Liquid that sets `doorstep_words` to the words of the order's language; `own` where there are none."""
    lines = [
        "{% assign doorstep_language = order.customer_locale | default: customer.locale | default: '' "
        "| append: '' | slice: 0, 2 | downcase %}",
        "{% if doorstep_language == '' %}{% case shipping_address.country_code %}",
    ]
    for language, countries in SPOKEN_IN.items():
        named = ", ".join(f"'{country}'" for country in countries)
        lines.append(f"{{% when {named} %}}{{% assign doorstep_language = '{language}' %}}")
    lines += ["{% endcase %}{% endif %}", "{% case doorstep_language %}"]
    lines += [
        f"{{% when '{language}' %}}{{% assign doorstep_words = {_quoted(text)} %}}" for language, text in texts.items()
    ]
    return "\n".join([*lines, f"{{% else %}}{{% assign doorstep_words = {_quoted(own)} %}}", "{% endcase %}"])


def _quoted(text: str) -> str:
    """Liquid knows no escapes: the other quotes, or none of them."""
    return f"'{text}'" if "'" not in text else '"' + text.replace('"', "") + '"'
