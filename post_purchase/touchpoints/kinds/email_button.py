"""The button in Shopify's own e-mails. No app may write those: the merchant copies its Liquid once for each."""

from typing import ClassVar

from post_purchase.touchpoints.base import Placing, Snippet, TouchpointKindBase
from post_purchase.touchpoints.email_snippets import Look, Place, snippet
from post_purchase.words import EmailTemplate, TouchpointKind


class EmailButton(TouchpointKindBase):
    kind: ClassVar[TouchpointKind] = TouchpointKind.EMAIL_BUTTON
    default_name: ClassVar[str] = "Order e-mail"
    help: ClassVar[str] = "A button in Shopify's own e-mails that opens the chat about exactly that order."

    def steps(self) -> tuple[str, ...]:
        return steps_for(EmailTemplate.ORDER_CONFIRMATION)

    def snippet(self, placing: Placing) -> Snippet:
        """The order confirmation in English; web/pages/email_snippets has the other e-mails, looks and languages."""
        code = snippet(
            template=EmailTemplate.ORDER_CONFIRMATION,
            language="en",
            place=place_of(placing),
            look=Look(color=placing.color),
            text=placing.text,
        )
        return Snippet(code=code, language="liquid", steps=self.steps())


def place_of(placing: Placing) -> Place:
    return Place(start=f"{placing.app_url}/c/", shop=placing.link_url.rpartition("/")[2], key=placing.link_key)


def steps_for(template: EmailTemplate) -> tuple[str, ...]:
    return (
        "Open Settings, then Notifications, then Customer notifications in your Shopify admin.",
        f"Choose {template.label} and click Edit code.",
        "Paste the snippet where the button should stand: under the line with email_body is a good place.",
        "Click Save, then Send test. The button of a test e-mail opens your chat without an order.",
        "Your other languages: choose the language here, copy, and paste it into that language of the e-mail.",
    )
