"""A shopper wrote. Stored once, then: stop > start > code or proof > an automatic answer > the flows > the team."""

from dataclasses import dataclass, fields, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from post_purchase.channels.base import Inbound
from post_purchase.channels.registry import driver_for
from post_purchase.models import (
    Attachment,
    Channel,
    ConsentState,
    ContactPoint,
    Conversation,
    FlowStatus,
    Message,
    OrderBinding,
)
from post_purchase.words import Author, ChannelKind, Direction, EventKind, MessageStatus, Purpose
from shopapp.lib import clock
from shopapp.lib.crypto import hash_secret, new_code
from shopapp.lib.queue import Job, wake
from shopapp.lib.storable import all_storable

from . import answers, bindings, consent, inbox_states, requested_actions, shopper_control, stop_question, testers
from .contact_points import find_point, is_unchanged, keep_point
from .control_words import milder_than_stop
from .events import record_event
from .file_safety import is_claimed, kind_of
from .language_guess import hear_language
from .messages import queue_answer
from .phrases import is_one_of, phrase
from .stops import Stop
from .talk_language import language_of
from .team_alerts import alert_team
from .threads import conversation_for

MAX_TEXT = 8000
MAX_FILES = 10
FIRST_MESSAGES = 3  # a code is looked for anywhere in these; later only where it is written in groups
SAYS_NOTHING = ("reaction", "unsupported")
ASKS_FOR_ORDER = ("which_order", "not_proved")  # whose number we lack may share it instead
WITHOUT_WORDS = {"entry": "Opened the chat", "unsupported": "Sent something that cannot be shown here"}  # for the team


@dataclass(frozen=True)
class _Arrival:
    message: Message
    point: ContactPoint
    conversation: Conversation
    inbound: Inbound
    language: str


def receive(*, channel: Channel, inbound: Inbound) -> Message | None:
    """Save the message and all that follows from it in one transaction. None: it had come before, or is a tester's."""
    values = {each.name: all_storable(getattr(inbound, each.name)) for each in fields(inbound) if each.name != "media"}
    inbound = replace(inbound, **values)
    if testers.take(channel=channel, inbound=inbound):
        return None
    try:
        with transaction.atomic():
            return _receive(channel, inbound)
    except IntegrityError:
        if _known(channel, inbound):  # the same callback, handled by two workers at once
            return None
        raise


def _known(channel: Channel, inbound: Inbound) -> bool:
    return Message.objects.filter(shop_id=channel.shop_id, dedupe_key=_key(channel, inbound)).exists()


def _key(channel: Channel, inbound: Inbound) -> str:
    key = f"in:{channel.pk}:{inbound.provider_id}"
    return key if len(key) <= 190 else f"in:{channel.pk}:{hash_secret(inbound.provider_id)}"


