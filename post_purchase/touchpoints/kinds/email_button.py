"""The button in Shopify's own e-mails. No app may write those templates: the merchant copies this Liquid once.

Shopify's Liquid computes the code from the order's id and the shop's link key, so no call is needed when it is sent
(shopify.md, section 6). services.links.email_code computes the same on our side.
"""

import html
from typing import ClassVar

from post_purchase.touchpoints.base import Placing, Snippet, TouchpointKindBase
from post_purchase.words import TouchpointKind

CODE = "{{{{ id | append: '' | hmac_sha256: '{key}' | slice: 0, 20 | upcase }}}}"
BUTTON = """\
{{% if id %}}
<table role="presentation" border="0" cellpadding="0" cellspacing="0" align="center" style="margin: 24px auto;">
  <tr>
    <td align="center" bgcolor="{color}" style="border-radius: 6px; background-color: {color};">
      <a href="{url}" target="_blank" style="display: inline-block; padding: 14px 28px; font-size: 16px; \
font-family: -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; line-height: 20px; font-weight: bold; \
color: #ffffff; text-decoration: none; border: 1px solid {color}; border-radius: 6px;">{text}</a>
    </td>
  </tr>
</table>
<p style="margin: 0 0 24px; text-align: center; font-size: 13px; line-height: 20px; color: #5c5f62;">
  {hint} <a href="{url}" target="_blank" style="color: {color};">{url}</a>
</p>
{{% endif %}}
"""


class EmailButton(TouchpointKindBase):
    kind: ClassVar[TouchpointKind] = TouchpointKind.EMAIL_BUTTON
    default_name: ClassVar[str] = "Order e-mail"
    help: ClassVar[str] = "A button in Shopify's order confirmation that opens the chat about exactly that order."

    def steps(self) -> tuple[str, ...]:
        return (
            "Open Settings, then Notifications, then Customer notifications in your Shopify admin.",
            "Choose Order confirmation and click Edit code.",
            "Paste the snippet where the button should stand: under the line with email_body is a good place.",
            "Save. Do the same for Shipping confirmation if you like, and for each language that you translated.",
            "The preview shows a made-up order: its button says that the code is not known. A real order works.",
        )

    def snippet(self, placing: Placing) -> Snippet:
        url = f"{placing.app_url}/c/{CODE.format(key=placing.link_key)}"
        code = BUTTON.format(
            url=url,
            color=html.escape(placing.color),
            text=_plain(placing.text or "Questions about your order? Chat with us"),
            hint="Or open",
        )
        return Snippet(code=code, language="liquid", steps=self.steps())


def _plain(text: str) -> str:
    """The merchant's words as text: neither HTML nor Liquid."""
    escaped = html.escape(text)
    return escaped.replace("{", "&#123;").replace("}", "&#125;")
