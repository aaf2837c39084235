"""Which orders a contact point may hear of: by first use of a code, the order's own address, or number and postcode.

The second person with the same code can talk to us and learns nothing (messaging.md, section 1.2).
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import Q, QuerySet

from post_purchase.models import ChatStart, CodeGuess, Contact, ContactPoint, Link, Message, Order, OrderBinding
from post_purchase.touchpoints.codes import CODE_LENGTHS
from post_purchase.words import ChannelKind, EventKind
from shopapp.lib import clock
from shopapp.lib.crypto import CODE_ALPHABET, hash_code, normalise_code

from . import consent
from .card_flows import claim_found_card, start_flow_of_card
from .contact_points import merge_contact
from .events import record_event
from .links import REVIEW, find_link, is_shop_wide, redeem
from .suppressions import restore_stop

GUESSES_PER_POINT = 5  # an hour
GUESSES_PER_SHOP = 100
NEWS_FOR = timedelta(days=60)
GUESS_SPAN = timedelta(hours=1)
LONGEST_PROOF = 300  # characters that are read
MOST_NUMBERS = 5  # runs of digits in a proof: order, postcode, a street and a date. More is guessing
MOST_LOCKED = 50  # orders
MOST_BY_PHONE = 3  # the newest orders of a number
MOST_LOOKED_AT = 20  # of a person's newest orders, where one is named
UNPACKED_A_DAY = 3  # cards that nobody has tied to an order: what one person may use up
_GROUPED = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{4}(?:[-\u2010-\u2015][0-9A-Za-z]{4}){3,4}(?![0-9A-Za-z])")
_SPACED = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{4}(?: ?[0-9A-Za-z]{4}){3,4}(?![0-9A-Za-z])")


class Outcome(StrEnum):
    BOUND = "bound"
    WAITING = "waiting"  # the order has not come from Shopify yet; it is bound when it does
    SECOND = "second"  # somebody else used this code first
    SHOP_WIDE = "shop_wide"  # a good code that belongs to no order
    UNKNOWN = "unknown"
    TOO_MANY = "too_many"


@dataclass(frozen=True)
class Bound:
    outcome: Outcome
    order: Order | None = None
    link: Link | None = None

    @property
    def goes_on(self) -> bool:
        """The person of a web chat goes on elsewhere."""
        return self.outcome in (Outcome.BOUND, Outcome.SHOP_WIDE) and bool(self.link and self.link.continues_id)


def codes_in(text: str) -> list[str]:
    """What looks like a code: groups of four with dashes, or 16 or 20 characters in a row with a digit among them."""
    found = [match.group() for match in _GROUPED.finditer(text)]
    found += [match.group() for match in _SPACED.finditer(text) if any(char.isdigit() for char in match.group())]
    codes = dict.fromkeys(normalise_code(re.sub(r"[\u2010-\u2015]", "-", each)) for each in found)
    return [code for code in codes if len(code) in CODE_LENGTHS and set(code) <= set(CODE_ALPHABET)]


def bound_orders(point: ContactPoint) -> QuerySet[Order]:
    """The orders that this point may hear of, newest first."""
    return Order.objects.filter(bindings__point=point, redacted_at=None).order_by("-placed_at", "-pk")


def expects_order(point: ContactPoint) -> bool:
    """One of them may still be cancelled, as far as we know."""
    return bound_orders(point).filter(cancelled_at=None, delivered_at=None).exists()


def named_orders(point: ContactPoint, numbers: Collection[str]) -> list[Order]:
    """Of the newest that this point may hear of, those whose numbers ("#1001", "1001") are named."""
    wanted = {number.lstrip("#").casefold() for number in numbers}
    newest = bound_orders(point)[:MOST_LOOKED_AT] if wanted else ()
    return [order for order in newest if order.name.lstrip("#").casefold() in wanted]


def bind_by_code(*, point: ContactPoint, code: str, message: Message | None = None) -> Bound:
    """Use a code for this point. Wrong ones are counted, and after a few an hour no code is looked at any more."""
    if _too_many_guesses(point):
        return Bound(Outcome.TOO_MANY)
    link = find_link(point.shop, code)
    if link is None:
        CodeGuess.objects.create(shop_id=point.shop_id, point=point, guessed_at=clock.now())
        return Bound(Outcome.UNKNOWN)
    if _uses_up_cards(point, link):
        return Bound(Outcome.TOO_MANY)
    if link.continues is None:  # going on elsewhere is no start
        ChatStart.objects.get_or_create(
            link=link, point=point, defaults={"touchpoint_id": link.touchpoint_id, "started_at": clock.now()}
        )
    redeemed = redeem(link=link, point=point)
    if is_shop_wide(link):
        start_flow_of_card(point=point, link=link, order=bound_orders(point).first())
        return Bound(Outcome.SHOP_WIDE, link=link)
    if not redeemed.first:
        return _again(point, link, message)
    if link.continues is not None:
        return _continue(point, link.continues, link, message)
    if redeemed.order is None:  # a card that nobody has bound at packing asks for the order, as a card for all does
        return Bound(Outcome.SHOP_WIDE if link.batch_id else Outcome.WAITING, link=link)
    bind(point=point, order=redeemed.order, method=OrderBinding.Method.CODE, link=link, message=message)
    if link.intent == REVIEW:
        record_event(
            shop=point.shop,
            kind=EventKind.REVIEW_WANTED,
            key=f"{EventKind.REVIEW_WANTED}:{redeemed.order.pk}:{point.pk}:{message.pk if message else ''}",
            order=redeemed.order,
            contact=point.contact,
            message=message,
        )
    return Bound(Outcome.BOUND, order=redeemed.order, link=link)


def _again(point: ContactPoint, link: Link, message: Message | None) -> Bound:
    """Used before: to the same person elsewhere, or to whom the order's news go anyway, it opens what they have."""
    if link.continues is not None and link.continues.contact_id == point.contact_id:
        return _continue(point, link.continues, link, message)
    known = point.bindings.select_related("order").filter(order=link.order_id, order__redacted_at=None).first()
    if known is None:
        return Bound(Outcome.SECOND, link=link)
    bind(point=point, order=known.order, method=known.method, link=link, message=message)
    return Bound(Outcome.BOUND, order=known.order, link=link)


