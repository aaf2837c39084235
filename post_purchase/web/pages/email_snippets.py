"""The button in Shopify's e-mails: pick words and look, see it with sample orders, copy it, see whether it works."""

from typing import Any

from babel import Locale
from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_POST

from post_purchase.models import ShopSettings, Touchpoint
from post_purchase.services.shops import settings_of
from post_purchase.services.touchpoint_numbers import email_states
from post_purchase.touchpoints import email_snippets as snippets
from post_purchase.touchpoints.codes import read_code
from post_purchase.touchpoints.kinds.email_button import place_of, steps_for
from post_purchase.touchpoints.texts import is_rtl, languages, pick_language
from post_purchase.web.forms.touchpoints import EmailForm
from post_purchase.words import EmailTemplate, TouchpointKind
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, refused, saved
from .emails import shown
from .touchpoints import placing_of, touchpoint_of

SCHEMES = (("light", "Light"), ("dark", "Dark"))


@shop_required
@require_GET
def email_snippet(request: ShopRequest, pk: int, slug: str) -> HttpResponse:
    row, template = found(request, pk, slug)
    settings = settings_of(request.shop)
    language = pick_language(request.GET.get("language", ""), settings.default_language)
    look = look_of(row, settings)
    text = words_of(row, template, language)
    simple = request.GET.get("simple") == "1"
    code = snippets.snippet(
        template=template,
        language=language,
        place=place_of(placing_of(request, row)),
        look=look,
        text=text,
        bound=not simple,
    )
    samples = snippets.samples()
    sample = request.GET.get("sample", "")
    sample = sample if sample in samples else next(iter(samples))
    variables = samples[sample]["variables"]
    button = snippets.rendered(code, variables)
    state = next(each for each in email_states(touchpoint=row) if each.template == template)
    return page(
        request,
        "pages/email_snippet.html",
        row=row,
        slug=slug,
        label=template.label,
        state=shown(state),
        language=language,
        languages=[(tag, Locale.parse(tag).display_name) for tag in languages()],
        words=snippets.words_in(language, template),
        text=text,
        look=look,
        looks=snippets.LOOKS.items(),
        aligns=snippets.ALIGNS.items(),
        sample=sample,
        samples=[(key, each["title"]) for key, each in samples.items()],
        mails=[
            (title, mail(settings, template, language, button, variables, dark=scheme == "dark"))
            for scheme, title in SCHEMES
        ],
        leads_to_order=leads_to_order(button),
        steps=steps_for(template),
        code=code,
        simple=simple,
    )


@shop_required
@require_POST
def save_email(request: ShopRequest, pk: int, slug: str) -> HttpResponse:
    row, template = found(request, pk, slug)
    form = EmailForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    chosen = form.cleaned_data
    texts: dict[str, dict[str, str]] = dict(row.options.get("email_texts", {}))
    texts[template.value] = dict(texts.get(template.value, {})) | {chosen["language"]: chosen["text"]}
    row.options = row.options | {"look": chosen["look"], "align": chosen["align"], "email_texts": texts}
    row.save(update_fields=["options"])
    return saved("Saved. Copy the snippet again: what stands in Shopify stays as it is.")


def found(request: ShopRequest, pk: int, slug: str) -> tuple[Touchpoint, EmailTemplate]:
    row = touchpoint_of(request, pk)
    by_slug = {template.name.lower(): template for template in EmailTemplate}
    if row.kind != TouchpointKind.EMAIL_BUTTON or slug not in by_slug:
        raise Http404
    return row, by_slug[slug]


def look_of(row: Touchpoint, settings: ShopSettings) -> snippets.Look:
    """What is stored, where it still is one of ours."""
    options: dict[str, Any] = row.options
    look, align = str(options.get("look")), str(options.get("align"))
    return snippets.Look(
        look=look if look in snippets.LOOKS else "solid",
        align=align if align in snippets.ALIGNS else "center",
        color=settings.brand_color,
    )


def words_of(row: Touchpoint, template: EmailTemplate, language: str) -> str:
    """The merchant's own words, or empty."""
    return str(row.options.get("email_texts", {}).get(template.value, {}).get(language, ""))


def mail(
    settings: ShopSettings,
    template: EmailTemplate,
    language: str,
    button: str,
    variables: dict[str, Any],
    *,
    dark: bool,
) -> str:
    return render_to_string(
        "mail/sample.html",
        {
            "language": language,
            "rtl": is_rtl(language),
            "dark": dark,
            "title": template.label,
            "heading": template.label,
            "shop_name": settings.display_name,
            "button": button,
            **{name: variables[name] for name in ("name", "lines", "total")},
        },
    )


def leads_to_order(button: str) -> bool:
    address = button.partition('href="')[2].partition('"')[0]
    read = read_code(address.rpartition("/")[2])
    return read is not None and bool(read.fallback) and not read.test
