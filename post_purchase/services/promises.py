"""Where everything else stays silent: who sends a code is greeted, a question is promised a person's reply.

Once per open matter: the promise stands until a person has replied or has closed the conversation. So an automatic
answer that comes back (another shop's bot, a mailbox that is away) meets silence.
"""

from collections.abc import Collection
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction

from post_purchase.models import Conversation, FlowEvent, Message, OrderBinding, ShopSettings
from post_purchase.words import Author, Direction, EventKind, Purpose
from shopapp.lib import clock
from shopapp.models import Shop

from . import bindings, consent
from .answers import NEEDS_PERSON, REASONS, in_words, understood
from .file_safety import is_claimed, kind_of
from .inbox_states import waits_for_team
from .messages import queue_answer
from .order_view import asks_for_reviews
from .phrases import phrase
from .stops import wants_stop
from .talk_language import language_of
from .team_alerts import alert_team
from .texts import render
from .threads import hand_off

QUESTION_MARKS = "?？؟"
ENOUGH_LETTERS, ENOUGH_SIGNS = 12, 6  # "ok", "perfect" or a smile want no answer; signs: Chinese and Japanese


@transaction.atomic
def promise_person(*, message: Message) -> Message | None:
    """None: nothing was asked, somebody has answered it, a person is at it, or it was promised already."""
    point = message.point
    if point is None or _is_answered(message):
        return None
    wishes = understood(message).names & REASONS.keys()
    if not wishes and not asks_something(message):
        return None
    open_matter = Conversation.objects.filter(pk=message.conversation_id, handed_off_at=None, answer_promised_at=None)
    now = clock.now()
    if not open_matter.update(answer_promised_at=now):
        return None
    reason = f"The shopper asks {in_words(wishes)}" if wishes else "A question that nothing could answer by itself"
    sent = [kind_of(file.claimed_type).lower() for file in message.attachments.all() if is_claimed(file.claimed_type)]
    if sent and not wishes:
        reason = f"The shopper sent a {sent[0]}"
    if wishes & NEEDS_PERSON:
        hand_off(conversation=message.conversation, reason=reason)
    else:
        alert_team(conversation=message.conversation, reason=reason, since=now)
    waits_for_team(conversation_id=message.conversation_id)
    if Purpose.UTILITY in consent.withdrawn_purposes(point):
        return None  # after a STOP only a person speaks
    order = message.order or message.conversation.order
    language = language_of(message.contact, order)
    back_at = _back_at(message.shop)
    if back_at is None:
        text = phrase("promised", language)
    else:
        values, zone = {"at": back_at.isoformat()}, (order.timezone if order else "") or message.shop.timezone
        when = render("{{ at | day }}, {{ at | clock_time }}", values, language=language, timezone=zone)
        text = phrase("promised_at", language, when=when)
    return queue_answer(
        conversation=message.conversation,
        text=text,
        language=language,
        point=point,
        order=order,
        dedupe_key=f"answer:promise:{message.pk}",
    )


def greet(*, message: Message) -> Message | None:
    """Once, after a code of an order that no flow had a word for: it is older than the app, or all was said."""
    point, order = message.point, message.order or message.conversation.order
    if point is None or order is None or message.conversation.handed_off_at or wants_stop(message.text):
        return None
    said = Message.objects.filter(conversation_id=message.conversation_id, pk__gt=message.pk, direction=Direction.OUT)
    if said.exists() or not bindings.bound_orders(point).filter(pk=order.pk).exists():
        return None
    if not (message.content.get("kind") == "entry" or bindings.codes_in(message.text)):
        proved = OrderBinding.objects.filter(point=point, order=order, bound_at__gte=message.happened_at)
        if not proved.exists():
            return None  # it was dealt with as something else, and the answer is on its way
    if FlowEvent.objects.filter(kind=EventKind.REVIEW_WANTED, message=message).exists() and asks_for_reviews(order):
        return None  # the question that was asked for comes at once
    language = language_of(message.contact, order)
    return queue_answer(
        conversation=message.conversation,
        text=phrase("bound", language, order=order.name),
        language=language,
        point=point,
        order=order,
        dedupe_key=f"answer:bound:{order.pk}:{point.pk}",
    )


def answer_late_tap(*, message: Message) -> Message | None:
    """Once for each old question that can no longer be answered: it ran out of time, or was taken out of its flow.

    A second tap on a question that was answered stays silent: it has had its answer.
    """
    point = message.point
    question, _, choice = str((message.content or {}).get("button_id", "")).rpartition(":")
    if point is None or not question or not choice or message.conversation.handed_off_at:
        return None
    taps = Message.objects.filter(conversation_id=message.conversation_id, direction=Direction.IN, pk__lt=message.pk)
    if taps.filter(content__button_id__startswith=f"{question}:").exists():
        return None
    language = language_of(message.contact, message.order or message.conversation.order)
    return queue_answer(
        conversation=message.conversation,
        text=phrase("late_tap", language),
        language=language,
        point=point,
        order=message.order,
        dedupe_key=f"answer:late_tap:{message.pk}",
    )


def asks_something(message: Message) -> bool:
    """A question, or enough words to want an answer. Taps and bare photos are what a flow once asked for."""
    text = message.text
    if (message.content or {}).get("button_id"):
        return False
    if any(mark in text for mark in QUESTION_MARKS):
        return True
    files = list(message.attachments.all())
    if any(is_claimed(file.claimed_type) for file in files):
        return True  # only a person can listen to it, or read it
    letters = [char for char in text if char.isalnum()]
    signs = sum("\u3040" <= char <= "\u9fff" for char in letters)
    enough = len(letters) >= ENOUGH_LETTERS or signs >= ENOUGH_SIGNS
    return enough and not files


def _is_answered(message: Message) -> bool:
    """By us at once ("Which order is it about?"), or by a person who was faster."""
    later = Message.objects.filter(conversation_id=message.conversation_id, pk__gt=message.pk, direction=Direction.OUT)
    return later.filter(author__in=(Author.ANSWER, Author.PERSON)).exists()


def _back_at(shop: Shop) -> datetime | None:
    try:
        chosen = shop.settings
    except ShopSettings.DoesNotExist:
        return None
    try:
        zone = ZoneInfo(shop.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    return opens_again(
        opens=chosen.team_from, closes=chosen.team_until, days=chosen.team_days, now=clock.now(), zone=zone
    )


def opens_again(
    *, opens: time | None, closes: time | None, days: Collection[int], zone: ZoneInfo, now: datetime
) -> datetime | None:
    """When the team is there next; None while it is there, or where no hours were set. Hours may pass midnight."""
    if opens is None or closes is None or opens == closes:
        return None
    local = now.astimezone(zone)
    for ahead in range(-1, 8):
        day = local.date() + timedelta(days=ahead)
        if days and day.weekday() not in days:
            continue
        begins = datetime.combine(day, opens, zone)
        ends = datetime.combine(day + timedelta(days=1) if closes < opens else day, closes, zone)
        if begins <= local < ends:
            return None
        if begins > local:
            return begins
    return None
