"""Answers at once, made only from facts: the order, its parcels, their scans with place and time. No fact, no claim."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from post_purchase.channels.base import Button
from post_purchase.models import ContactPoint, Message, Order, OrderBinding, Parcel
from post_purchase.words import ChannelKind, ParcelState
from shopapp.lib import clock

from . import bindings, requested_actions
from .action_words import said
from .control_concepts import has, languages, said_in
from .guides import guide_for
from .messages import queue_answer
from .phrases import load, phrase, plain
from .policies import about_returns
from .shops import settings_of
from .talk_language import language_of
from .texts import render
from .threads import hand_off
from .understanding import Context, Understanding, understand

MOST_PARCELS = 5
MOST_ORDERS = 3
SHORT_THANKS = 40  # characters: more say more than thanks
WHERE = frozenset({"where", "when"})
REASONS = {  # the team reads these
    "change_address": "to change the address",
    "cancel": "to cancel",
    "return_exchange": "to return or exchange",
    "problem": "about something wrong, damaged or missing",
    "invoice": "for an invoice",
    "how_to": "how to use it",
    "reorder": "to order again",
}
NEEDS_PERSON = frozenset(
    {"change_address", "cancel", "return_exchange", "problem"}
)  # else a machine would be in the way
ABOUT_ORDER = WHERE | NEEDS_PERSON | {"invoice"}
STILL_OPEN = timedelta(days=60)  # older ones without a delivery scan have arrived, or are the team's


def wants_person(text: str, language: str) -> bool:
    return "person" in understand(text, language).names


def is_about_order(text: str, language: str) -> bool:
    """Somebody whose order we do not know speaks of one: then we ask which."""
    said = said_in(text)
    return bool(understand(text, language).names & ABOUT_ORDER) or any(has(said, each, "rest") for each in languages())


def understood(message: Message) -> Understanding:
    """With the numbers of this shopper's own orders told apart from other numbers. A tap is no question."""
    if message.point is None or (message.content or {}).get("button_id"):
        return Understanding()
    names = tuple(bindings.bound_orders(message.point).values_list("name", flat=True)[: bindings.MOST_LOOKED_AT])
    context = Context(order_names=names, may_cancel=may_cancel(message.point))
    return understand(message.text, _language(message), context)


def may_cancel(point: ContactPoint) -> bool:
    """Whether "cancel" alone is about their order. On SMS the carriers take it for a stop themselves."""
    return point.kind != ChannelKind.SMS and bindings.expects_order(point)


def in_words(names: Iterable[str]) -> str:
    """For the team: "to cancel, for an invoice"."""
    return ", ".join(sorted(REASONS[name] for name in names if name in REASONS))


def answer_at_once(*, message: Message) -> Message | None:
    """Answer what is clearly asked. None: nothing was clear, or it is for the person who looks after this shopper.

    Where the order is, is told at any time: it is a fact, whoever else is at work. All questions of one message are
    answered in one; where a fact is missing for one of them, a person takes the whole.
    """
    point, conversation = message.point, message.conversation
    if point is None:
        return None
    language = _language(message)
    heard = understood(message)
    asked = set(heard.names)
    if not asked or (conversation.handed_off_at is not None and not asked & WHERE):
        return None
    told: list[str] = []
    order: Order | None = None
    if asked & WHERE:
        where, order = _where(message, heard.slots["order_numbers"])
        if order is None and (conversation.handed_off_at is not None or len(asked - WHERE) > 0):
            return None
        told.append(where)
        asked -= WHERE
    if conversation.handed_off_at is not None:
        return _answer(message, told[0], name="where", order=order)
    guide = _guide(message) if "how_to" in asked else ""
    if guide:
        told.append(guide)
        asked.discard("how_to")
    receipt = _receipt(message, heard.slots["order_numbers"]) if "invoice" in asked else ""
    if receipt:
        told.append(receipt)
        asked.discard("invoice")
    policy = about_returns(settings_of(message.shop), language) if "return_exchange" in asked else ""
    if policy:
        told.append(policy)
    back = requested_actions.ask_back(message=message, heard=heard)
    if back is not None:
        told.append(back.text)
        asked.discard(back.intent)
        order = order or back.order
        if back.hand_off:
            hand_off(conversation=conversation, reason=back.hand_off)
    if asked == {"thanks"} and len(message.text) <= SHORT_THANKS and not _declines(message.text):
        return _answer(message, phrase("welcome", language), name="thanks")
    if not told and "person" not in asked:
        return None
    if asked:
        others = in_words(asked)
        wish = "The shopper asks for a person" if "person" in asked else ""
        reason = " and ".join(filter(None, [wish, f"the shopper also asks: {others}" if others else ""]))
        hand_off(conversation=conversation, reason=reason[:1].upper() + reason[1:])
        if back is None or not back.hand_off:  # which has said so
            told.append(phrase("person_coming", language))
    name = "person" if asked else "facts"
    answer = _answer(message, "\n\n".join(told), name=name, order=order, buttons=back.buttons if back else ())
    if back is not None and back.action is not None and answer is not None:
        requested_actions.asked(back.action, answer)
    return answer


