"""Packing: which card lies in which order's parcel, and taking it back while nobody has used it."""

from django.db import transaction
from django.db.models import Q

from post_purchase.models import ChatStart, ContactPoint, Link, Order, OrderBinding
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import hash_code, normalise_code
from shopapp.models import Shop


class CannotBind(Exception):
    """The card cannot go with this order; the text says why and what to do, for who packs."""


def read_scan(text: str) -> str:
    """The code in what a hand scanner types: the whole address or the code, in any case."""
    return normalise_code(text.strip().rstrip("/").rpartition("/")[2].partition("?")[0])


def is_card(shop: Shop, scanned: str) -> bool:
    """Is this the code of a card with a code of its own?"""
    return Link.objects.filter(shop=shop, code_hash=hash_code(read_scan(scanned)), batch__isnull=False).exists()


def find_order(shop: Shop, text: str) -> Order | None:
    """By what is on the packing slip: the order's name (#1001), its number, or our own code that is printed there."""
    name = text.strip()[:64]
    digits = name.lstrip("#")
    wanted = Q(name=name) | Q(name=f"#{digits}")
    if digits.isdigit() and len(digits) < 10:
        wanted |= Q(number=int(digits))
    slips = Link.objects.filter(shop=shop, touchpoint__kind=TouchpointKind.PACKING_SLIP)
    wanted |= Q(pk__in=slips.filter(code_hash=hash_code(read_scan(text[:200]))).values("order"))
    return Order.objects.filter(wanted, shop=shop, redacted_at=None).order_by("-placed_at", "-pk").first()


@transaction.atomic
def bind_card(*, shop: Shop, scanned: str, order: Order) -> Link:
    """This card lies in this order's parcel. Repeating it changes nothing. Raises CannotBind.

    A card that somebody used before it was packed is refused: who held it then is not known to be who bought this
    (docs/adr/0021). Only where that person has proved this very order by other means is it theirs all the same.
    """
    Order.objects.select_for_update(no_key=True).get(pk=order.pk)  # orders first, as everywhere
    code = read_scan(scanned)
    link = Link.objects.select_for_update().filter(shop=shop, code_hash=hash_code(code)).first()
    if link is None:
        raise CannotBind("This is not one of your cards. Scan the square code on the card once more.")
    if link.batch_id is None:
        raise CannotBind("This card is the same for everybody and needs no binding. Put it in as it is.")
    if link.order_id == order.pk:
        return link
    if link.order_id is not None:
        name = Order.objects.values_list("name", flat=True).get(pk=link.order_id)
        raise CannotBind(f"This card is tied to order {name} already. Take a new card, or untie it from {name} below.")
    if order.shop_id != shop.pk:
        raise CannotBind("This order is not one of this shop's.")
    if _used_by_a_stranger(link, order):
        raise CannotBind("This card was used before it was packed. Throw it away and take a new one.")
    link.order, link.order_shopify_id, link.language = order, order.shopify_id, order.language
    link.packed_at = clock.now()
    link.save(update_fields=["order", "order_shopify_id", "language", "packed_at"])
    return link


@transaction.atomic
def unbind_card(*, link: Link) -> Link:
    """Take a wrong scan back: the card may be tied to another order. Repeating it changes nothing. Raises CannotBind.

    Not once somebody has used it: they have been told of the order, and no click takes that back.
    """
    order = Order.objects.select_for_update(no_key=True).filter(links=link).first()
    link = Link.objects.select_for_update().get(pk=link.pk)
    if link.batch_id is None:
        raise CannotBind("Only a card with a code of its own can be untied.")
    if link.order_id is None:
        return link
    if order is None or order.pk != link.order_id:
        raise CannotBind("Somebody else has just changed this card. Load the page again.")
    if link.used_at is not None or ChatStart.objects.filter(link=link).exists():
        raise CannotBind(who_was_told(link, order))
    link.order, link.order_shopify_id, link.language, link.packed_at = None, None, "", None
    link.save(update_fields=["order", "order_shopify_id", "language", "packed_at"])
    return link


def who_was_told(link: Link, order: Order) -> str:
    """What a used card means for who packed it wrongly: whom to write to, and why."""
    who = name_of(link.used_by)
    return (
        f"This card cannot be untied: {who} has used it and can see order {order.name} in the chat. If it went into "
        f"the wrong parcel, write to {who} in the conversation, and tell the buyer of {order.name} that somebody "
        "else saw their order."
    )


def name_of(point: ContactPoint | None) -> str:
    if point is None:
        return "a shopper whose data has been erased"
    contact = point.contact
    return f"{contact.first_name} {contact.last_name}".strip() or f"the shopper on {point.get_kind_display()}"


def _used_by_a_stranger(link: Link, order: Order) -> bool:
    """Also where only an attempt was made with it: the code has been read by somebody."""
    if link.used_at is None and not ChatStart.objects.filter(link=link).exists():
        return False
    return link.used_by_id is None or not OrderBinding.objects.filter(point=link.used_by, order=order).exists()
