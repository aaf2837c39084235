"""The merchant's own heading and text on the thank-you and order-status pages, one language at a time."""

from dataclasses import dataclass

from babel import Locale, UnknownLocaleError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from post_purchase.models import Touchpoint
from post_purchase.services.publications import storefront_changed
from post_purchase.services.shops import settings_of
from post_purchase.web.forms.touchpoints import CheckoutWordsForm
from post_purchase.words import TouchpointKind
from shopapp.models import Shop
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import refused, saved


@dataclass(frozen=True)
class WordsIn:
    """One language's fields. Only the first, the shop's own, can be shown to everybody."""

    language: str
    name: str
    words: dict[str, str]
    is_own: bool
    is_for_all: bool


def words_rows(shop: Shop, row: Touchpoint) -> list[WordsIn]:
    """For each language of the shop, the default first. Empty for other kinds of touchpoint."""
    if row.kind != TouchpointKind.THANK_YOU_PAGE:
        return []
    settings = settings_of(shop)
    words = row.options.get("words") or {}
    own = settings.default_language
    everywhere = row.options.get("words_everywhere") is True
    tags = dict.fromkeys([own, *settings.languages, *words])
    return [
        WordsIn(tag, name_in_english(tag), words.get(tag) or {}, tag == own, tag == own and everywhere) for tag in tags
    ]


def name_in_english(tag: str) -> str:
    """ "de" is German; a tag that nobody knows is shown as it is."""
    try:
        return str(Locale.parse(tag.replace("-", "_")).get_display_name("en") or tag)
    except (ValueError, UnknownLocaleError):
        return tag


@shop_required
@require_POST
def save_checkout_words(request: ShopRequest, pk: int) -> HttpResponse:
    """Both fields empty: the blocks use their own words again."""
    rows = request.shop.touchpoints.filter(archived_at=None, kind=TouchpointKind.THANK_YOU_PAGE)
    row = get_object_or_404(rows, pk=pk)
    form = CheckoutWordsForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    words = dict(row.options.get("words") or {})
    told = {name: form.cleaned_data[name] for name in ("heading", "text") if form.cleaned_data[name]}
    words.pop(form.cleaned_data["language"], None)
    if told:
        words[form.cleaned_data["language"]] = told
    row.options = row.options | {"words": words}
    if form.cleaned_data["language"] == settings_of(request.shop).default_language:
        row.options["words_everywhere"] = form.cleaned_data["everywhere"]
    row.save(update_fields=["options"])
    storefront_changed(shop=request.shop)
    return saved("Saved. Shoppers see it on both pages within a minute.")
