from collections.abc import Collection
from datetime import date
from typing import Any

from django import forms

from post_purchase.printing.layouts import layouts, papers
from post_purchase.touchpoints.routes import PATH
from post_purchase.words import ChannelKind
from shopapp.models import Shop

from .guides import product_named, unknown

HEX = r"^#[0-9a-fA-F]{6}$"
WHOLE_SHEET = "Choose a number of cards from 1 to 50,000."


def color_field(label: str) -> forms.RegexField:
    return forms.RegexField(
        HEX, required=False, error_messages={"invalid": f"Write the {label} as # and six digits, like #1f6f5c."}
    )


class DesignForm(forms.Form):
    """The card in one language. Words may be empty: then nothing is printed there."""

    language = forms.RegexField(r"^[a-z]{2,3}(-[a-z]{2,4})?$", max_length=8)
    layout = forms.ChoiceField(choices=[(key, row.name) for key, row in layouts().items()])
    headline = forms.CharField(max_length=120, required=False)
    body = forms.CharField(max_length=400, required=False)
    call = forms.CharField(max_length=80, required=False)
    small = forms.CharField(max_length=160, required=False)
    color = color_field("colour")
    code_color = color_field("colour of the code")
    paper = color_field("colour of the paper")
    cover = forms.BooleanField(required=False)
    logo_in_code = forms.BooleanField(required=False)
    product = forms.CharField(max_length=255, required=False)
    collection_id = forms.IntegerField(required=False, min_value=1)

    def __init__(
        self, *args: Any, shop: Shop, kept_product: int | None, collections: list[tuple[int, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.shop, self.kept_product, self.collections = shop, kept_product, dict(collections)

    def clean_product(self) -> int | None:
        """Shopify's id of the product. One that is gone from the shop stays, named by its id."""
        named: str = self.cleaned_data["product"].strip()
        if not named or named == str(self.kept_product):
            return self.kept_product if named else None
        product = product_named(self.shop, named)
        if product is None:
            raise forms.ValidationError(unknown(named))
        return product.shopify_id

    def clean_collection_id(self) -> int | None:
        collection: int | None = self.cleaned_data["collection_id"]
        if collection is not None and collection not in self.collections:
            raise forms.ValidationError("Choose one of your collections.")
        if collection is not None and self.cleaned_data.get("product"):
            raise forms.ValidationError("A card is for a product or for a collection. Empty one of them.")
        return collection


class SheetForm(forms.Form):
    """How pieces come out: a page each (empty), or many on a sheet of paper."""

    paper = forms.ChoiceField(choices=[("", ""), *((name, name) for name in papers())], required=False)
    marks = forms.BooleanField(required=False)


class BatchForm(SheetForm):
    name = forms.CharField(max_length=120, error_messages={"required": "Give the print run a name."})
    quantity = forms.IntegerField(
        min_value=1,
        max_value=50_000,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), WHOLE_SHEET),
    )
    language = forms.CharField(max_length=8, required=False)
    form = forms.ChoiceField(choices=[("pdf", ""), ("svg", ""), ("png", ""), ("csv", "")])

    def __init__(self, *args: Any, languages: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.languages = languages

    def clean_language(self) -> str:
        tag: str = self.cleaned_data["language"].lower()
        if tag and tag not in self.languages:
            raise forms.ValidationError("Choose one of the card's languages.")
        return tag


class RouteForm(forms.Form):
    """Where a printed code leads. Everything empty: the chat app that suits the shopper."""

    channel = forms.ChoiceField(choices=[("", ""), *ChannelKind.choices], required=False)
    language = forms.RegexField(r"^[a-z]{2,3}$", max_length=3, required=False)
    flow = forms.CharField(max_length=64, required=False)
    page = forms.CharField(max_length=400, required=False)
    ends_on = forms.DateField(required=False, error_messages={"invalid": "Write the day as 2026-12-31."})
    page_after = forms.CharField(max_length=400, required=False)

    def __init__(self, *args: Any, shop: Shop, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shop = shop

    def clean_page(self) -> str:
        return self._path("page")

    def clean_page_after(self) -> str:
        return self._path("page_after")

    def _path(self, name: str) -> str:
        path: str = self.cleaned_data[name].strip()
        for host in (self.shop.primary_url.rstrip("/"), f"https://{self.shop.domain}"):
            if host and path.startswith(f"{host}/"):
                path = path.removeprefix(host)
        if path and not PATH.fullmatch(path):
            raise forms.ValidationError("Write a page of your own website, from its first slash on: /pages/thanks.")
        return path

    def clean_flow(self) -> str:
        flow: str = self.cleaned_data["flow"]
        if flow and not self.shop.flows.filter(key=flow).exists():
            raise forms.ValidationError("Choose one of your flows.")
        return flow

    def route(self) -> dict[str, str]:
        """What was chosen, as it is stored."""
        ends_on: date | None = self.cleaned_data["ends_on"]
        chosen = {name: str(self.cleaned_data[name]) for name in ("channel", "language", "flow", "page", "page_after")}
        chosen["ends_on"] = ends_on.isoformat() if ends_on else ""
        return {name: value for name, value in chosen.items() if value}
