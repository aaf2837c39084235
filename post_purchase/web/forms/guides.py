"""Guides to products, what goes well with a product, and which metafields flows may ask about."""

import re
from typing import Any

from django import forms

from post_purchase.models import Product, ProductGuide
from post_purchase.services.guides import folded
from post_purchase.services.products import MAX_METAFIELDS
from shopapp.models import Shop

from .settings import LANGUAGES

HTTPS = "Write an address that begins with https://."
METAFIELD = re.compile(r"[A-Za-z0-9_-]{2,255}\.[A-Za-z0-9_-]{2,64}", re.ASCII)  # namespace and key, as Shopify has them
MAX_COMPANIONS = 10


class _HttpsField(forms.CharField):
    def __init__(self) -> None:
        super().__init__(max_length=500, required=False)

    def clean(self, value: Any) -> str:
        address = str(super().clean(value) or "")
        if address and not re.fullmatch(r"https://[^\s\"<>/]+\.[^\s\"<>]+", address):
            raise forms.ValidationError(HTTPS)
        return address


class GuideForm(forms.Form):
    """The words of a guide."""

    title = forms.CharField(max_length=120, required=False)
    text = forms.CharField(max_length=2000, error_messages={"required": "Write the guide first."})
    picture_url = _HttpsField()
    video_url = _HttpsField()


class NewGuideForm(GuideForm):
    """And what it is for. `value`: a product's handle, a tag, or a type."""

    kind = forms.ChoiceField(choices=ProductGuide.Kind.choices)
    value = forms.CharField(max_length=255, error_messages={"required": "Say what the guide is for."})
    language = forms.ChoiceField(choices=LANGUAGES)

    def __init__(self, data: Any, *, shop: Shop):
        super().__init__(data)
        self.shop, self.name = shop, ""

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        value, kind = cleaned.get("value", "").strip(), cleaned.get("kind")
        self.name = value
        if not value or not kind:
            return cleaned
        if kind == ProductGuide.Kind.PRODUCT:
            product = product_named(self.shop, value)
            if product is None:
                self.add_error("value", unknown(value))
            else:
                self.name, cleaned["value"] = product.title, str(product.shopify_id)
        else:
            cleaned["value"] = folded(value)
        if (
            not self.errors
            and self.shop.guides.filter(kind=kind, value=cleaned["value"], language=cleaned["language"]).exists()
        ):
            self.add_error("value", "There is a guide for this in this language already. Edit that one.")
        return cleaned


class CompanionsForm(forms.Form):
    """Handles of products, separated by commas or lines; the first comes first."""

    handles = forms.CharField(max_length=3000, required=False)

    def __init__(self, data: Any, *, product: Product):
        super().__init__(data)
        self.product, self.found = product, list[Product]()

    def clean_handles(self) -> str:
        text: str = self.cleaned_data["handles"]
        names = list(dict.fromkeys(name.strip() for name in re.split(r"[,\n]", text) if name.strip()))
        if len(names) > MAX_COMPANIONS:
            raise forms.ValidationError(f"Choose at most {MAX_COMPANIONS} products.")
        for name in names:
            row = product_named(self.product.shop, name)
            if row is None:
                raise forms.ValidationError(unknown(name))
            if row.pk == self.product.pk:
                raise forms.ValidationError("A product does not go with itself.")
            self.found.append(row)
        return text


class MetafieldsForm(forms.Form):
    names = forms.CharField(max_length=4000, required=False)

    def clean_names(self) -> list[str]:
        names = list(dict.fromkeys(re.split(r"[\s,]+", self.cleaned_data["names"].strip())))
        found = [name for name in names if name]
        if len(found) > MAX_METAFIELDS:
            raise forms.ValidationError(f"Name at most {MAX_METAFIELDS} metafields.")
        for name in found:
            if not METAFIELD.fullmatch(name):
                raise forms.ValidationError(f"“{name[:60]}” is no metafield. Write namespace and key: custom.material.")
        return found


def product_named(shop: Shop, handle: str) -> Product | None:
    """By its handle, also where the whole address of the product was pasted."""
    last = handle.rsplit("/products/", 1)[-1].split("?")[0].strip("/ ").lower()
    return shop.products.filter(handle=last, deleted_at=None).first()


def unknown(handle: str) -> str:
    return f"No product has the handle “{handle[:80]}”. It is the last part of the product's address in your store."