def _continue(point: ContactPoint, earlier: ContactPoint, link: Link, message: Message | None) -> Bound:
    """The person of a web chat goes on here: one contact, and what was proved there is proved here."""
    for found, owner in ((point.contact, earlier.contact), (earlier.contact, point.contact)):
        if found.pk != owner.pk and found.shopify_customer_id is None and found.redacted_at is None:
            merge_contact(found, owner)  # not where Shopify knows the two as different people
            break
    point.refresh_from_db(fields=["contact"])
    orders = list(bound_orders(earlier)[:MOST_LOCKED])
    for order in reversed(orders):
        bind(point=point, order=order, method=OrderBinding.Method.CODE, link=link, message=message)
    newest = orders[0] if orders else None
    return Bound(Outcome.BOUND if newest else Outcome.SHOP_WIDE, order=newest, link=link)


def _uses_up_cards(point: ContactPoint, link: Link) -> bool:
    """Somebody who types in the codes of a stack of cards would make them all useless for packing (docs/adr/0021)."""
    if link.batch_id is None or link.order_id is not None or link.used_by_id == point.pk:
        return False
    used = Link.objects.filter(used_by=point, batch__isnull=False, order=None)
    return used.filter(used_at__gt=clock.now() - timedelta(days=1)).count() >= UNPACKED_A_DAY


def lock_orders(*, shop_id: int, point: ContactPoint | None, code: str, text: str, phone: str = "") -> bool:
    """Lock the orders that a message may be bound to, before anything of its person. False: there are none.

    Whoever needs several of these rows takes them in this order, so that nobody waits in a ring: orders, then the
    contact that stays, then contact points, then the contact that is merged, then conversations.
    """
    wanted = Q()
    if point is not None:
        wanted |= Q(contact_id=point.contact_id)
        wanted |= Q(pk__in=OrderBinding.objects.filter(point=point).values("order_id"))
    codes = [hash_code(each) for each in (code, *codes_in(text)) if each]
    if codes:
        links = Link.objects.filter(shop_id=shop_id, code_hash__in=codes)
        for order_id, token_hash in links.values_list("order_id", "checkout_token_hash"):
            wanted |= Q(pk=order_id) | Q(checkout_token_hash=token_hash or "-")
        continued = ContactPoint.objects.filter(continued_by__in=links)
        wanted |= Q(contact__in=continued.values("contact")) | Q(bindings__point__in=continued)
    numbers = _numbers(_words(text))
    if numbers and (point is None or not point.bindings.exists()):
        wanted |= Q(number__in=numbers)
    if phone:
        wanted |= Q(phone=phone)
    if not wanted:
        return False
    found = Order.objects.filter(wanted, shop_id=shop_id).order_by("pk")
    found = Order.objects.filter(pk__in=found.values("pk")).order_by("pk").select_for_update(no_key=True)
    return bool(found.values_list("pk", flat=True)[:MOST_LOCKED])