def _receive(channel: Channel, inbound: Inbound) -> Message | None:
    if _known(channel, inbound):
        return None
    known = find_point(channel=channel, addresses=(inbound.address, *inbound.aliases))
    locked = bindings.lock_orders(
        shop_id=channel.shop_id,
        point=known,
        code=inbound.entry_code,
        text=inbound.text,
        phone=inbound.phone if inbound.shares_phone else "",
    )
    only_claimed = not inbound.proved and bool(inbound.aliases)
    if not inbound.proved:
        inbound = replace(inbound, profile_name="", phone="", aliases=())  # a claim changes nothing of a person
    if only_claimed or (locked and not is_unchanged(known)):  # whoever held the orders may have joined two contacts
        known = find_point(channel=channel, addresses=(inbound.address, *inbound.aliases))
    point = keep_point(channel=channel, inbound=inbound, point=known)
    conversation = conversation_for(point.contact)
    if not _is_proved(inbound, point):
        return _keep_unproved(channel, inbound, point, conversation)
    message = _save(channel, inbound, point, conversation)
    point.last_inbound_at = max(filter(None, (point.last_inbound_at, inbound.happened_at)))
    if inbound.kind not in SAYS_NOTHING:
        hear_language(point=point, conversation=conversation, text=inbound.text)
    arrival = _Arrival(message, point, conversation, inbound, language_of(point.contact, conversation.order))
    handled = inbound.kind in SAYS_NOTHING or _respond(arrival)
    heard: dict[str, Any] = {"last_inbound_at": point.last_inbound_at}
    if not _is_stopped_for_good(point):
        heard |= {"blocked_at": None, "blocked_reason": ""}
    ContactPoint.objects.filter(pk=point.pk).update(**heard)  # after the contacts: bindings.lock_orders
    if point.contact_id != message.contact_id:  # two contacts have become one
        message.refresh_from_db(fields=["conversation", "contact"])
    _note(message, inbound, handled)
    if inbound.kind not in SAYS_NOTHING:
        record_event(
            shop=message.shop,
            kind=EventKind.MESSAGE_RECEIVED,
            key=f"message:{message.pk}",
            contact=message.contact,
            conversation=message.conversation,
            message=message,
            data={
                "text": message.text,
                "button_id": inbound.button_id,
                "has_media": any(not is_claimed(part.claimed_type) for part in inbound.media),
                "handled": handled,
            }
            | ({"only_files": True} if _is_only_files(inbound) else {}),
            happened_at=inbound.happened_at,
            is_new=True,
        )
    return message


def _is_stopped_for_good(point: ContactPoint) -> bool:
    """Only START lifts a STOP by text: the carriers let nothing of ours through before it."""
    return point.kind == ChannelKind.SMS and Purpose.SERVICE in consent.withdrawn_purposes(point)


def _is_only_files(inbound: Inbound) -> bool:
    """A voice message, a video, a document: what is in it no flow can tell."""
    said = inbound.text.strip() or inbound.button_id
    return bool(inbound.media) and not said and all(is_claimed(part.claimed_type) for part in inbound.media)


def _is_proved(inbound: Inbound, point: ContactPoint) -> bool:
    """Where the provider says nothing: a mail to the reply address that only this person's mailbox was told."""
    if inbound.proved is None:
        return inbound.point_id == point.pk
    return inbound.proved


def _keep_unproved(channel: Channel, inbound: Inbound, point: ContactPoint, conversation: Conversation) -> Message:
    """For the team, marked. It proves, answers, starts and rates nothing, and is not answered by a machine.

    A STOP still stops: wrongly silent is the lesser harm, and the person can write START (docs/adr/0023).
    """
    message = _save(channel, inbound, point, conversation)
    stops = not inbound.button_id and is_one_of("stop", message.text) and stop_question.heard_in(message) == Stop.SURE
    if stops:
        consent.stop_everything(point=point, message=message)
    _note(message, inbound, handled=stops)
    if not stops:
        inbox_states.waits_for_team(conversation_id=message.conversation_id)
    return message


def _save(channel: Channel, inbound: Inbound, point: ContactPoint, conversation: Conversation) -> Message:
    message = Message.objects.create(
        shop=point.contact.shop,
        conversation=conversation,
        contact=point.contact,
        point=point,
        channel=channel,
        order=conversation.order,
        direction=Direction.IN,
        author=Author.SHOPPER,
        purpose=Purpose.SERVICE,
        content={"button_id": inbound.button_id, "kind": inbound.kind, "subject": inbound.subject[:200]}
        | ({} if _is_proved(inbound, point) else {"unproved": True}),
        text=inbound.text[:MAX_TEXT],
        status=MessageStatus.RECEIVED,
        dedupe_key=_key(channel, inbound),
        ref=new_code(),
        provider_id=inbound.provider_id[:255],
        happened_at=inbound.happened_at,
    )
    files = [
        Attachment(
            message=message,
            position=position,
            source=part.source,
            claimed_type=part.claimed_type[:100],
            next_attempt_at=clock.now(),
        )
        for position, part in enumerate(inbound.media[:MAX_FILES])
    ]
    if files:
        Attachment.objects.bulk_create(files)
        wake(Job.FETCH_MEDIA)
    return message


