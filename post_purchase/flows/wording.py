"""From "send message `shipped`" to words: language, values, taps, the template for a closed window. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from post_purchase.channels.base import Button, OutMessage, TemplateUse, UrlButton
from post_purchase.channels.cards import Card
from post_purchase.services import texts
from post_purchase.services.phrases import phrase
from post_purchase.services.template_words import digest_of, filled, meta_language, numbered
from post_purchase.words import Purpose

from .definition import FALLBACK_LANGUAGE, FlowDocument, MessageSpec, Wording
from .effects import Say

SEVERAL = 2
PRICE = "{{ product.price | money: product.currency }}"
_SPACES = re.compile(r"\s+")


class NoWording(Exception):
    """The document has no text for this message in any language."""


@dataclass(frozen=True)
class Composed:
    content: OutMessage
    purpose: Purpose
    useful_for: timedelta | None
    fact: str = ""  # what it tells, and of what: "shipped:parcel:7"
    missing: list[str] = field(default_factory=list)  # values that its text lacks, with no words for that: holes
    unlinked: list[str] = field(default_factory=list)  # values that its link lacks: it goes without the link


def variables(
    facts: Mapping[str, Any],
    answers: Mapping[str, Any],
    parcel: int | None,
    words: Mapping[str, str],
    gathered: tuple[int, ...] = (),
) -> dict[str, Any]:
    """What a text can name: shop, contact, order, parcel, parcels, reward, review, guide, bought,
    products, history, answers, words.

    And `news`: the parcels that the message tells of (several where they were gathered into one); `news_items`: all
    that is in them.
    """
    personal = facts.get("personal", {})
    tracking = personal.get("tracking", {})
    parcels = {
        key: {
            **value,
            "tracking_url": tracking.get(key, {}).get("url"),
            "tracking_number": tracking.get(key, {}).get("number"),
        }
        for key, value in facts.get("parcels", {}).items()
    }
    values: dict[str, Any] = {
        "shop": facts.get("shop"),
        "contact": {**facts.get("contact", {}).get("fields", {}), "first_name": personal.get("first_name")},
        "order": facts.get("order"),
        "parcels": list(parcels.values()),
        "parcel": parcels.get(str(parcel)),
        "news": [parcels[str(key)] for key in gathered or ((parcel,) if parcel else ()) if str(key) in parcels],
        "guide": facts.get("guide"),
        "bought": facts.get("bought"),
        "products": answers.get("products"),
        "history": facts.get("history"),
        "reward": {**facts.get("reward", {}), **(answers.get("reward") or {})},
        "review": facts.get("review"),
        "answers": answers,
        "words": words,
    }
    values["news_items"] = [item for each in values["news"] for item in each.get("items") or ()]
    return {name: _empty_as_nothing(value) for name, value in values.items()}


def _empty_as_nothing(value: Any) -> Any:
    """To Liquid an empty text is true; `{% if parcel.carrier %}` is meant otherwise."""
    if isinstance(value, Mapping):
        return {key: _empty_as_nothing(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_empty_as_nothing(item) for item in value]
    return None if value == "" else value


def compose(
    document: FlowDocument,
    say: Say,
    facts: Mapping[str, Any],
    answers: Mapping[str, Any],
    *,
    tap_prefix: str = "",
    channel: str = "",
) -> Composed:
    """Raises NoWording, or texts.TextError where a text is broken.

    With `channel` the text is the one of that network; else its forms go along until the network is chosen.
    """
    spec = document.messages.get(say.message)
    found = document.wording(say.message, facts["language"], facts["default_language"])
    if spec is None or found is None:
        raise NoWording(f"There is no text for the message {say.message!r}")
    language, wording = found
    missing: list[str] = []
    unlinked: list[str] = []
    values = variables(facts, answers, say.parcel, words_of(document, language, facts["default_language"]), say.parcels)

    def fill(template: str, spoken: str = language, holes: list[str] = missing) -> str:
        return texts.render(template, values, language=spoken, timezone=facts["timezone"], missing=holes)

    own = fill(form) if (form := form_for(wording, channel)) else ""
    url = fill(spec.url, holes=unlinked) if spec.url and wording.url_title else ""
    content = OutMessage(
        text=own if own.strip() else fill(wording.text),
        forms={}
        if channel
        else {kind.value: text for kind, form in wording.forms.items() if (text := fill(form)).strip()},
        subject=_SPACES.sub(" ", fill(wording.subject)) if wording.subject else "",
        preheader=fill(wording.preheader) if wording.preheader else "",
        buttons=[
            Button(id=tap_prefix + choice, title=title)
            for choice in say.choices
            if (title := wording.choices.get(choice.rpartition(":")[2]))
        ],
        list_title=wording.list_title,
        image_path=_picture(document, say, facts),
        url_button=UrlButton(title=wording.url_title, url=url)
        if url.startswith(("https://", "http://")) and not unlinked
        else None,
        cards=product_cards(wording, say, answers, language=language),
        template=_template(document, spec, say, facts, fill),
        language=language,
        rtl=texts.is_rtl(language),
    )
    return Composed(content, spec.purpose, spec.useful_for, fact_of(spec, say, facts), missing, unlinked)


def product_cards(wording: Wording, say: Say, answers: Mapping[str, Any], *, language: str) -> list[Card]:
    """A message that names the products, where several were found, and asks nothing: each of them with its picture."""
    found = [each for each in answers.get("products") or () if isinstance(each, Mapping)]
    if len(found) < SEVERAL or say.choices or not any(name[0] == "products" for name in texts.names_in(wording.text)):
        return []
    has_code = bool((answers.get("reward") or {}).get("code"))  # the cart's link carries it
    cards = [_product_card(each, language, to_cart=has_code) for each in found]
    shown = [card for card in cards if card.url.startswith("https://") and card.image_url.startswith("https://")]
    return shown if len(shown) >= SEVERAL else []


def _product_card(product: Mapping[str, Any], language: str, *, to_cart: bool) -> Card:
    page, cart = str(product.get("url") or ""), str(product.get("cart_url") or "")
    price = (
        texts.render(PRICE, {"product": dict(product)}, language=language)
        if product.get("price") and product.get("currency")
        else ""
    )
    return Card(
        title=str(product.get("title") or ""),
        text=price,
        image_url=str(product.get("image_url") or ""),
        url=(to_cart and cart) or page or cart,
        button=phrase("see_product", language),
    )


def _picture(document: FlowDocument, say: Say, facts: Mapping[str, Any]) -> str:
    """A guide goes with its picture."""
    step = document.steps.get(say.step)
    found = str((facts.get("guide") or {}).get("picture_url") or "") if step and step.kind == "send_guide" else ""
    return found if found.startswith(("https://", "http://")) else ""


def form_for(wording: Wording, channel: str) -> str:
    return next((form for kind, form in wording.forms.items() if kind == channel), "")


def fact_of(spec: MessageSpec, say: Say, facts: Mapping[str, Any]) -> str:
    """Of the parcels that the message names; else of the only parcel; else of the order. "" where it tells no fact."""
    order = (facts.get("order") or {}).get("id")
    if not spec.tells or spec.purpose != Purpose.UTILITY:
        return ""
    known = facts.get("parcels") or {}
    parcels = say.parcels or ((say.parcel,) if say.parcel else ()) or (tuple(known) if len(known) == 1 else ())
    if parcels:
        return f"{spec.tells}:parcel:{','.join(sorted(map(str, parcels)))}"
    return f"{spec.tells}:order:{order}" if order else ""


def words_of(document: FlowDocument, language: str, default: str) -> dict[str, str]:
    names = {name for spoken in document.texts.values() for name in spoken.words}
    return {name: document.word(name, language, default) for name in names}


def _template(
    document: FlowDocument, spec: MessageSpec, say: Say, facts: Mapping[str, Any], fill: Any
) -> TemplateUse | None:
    if spec.template is None:
        return None
    spoken = template_language(document, say.message, facts["language"], facts["default_language"])
    if spoken is None:
        return None
    # Meta refuses empty values and line breaks in them (132000, 132018).
    holes: list[str] = []
    parameters = [_SPACES.sub(" ", fill(part.value, spoken, holes)).strip() for part in spec.template.parameters]
    if holes or not all(parameters):
        return None
    bodies = _bodies(document, say.message, spoken, facts["default_language"])
    orders = {tag: numbered(body)[1] for tag, body in bodies.items()}
    return TemplateUse(
        name=spec.template.name,
        language=spoken,
        parameters=parameters,
        category=spec.template.category,
        bodies={tag: digest_of(body) for tag, body in bodies.items()},
        orders={tag: order for tag, order in orders.items() if order != list(range(1, len(parameters) + 1))},
    )


def closed_text(document: FlowDocument, message: str, content: OutMessage) -> str:
    """What the phone shows when it goes as a template; empty where it has none."""
    use = content.template
    return filled(document.texts[use.language].messages[message].template, use.parameters) if use else ""


def _bodies(document: FlowDocument, message: str, *languages: str) -> dict[str, str]:
    """What this version says in these languages and their neighbours; in English where it says none of them."""
    near = {tag.split("-")[0].lower() for tag in (*languages, FALLBACK_LANGUAGE)}
    return {
        meta_language(tag): wording.template
        for tag, spoken in document.texts.items()
        if tag.split("-")[0].lower() in near and (wording := spoken.messages.get(message)) and wording.template
    }


def template_language(document: FlowDocument, message: str, language: str, default: str) -> str | None:
    """The first language of the chain that has a body for Meta."""
    for tag in document.languages_for(language, default):
        wording: Wording | None = document.texts[tag].messages.get(message)
        if wording is not None and wording.template:
            return tag
    return None


def disclosure(document: FlowDocument, word: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    """(language, the words that stand beside a review for which a reward is given)."""
    template = document.word(word, facts["language"], facts["default_language"])
    if not template:
        raise NoWording(f"There is no word {word!r} to stand beside the review")
    values = variables(facts, {}, None, {})
    return facts["language"], texts.render(template, values, language=facts["language"], timezone=facts["timezone"])