def _numbers(words: list[str]) -> set[int]:
    return {int(each) for word in words for each in re.findall(r"(?<!\d)\d{3,12}(?!\d)", word)}


def bind_late(*, link: Link) -> None:
    """The order of a code that a shopper used before the order came from Shopify."""
    if link.used_by is not None and link.order is not None:
        bind(point=link.used_by, order=link.order, method=OrderBinding.Method.CODE, link=link)


def prove(*, point: ContactPoint, text: str, message: Message) -> Bound:
    """An order number and its postcode in one message. Tries are counted like wrong codes."""
    words = _words(text)
    numbers = _numbers(words)
    if not numbers:
        return Bound(Outcome.UNKNOWN)
    if _too_many_guesses(point, weak=True):
        return Bound(Outcome.TOO_MANY)
    if sum(len(re.findall(r"\d+", word)) for word in words) <= MOST_NUMBERS:
        named = Order.objects.filter(shop_id=point.shop_id, number__in=numbers, redacted_at=None)
        for order in named.exclude(shipping_zip="").order_by("-placed_at", "-pk")[:5]:
            if _has_postcode(words, order):
                bind(point=point, order=order, method=OrderBinding.Method.PROOF, message=message)
                return Bound(Outcome.BOUND, order=order)
    CodeGuess.objects.create(shop_id=point.shop_id, point=point, guessed_at=clock.now())
    return Bound(Outcome.UNKNOWN)


def prove_by_phone(*, point: ContactPoint, phone: str, message: Message) -> Bound:
    """The newest orders that were placed with this number, which the network says is theirs."""
    recent = Order.objects.filter(shop_id=point.shop_id, phone=phone, redacted_at=None)
    recent = recent.filter(placed_at__gt=clock.now() - NEWS_FOR).order_by("-placed_at", "-pk")
    found = list(recent[:MOST_BY_PHONE]) if phone else []
    for order in reversed(found):
        bind(point=point, order=order, method=OrderBinding.Method.ORDER_PHONE, message=message)
    return Bound(Outcome.BOUND, order=found[0]) if found else Bound(Outcome.UNKNOWN)


def _words(text: str) -> list[str]:
    """Letters and digits in a row, folded; full-width and Arabic digits are digits."""
    folded = unicodedata.normalize("NFKC", text[:LONGEST_PROOF]).casefold()
    digits = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in folded)
    return re.findall(r"[0-9a-z]+", digits)


def _has_postcode(words: list[str], order: Order) -> bool:
    """Beside the order's number: whole words that are its postcode, written in up to three parts ("SW1A 1AA")."""
    postcode = "".join(_words(order.shipping_zip))
    number = next(place for place, word in enumerate(words) if order.number in map(int, re.findall(r"\d+", word)))
    rest = words[:number] + words[number + 1 :]
    runs = ("".join(rest[place : place + size]) for size in (1, 2, 3) for place in range(len(rest)))
    return len(postcode) >= 3 and postcode in runs