def _declines(text: str) -> bool:
    """ "no, thanks" answers a question, and is no thanks for one."""
    return plain(text) in {plain(word) for words in load("actions")["words"]["no"].values() for word in words}


def _guide(message: Message) -> str:
    """What the merchant wrote about the newest thing that this shopper bought. Empty: nothing was written."""
    newest = bindings.bound_orders(message.point).first() if message.point else None
    if newest is None:
        return ""
    guide = guide_for(order=newest, language=_language(message, newest), default=message.shop.locale)
    return "\n".join(filter(None, [guide["title"], guide["text"], guide["video_url"]])) if guide else ""


def _receipt(message: Message, numbers: tuple[str, ...]) -> str:
    """The order's own page, which logs its buyer in: for who has proved to be that; a card is no proof."""
    assert message.point is not None
    proved = message.point.bindings.exclude(method=OrderBinding.Method.CODE).values("order")
    orders = bindings.named_orders(message.point, numbers) or list(bindings.bound_orders(message.point)[:1])
    order = (
        bindings.bound_orders(message.point).filter(pk__in=proved).filter(pk__in=[each.pk for each in orders]).first()
    )
    if order is None or not order.status_url or order.is_gift:
        return ""
    return said("receipt", _language(message, order), order=order.name, url=order.status_url)


def _where(message: Message, numbers: tuple[str, ...]) -> tuple[str, Order | None]:
    """Of the orders that are named; else of every order that is still on its way; else of the newest."""
    assert message.point is not None
    known = bindings.bound_orders(message.point)
    named = bindings.named_orders(message.point, numbers)
    open_orders = known.filter(delivered_at=None, cancelled_at=None, placed_at__gt=clock.now() - STILL_OPEN)
    orders = named[:MOST_ORDERS] or list(open_orders[:MOST_ORDERS]) or list(known[:1])
    if not orders:
        return phrase("which_order", _language(message)), None
    told = []
    for order in orders:
        line = where_is(order, language=_language(message, order))
        told.append(line if len(orders) == 1 or order.name in line else f"{order.name}: {line}")
    return "\n\n".join(told), orders[0]


def _language(message: Message, order: Order | None = None) -> str:
    return language_of(message.contact, order or message.conversation.order)


def where_is(order: Order, *, language: str) -> str:
    """The truth about an order, one line a parcel: state, carrier, place and time of the last scan, day expected."""
    if order.cancelled_at is not None:
        return _line("cancelled", order, {}, language)
    parcels = [parcel for parcel in order.parcels.all() if parcel.state != ParcelState.CANCELLED]
    if not parcels:
        name = "not_shipped" if order.requires_shipping else "nothing_to_ship"
        return _line(name, order, {}, language)
    lines = [_line("order", order, {}, language)] if len(parcels) > 1 else []
    lines += [_parcel_line(order, parcel, language, alone=len(parcels) == 1) for parcel in parcels[:MOST_PARCELS]]
    packed = sum(part.get("quantity", 1) for parcel in parcels for part in parcel.lines)
    units = sum(line.current_quantity for line in order.lines.all() if line.requires_shipping)
    if any(parcel.lines for parcel in parcels) and packed < units:
        lines.append(_line("rest", order, {}, language))
    return "\n".join(lines)


def _parcel_line(order: Order, parcel: Parcel, language: str, *, alone: bool) -> str:
    scan = parcel.events.last()
    titles = {line.shopify_id: line.title for line in order.lines.all()}
    parts = {
        "alone": alone,
        "items": [titles[part["line"]] for part in parcel.lines if part.get("line") in titles],
        "carrier": parcel.carrier,
        "url": parcel.tracking_url,
        "number": parcel.tracking_number,
        "place": scan.city if scan else "",
        "at": (scan.happened_at if scan else parcel.state_at).isoformat(),
        "expected": parcel.estimated_delivery_at.isoformat() if parcel.estimated_delivery_at else None,
    }
    return _line(parcel.state, order, parts, language)


def _line(name: str, order: Order, parts: dict[str, Any], language: str) -> str:
    sentences = load("where")
    words = sentences.get(language.split("-")[0].lower()) or sentences["en"]
    template = words.get(name) or words["in_transit"]
    expected = order.estimated_delivery_at.isoformat() if order.estimated_delivery_at else None
    values = {"expected": expected, "placed": order.placed_at.isoformat()} | parts | {"order": order.name}
    text = render(template, values, language=language, timezone=order.timezone or order.shop.timezone)
    return text[:1].upper() + text[1:]


def _answer(
    message: Message, text: str, *, name: str, order: Order | None = None, buttons: Sequence[Button] = ()
) -> Message | None:
    if message.point is None:
        return None
    return queue_answer(
        conversation=message.conversation,
        text=text,
        language=_language(message, order),
        point=message.point,
        order=order,
        dedupe_key=f"answer:{name}:{message.pk}",
        buttons=buttons,
    )
