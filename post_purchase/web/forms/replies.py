from typing import Any

from django import forms

MOST_BESIDE_A_PRODUCT = 500  # characters: WhatsApp takes 1,024 under a picture, the card's own words among them


class ReplyForm(forms.Form):
    text = forms.CharField(max_length=4000, required=False)
    point = forms.IntegerField(min_value=1)
    key = forms.RegexField(r"^[0-9A-Z]{16}$")  # made with the page: a repeated click sends once
    product = forms.IntegerField(min_value=1, max_value=2**62, required=False)
    percentage = forms.DecimalField(max_digits=5, decimal_places=2, required=False)  # empty: no code
    days = forms.IntegerField(required=False)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        text = values.get("text", "")
        if not text and not values.get("product") and "text" not in self.errors:
            self.add_error("text", "Write something first.")
        if values.get("product") and len(text) > MOST_BESIDE_A_PRODUCT:
            self.add_error(
                "text", f"Beside a product write at most {MOST_BESIDE_A_PRODUCT} letters, or send two answers."
            )
        if values.get("percentage") and not values.get("days"):
            self.add_error("days", "Choose how long the code is good.")
        return values


class TemplateForm(forms.Form):
    template = forms.IntegerField(min_value=1, error_messages={"required": "Choose a template."})
    key = forms.RegexField(r"^[0-9A-Z]{16}$")
