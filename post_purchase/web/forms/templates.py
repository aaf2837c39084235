"""A message template of the merchant's own."""

from collections.abc import Mapping
from typing import Any

from django import forms

from post_purchase.services.templates import MAX_BODY, TemplateSpec

from .settings import LANGUAGES

CATEGORIES = (("UTILITY", "News of an order"), ("MARKETING", "Offer"))


class TemplateForm(forms.Form):
    account = forms.IntegerField(error_messages={"required": "Choose an account.", "invalid": "Choose an account."})
    name = forms.RegexField(
        r"^[a-z0-9_]{1,120}$",
        error_messages={
            "invalid": "Small letters, digits and _ only, like order_question.",
            "required": "Give it a name.",
        },
    )
    language = forms.ChoiceField(choices=LANGUAGES)
    category = forms.ChoiceField(choices=CATEGORIES)
    body = forms.CharField(max_length=MAX_BODY, error_messages={"required": "Write the text."})
    samples = forms.CharField(max_length=2000, required=False)

    def __init__(self, data: Mapping[str, Any] | None = None):
        super().__init__(data)

    def spec(self) -> TemplateSpec:
        values = [line.strip() for line in self.cleaned_data["samples"].splitlines() if line.strip()]
        names = ("name", "language", "category", "body")
        return TemplateSpec(**{name: self.cleaned_data[name] for name in names}, samples=values)
