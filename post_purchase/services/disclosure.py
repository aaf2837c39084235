"""The first automatic answer to a person says that it is one, where the law wants it or the merchant does."""

from post_purchase.models import Conversation, Message, Order, ShopSettings
from post_purchase.words import Author

from .phrases import load, phrase


def disclosed(text: str, *, conversation: Conversation, order: Order | None, language: str) -> str:
    """`text`, with the words before it where it is the first and they are wanted."""
    if not _is_wanted(conversation, order):
        return text
    if Message.objects.filter(conversation=conversation, author=Author.ANSWER).exists():
        return text
    return f"{phrase('automatic', language)}\n\n{text}"


def _is_wanted(conversation: Conversation, order: Order | None) -> bool:
    country, province = (order.shipping_country, order.shipping_province) if order else ("", "")
    if not country:
        country, province = conversation.contact.country, conversation.contact.province
    named = {country, f"{country}-{province}"}
    if named & load("bot_disclosure")["by_rule"].keys():
        return True
    chosen = ShopSettings.objects.filter(shop_id=conversation.shop_id).values_list("says_automatic", flat=True).first()
    return bool(chosen)