def _note(message: Message, inbound: Inbound, handled: bool) -> None:
    files = kind_of(inbound.media[0].claimed_type) if inbound.media else ""
    shown = message.text or files or WITHOUT_WORDS.get(inbound.kind, "")
    Conversation.objects.filter(pk=message.conversation_id).update(
        last_message_at=clock.now(),
        last_inbound_at=clock.now(),
        last_text=shown[:200],
        closed_at=None,
        unread=F("unread") + (0 if handled else 1),
        **inbox_states.shopper_wrote(handled=handled),
    )
    inbox_states.tell_team(shop_id=message.shop_id)
    if not handled:
        inbox_states.unread_by_all(shop_id=message.shop_id, conversation_id=message.conversation_id)


def _respond(arrival: _Arrival) -> bool:
    """True: the message has been dealt with, so neither a flow's question nor anything else takes it as its answer."""
    message, point, text = arrival.message, arrival.point, arrival.message.text
    stops = not arrival.inbound.button_id and stop_question.heard_in(message) == Stop.SURE
    if stops and milder_than_stop(text) is None:
        consent.stop_everything(point=point, message=message)
        return True
    if stop_question.heard_answer(message=message, button_id=arrival.inbound.button_id):
        return True
    states = consent.newest_states([point])[point.pk]
    stopped = states.get(Purpose.UTILITY) == ConsentState.WITHDRAWN
    if stopped and (arrival.inbound.resumes or is_one_of("start", text)):
        consent.start_again(point=point, message=message)
        return True
    if _is_stopped_for_good(point):
        return False
    if states.get(Purpose.SERVICE) != ConsentState.GRANTED:
        consent.grant_conversation(point=point, message=message)
    if Purpose.UTILITY not in states and bindings.begin_conversation(point=point, message=message):
        message.refresh_from_db(fields=["conversation", "contact"])
    if arrival.inbound.button_id:
        return requested_actions.heard_tap(message=message, button_id=arrival.inbound.button_id)
    if shopper_control.respond(message=message, point=point):
        return True
    if not stopped and stop_question.ask(message=message):
        return True
    code = _code(arrival)
    if code:
        return _use_code(arrival, code)
    if not OrderBinding.objects.filter(point=point).exists():
        return _ask_for_order(arrival)
    if arrival.inbound.kind == "entry":
        return True
    return requested_actions.heard_reply(message=message) or answers.answer_at_once(message=message) is not None


def _code(arrival: _Arrival) -> str:
    if arrival.inbound.entry_code:
        return arrival.inbound.entry_code
    codes = bindings.codes_in(arrival.message.text)
    if not codes:
        return ""
    early = Message.objects.filter(point=arrival.point, direction=Direction.IN).count() <= FIRST_MESSAGES
    return codes[0] if early or "-" in arrival.message.text else ""


def _use_code(arrival: _Arrival, code: str) -> bool:
    found = bindings.bind_by_code(point=arrival.point, code=code, message=arrival.message)
    if found.goes_on:
        return _go_on(arrival, found)
    match found.outcome:
        case bindings.Outcome.BOUND if found.order is not None:
            arrival.message.refresh_from_db(fields=["conversation", "contact"])
            Message.objects.filter(pk=arrival.message.pk).update(order=found.order)
            arrival.message.order = found.order
            if not arrival.message.shop.flows.filter(status=FlowStatus.ON).exists():
                _say(arrival, "bound", order=found.order.name)
        case bindings.Outcome.WAITING:
            _say(arrival, "waiting")
        case bindings.Outcome.SECOND:
            _say(arrival, "second")
        case bindings.Outcome.SHOP_WIDE:
            newest = bindings.bound_orders(arrival.point).first()
            if newest is None:
                _say(arrival, "which_order")
            else:  # the card is the same in every parcel: it came with the last one
                Message.objects.filter(pk=arrival.message.pk).update(order=newest)
        case bindings.Outcome.TOO_MANY:
            _say(arrival, "too_many", once="hour")
            return False  # it says that a person sees the message, so it must be unread
        case _:
            _say(arrival, "unknown_code")
    return True


