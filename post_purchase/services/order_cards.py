"""One card for each order, to print while packing: a code of its own that opens the chat about that parcel."""

from collections.abc import Sequence
from dataclasses import dataclass

from post_purchase.models import Order
from post_purchase.touchpoints.texts import is_rtl, pick_language, texts_in
from post_purchase.words import TouchpointKind
from shopapp.lib.crypto import grouped
from shopapp.models import Shop

from .links import link_for_order, link_url, touchpoint_of
from .shops import settings_of

MOST = 100  # orders in one document


@dataclass(frozen=True)
class OrderCard:
    order_name: str  # for the packer: which parcel
    url: str
    code: str  # grouped, for those who cannot scan
    title: str
    language: str
    rtl: bool


def known_orders(*, shop: Shop, order_ids: Sequence[int]) -> list[Order]:
    """Those of these Shopify ids that are orders of this shop, in the order asked for. Erased ones are left out."""
    found = {order.shopify_id: order for order in Order.objects.filter(shop=shop, shopify_id__in=order_ids)}
    known = [found[number] for number in dict.fromkeys(order_ids) if number in found]
    return [order for order in known if order.redacted_at is None]


def order_cards(*, shop: Shop, order_ids: Sequence[int]) -> list[OrderCard]:
    """Repeating the call gives the same codes, so that a card can be printed again."""
    touchpoint = touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)
    default = settings_of(shop).default_language
    cards = []
    for order in known_orders(shop=shop, order_ids=order_ids[:MOST]):
        _, code = link_for_order(touchpoint=touchpoint, order=order)
        language = pick_language(order.language, default)
        cards.append(
            OrderCard(
                order_name=order.name,
                url=link_url(code),
                code=grouped(code),
                title=texts_in(language)["choose_title"],
                language=language,
                rtl=is_rtl(language),
            )
        )
    return cards
