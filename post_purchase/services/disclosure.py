"""The first automatic words say that a program answers: where the law, the network or the merchant wants it."""

from collections.abc import Mapping

from django.db.models import Q

from post_purchase.channels.base import OutMessage
from post_purchase.models import ContactPoint, Conversation, Message, Order, ShopSettings
from post_purchase.words import Author, Direction, MessageStatus

from .phrases import load, phrase


def disclosed(
    content: OutMessage, *, author: str, conversation: Conversation, point: ContactPoint | None, order: Order | None
) -> OutMessage:
    """`content`, with the words before it where it is the first of its kind and they are wanted.

    A flow's message needs them only where the network asks for it.
    """
    if author not in (Author.ANSWER, Author.FLOW) or not content.text:
        return content
    if not _is_first(author, conversation, point, order):
        return content
    words = phrase("automatic", content.language)
    forms = {kind: f"{words}\n\n{text}" for kind, text in content.forms.items()}
    return content.model_copy(update={"text": f"{words}\n\n{content.text}", "forms": forms})


def _is_first(author: str, conversation: Conversation, point: ContactPoint | None, order: Order | None) -> bool:
    rules = load("bot_disclosure")
    places = _lives_in(conversation, order)
    earlier = Message.objects.filter(conversation=conversation, direction=Direction.OUT)
    earlier = earlier.exclude(status=MessageStatus.SUPPRESSED)  # nobody has read it
    if any(places & named.keys() for named in rules["by_network"].values()):
        there = point or _written_from(conversation)
        if there is not None and places & rules["by_network"].get(there.kind, {}).keys():
            to_it = Q(point=there) | Q(point__isnull=True)  # a flow's message finds its point when it is sent
            return not earlier.filter(to_it, author__in=[Author.ANSWER, Author.FLOW]).exists()
    if author == Author.FLOW or not _is_wanted(conversation, places, rules["by_rule"]):
        return False
    return not earlier.filter(author=Author.ANSWER).exists()


def _written_from(conversation: Conversation) -> ContactPoint | None:
    """Where the shopper last wrote: what a flow says next goes there."""
    newest = Message.objects.filter(conversation=conversation, direction=Direction.IN, point__isnull=False)
    message = newest.select_related("point").order_by("-pk").first()
    return message.point if message is not None else None


def _is_wanted(conversation: Conversation, places: set[str], rules: Mapping[str, str]) -> bool:
    if places & rules.keys():
        return True
    chosen = ShopSettings.objects.filter(shop_id=conversation.shop_id).values_list("says_automatic", flat=True).first()
    return bool(chosen)


def _lives_in(conversation: Conversation, order: Order | None) -> set[str]:
    """Country and province, as the rules name them. Who is not known is taken to live in the shop's country."""
    country, province = (order.shipping_country, order.shipping_province) if order else ("", "")
    if not country:
        country, province = conversation.contact.country, conversation.contact.province
    if not country:
        country = conversation.shop.country
    return {country, f"{country}-{province}"}