def _go_on(arrival: _Arrival, found: bindings.Bound) -> bool:
    """From a web chat into another app: said once, also while a person looks after them."""
    arrival.message.refresh_from_db(fields=["conversation", "contact"])
    if found.order is not None:
        Message.objects.filter(pk=arrival.message.pk).update(order=found.order)
        arrival.message.order = found.order
    with_person = arrival.message.conversation.handed_off_at is not None
    about = str(found.link.pk) if found.link else ""
    _say(arrival, "continued_person" if with_person else "continued", about=about)
    return True


def _ask_for_order(arrival: _Arrival) -> bool:
    """Somebody whose order we do not know. A number with its postcode is proof, and so is the order's phone, where the
    network says that it is theirs; else we ask, once a day.
    """
    message = arrival.message
    if arrival.inbound.shares_phone:
        found = bindings.prove_by_phone(point=arrival.point, phone=arrival.inbound.phone, message=message)
    else:
        found = bindings.prove(point=arrival.point, text=message.text, message=message)
    if found.order is not None:
        Message.objects.filter(pk=message.pk).update(order=found.order)
        if not message.shop.flows.filter(status=FlowStatus.ON).exists():
            _say(arrival, "bound", order=found.order.name)
        return True
    if found.outcome == bindings.Outcome.TOO_MANY:
        _say(arrival, "too_many", once="hour")
        return False
    if answers.wants_person(message.text, arrival.language):
        return answers.answer_at_once(message=message) is not None
    if arrival.conversation.handed_off_at is None:
        if arrival.inbound.shares_phone or any(char.isdigit() for char in message.text):
            _say(arrival, "not_proved")
        elif answers.is_about_order(message.text, arrival.language):
            _say(arrival, "which_order", once="while")  # a plain question is never met with silence
        elif not _asked_today(arrival):
            _say(arrival, "which_order", once="day")
    return False


def _span(once: str) -> str:
    """The part of a key that stays the same for so long: a day, an hour, ten minutes ("while")."""
    now = f"{clock.now():%Y%m%d%H%M}"
    return {"day": now[:8], "hour": now[:10], "while": now[:11]}.get(once, "")


def _asked_today(arrival: _Arrival) -> bool:
    key = f"answer:which_order:{arrival.point.pk}:{clock.now():%Y%m%d}"
    return Message.objects.filter(point=arrival.point, dedupe_key__startswith=key).exists()


def _say(arrival: _Arrival, name: str, *, once: str = "", about: str = "", **values: str) -> None:
    """`once`: in a day, an hour, a while. `about`: once of that. The language may have come with the order."""
    arrival.message.refresh_from_db(fields=["conversation", "contact"])
    if name == "too_many":  # it says that a person sees the message
        inbox_states.waits_for_team(conversation_id=arrival.message.conversation_id)
        reason = "Somebody could not prove an order in several tries, and was promised a person"
        alert_team(
            conversation=arrival.message.conversation,
            reason=reason,
            since=clock.now().replace(minute=0, second=0, microsecond=0),
        )
    asks_phone = name in ASKS_FOR_ORDER and driver_for(arrival.point.kind).can_ask_phone(point=arrival.point)
    span = about or _span(once)
    tail = f"{arrival.point.pk}:{span}" if span else str(arrival.message.pk)
    language = language_of(arrival.message.contact, arrival.message.order or arrival.message.conversation.order)
    queue_answer(
        conversation=arrival.message.conversation,
        text=phrase(name, language, **values) + (f"\n\n{phrase('or_share_number', language)}" if asks_phone else ""),
        language=language,
        point=arrival.point,
        dedupe_key=f"answer:{name}:{tail}",
        asks_phone=asks_phone,
    )
