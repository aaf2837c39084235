"""A product that a person shows in a talk: picture, name, price, a link into the cart, and a code if they wish."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from django.db import transaction

from post_purchase.channels.base import OutMessage, UrlButton
from post_purchase.channels.pictures import is_address
from post_purchase.models import ContactPoint, Conversation, Message, Product, Reward, RewardStatus, ShopSettings
from post_purchase.words import Author, Purpose
from shopapp.lib import data_file

from . import coded_messages, rewards, texts
from .messages import queue_message
from .recommendations import cart_url
from .shops import settings_of
from .talk_language import language_of

PERCENTAGES = (5, 10, 15, 20, 25, 30, 40, 50)
SPANS = (3, 7, 14, 30, 60)
WORDS = Path(__file__).resolve().parent / "data" / "product_card.yaml"


@dataclass(frozen=True)
class Discount:
    percentage: Decimal
    days: int


@dataclass(frozen=True)
class Limits:
    """What the merchant gives as thanks is the most that a person of the team may give."""

    percentage: Decimal
    days: int
    minimum: Decimal | None  # of the cart

    @property
    def may_give(self) -> bool:
        return self.percentage > 0 and self.days > 0

    @property
    def percentages(self) -> list[str]:
        """Round ones to choose from, and the most."""
        return [
            f"{each.normalize():f}"
            for each in sorted({*map(Decimal, PERCENTAGES), self.percentage})
            if each <= self.percentage
        ]

    @property
    def spans(self) -> list[int]:
        """Days to choose from, and the most."""
        return [each for each in sorted({*SPANS, self.days}) if each <= self.days]


class CannotGive(Exception):
    """In words for the form."""


def limits_from(settings: ShopSettings) -> Limits:
    return Limits(settings.reward_percentage, settings.reward_valid_days, settings.reward_minimum_subtotal)


def check(discount: Discount, product: Product) -> None:
    """Raises CannotGive."""
    limits = limits_from(settings_of(product.shop))
    if not limits.may_give:
        raise CannotGive("This shop gives no discounts: set the reward under Settings first.")
    if not 0 < discount.percentage <= limits.percentage:
        raise CannotGive(f"Choose more than 0 and at most {limits.percentage.normalize():f} %.")
    if not 0 < discount.days <= limits.days:
        raise CannotGive(f"Choose 1 to {limits.days} days.")
    if limits.minimum and (product.price is None or product.price < limits.minimum):
        least = f"{limits.minimum} {product.shop.currency}"
        raise CannotGive(f"Codes of this shop need a cart of {least}; this product alone does not reach it.")


@transaction.atomic
def send_card(
    *,
    conversation: Conversation,
    product: Product,
    words: str,
    discount: Discount | None,
    user_id: str,
    dedupe_key: str,
    point: ContactPoint,
    not_before: datetime,
    with_picture: bool = True,
) -> Message:
    """The same key sends it once and makes one code. With a code it goes when Shopify has made it."""
    reward = None
    if discount is not None:
        check(discount, product)
        reward = rewards.request_for_talk(
            conversation=conversation,
            percentage=discount.percentage,
            days=discount.days,
            not_before=not_before,
            dedupe_key=dedupe_key,
        )
    content = card(conversation=conversation, product=product, words=words, reward=reward, with_picture=with_picture)
    message = queue_message(
        conversation=conversation,
        content=content,
        purpose=Purpose.SERVICE,
        author=Author.PERSON,
        author_id=user_id,
        point=point,
        order=conversation.order,
        dedupe_key=dedupe_key,
        not_before=not_before,
    )
    if reward is not None and reward.status == RewardStatus.PENDING:
        coded_messages.hold(message)
    return message


def card(
    *, conversation: Conversation, product: Product, words: str, reward: Reward | None, with_picture: bool = True
) -> OutMessage:
    """As every network can carry it: a picture, a text, and a link that is a button where there are buttons."""
    shop = product.shop
    language = language_of(conversation.contact, conversation.order)
    said = _words(language)
    values = {"price": str(product.price), "currency": shop.currency}
    title = product.title
    if product.price is not None:
        title += " · " + texts.render("{{ price | money: currency }}", values, language=language)
    parts = [words.strip(), title]
    if reward is not None:
        zone = (conversation.order.timezone if conversation.order else "") or shop.timezone
        values = {
            "percentage": f"{reward.percentage.normalize():f}",
            "code": reward.code,
            "day": reward.ends_at.isoformat(),
        }
        parts.append(texts.render(said["code"], values, language=language, timezone=zone))
    link = cart_url(shop, product.variant_id or 0, code=reward.code if reward else "")
    return OutMessage(
        text="\n\n".join(part for part in parts if part),
        image_path=product.image_url if with_picture and is_address(product.image_url) else "",
        card_title=title,
        url_button=UrlButton(title=said["cart"], url=link),
        language=language,
        rtl=texts.is_rtl(language),
    )


def typed_in(message: Message) -> str:
    """What the person has typed themselves: without the lines of the card, which stand at the end."""
    title = (message.content or {}).get("card_title")
    return message.text.rpartition(title)[0].strip() if title else message.text


def _words(language: str) -> dict[str, str]:
    """Of this language, else of its base, else English."""
    known, base = _all_words(), language.partition("-")[0].lower()
    near = next((tag for tag in known if tag.partition("-")[0] == base), "en")
    return known.get(language) or known[near]


@lru_cache(maxsize=1)
def _all_words() -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = data_file.read(WORDS)
    return words