@transaction.atomic
def bind(
    *, point: ContactPoint, order: Order, method: str, link: Link | None = None, message: Message | None = None
) -> OrderBinding:
    """Write the proof down, join the two contacts, open the ledger for news of the order, tell the flows."""
    Order.objects.select_for_update(no_key=True).filter(pk=order.pk).first()  # lock_orders
    binding, _ = OrderBinding.objects.get_or_create(
        point=point, order=order, defaults={"method": method, "link": link, "bound_at": clock.now()}
    )
    point.refresh_from_db(fields=["contact"])
    order.refresh_from_db(fields=["contact"])
    if order.contact is None:
        Order.objects.filter(pk=order.pk, contact=None).update(contact=point.contact)
        order.contact = point.contact
    elif _may_join(point, order, method):
        merge_contact(point.contact, order.contact)
        point.refresh_from_db(fields=["contact"])
        order.refresh_from_db(fields=["contact"])
    consent.grant_order_news(point=point, message=message, order_id=order.pk)
    conversation = getattr(point.contact, "conversation", None)
    if conversation is not None:
        type(conversation).objects.filter(pk=conversation.pk).update(order=order)
    record_event(
        shop=order.shop,
        kind=EventKind.CONVERSATION_STARTED,
        key=f"conversation_started:{order.pk}:{point.pk}",
        order=order,
        contact=point.contact,
        conversation=conversation,
        message=message,
        data={"point": point.pk, "kind": point.kind, **_where_from(link)},
    )
    card = link or claim_found_card(point=point, order=order)
    if card is not None:
        start_flow_of_card(point=point, link=card, order=order)
    return binding


def _where_from(link: Link | None) -> dict[str, object]:
    """For the flows: which kind of touchpoint it was, which one, of which product, and which print run."""
    if link is None:
        return {"touchpoint": ""}
    card = link.touchpoint
    return {
        "touchpoint": card.kind,
        "touchpoint_name": card.name,
        "product": card.options.get("product_id"),
        "campaign": link.batch.name if link.batch else "",
    }


def _may_join(point: ContactPoint, order: Order, method: str) -> bool:
    """Whether who proved the order is the person it belongs to: then the two contacts are one.

    Not where Shopify knows them as somebody else; nor where the order's person talks to us already, and this is a
    second account on the same network, or somebody who only knew number and postcode: both stand on the parcel.
    """
    found, owner = point.contact, order.contact
    if owner is None or found.pk == owner.pk or found.shopify_customer_id is not None or found.redacted_at is not None:
        return False
    talking = owner.points.filter(last_inbound_at__isnull=False, bindings__order=order).exclude(pk=point.pk)
    if method == OrderBinding.Method.PROOF:
        return not talking.exists()
    return not talking.filter(kind=point.kind, account_id=point.account_id).exists()


def begin_conversation(*, point: ContactPoint, message: Message) -> bool:
    """The address of an order writes for the first time: now it wants to hear of the orders that it has proved.

    For whose ledger says nothing of order news. False: there is no such order.
    """
    recent = point.bindings.filter(order__placed_at__gt=clock.now() - NEWS_FOR, order__redacted_at=None)
    proved = list(recent.select_related("order", "link").order_by("-order__placed_at")[:3])
    for binding in proved:
        bind(point=point, order=binding.order, method=binding.method, link=binding.link, message=message)
    return bool(proved)


def bind_order_address(*, order: Order) -> None:
    """The address that the order was placed with may hear of it. That is proof, and not consent."""
    if not order.email:
        return
    contact = order.contact or Contact.objects.create(
        shop_id=order.shop_id, language=order.language, country=order.shipping_country, timezone=order.timezone
    )
    point, created = ContactPoint.objects.get_or_create(
        shop_id=order.shop_id,
        kind=ChannelKind.EMAIL,
        account_id="",
        address=order.email.lower(),
        defaults={"contact": contact},
    )
    if created:
        restore_stop(point)
    if order.contact is None:
        Order.objects.filter(pk=order.pk).update(contact=point.contact)
        order.contact = point.contact
    OrderBinding.objects.get_or_create(
        point=point, order=order, defaults={"method": OrderBinding.Method.ORDER_EMAIL, "bound_at": clock.now()}
    )


def _too_many_guesses(point: ContactPoint, *, weak: bool = False) -> bool:
    """`weak`: a postcode can be guessed, so a shop that is being tried out takes no proof from anybody for a while.

    A code has 80 random bits. There the shop's limit stops only those who have guessed wrongly themselves: else a few
    strangers could keep every shopper of a shop out.
    """
    recent = CodeGuess.objects.filter(guessed_at__gt=clock.now() - GUESS_SPAN)
    own = recent.filter(point=point).count()
    if own >= GUESSES_PER_POINT:
        return True
    return (weak or own > 0) and recent.filter(shop_id=point.shop_id).count() >= GUESSES_PER_SHOP
