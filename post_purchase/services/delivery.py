"""From outbox to network: claim, judge, write down that we try, call outside any transaction, write down what came of it.

Killed between claim and attempt: no attempt row, so the message goes back to the queue. Killed after the attempt began: nobody
knows, so it stays SENDING until a status settles it or a day has passed (services/statuses). It is never sent again blindly.
"""

import logging
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F
from pydantic import ValidationError

from post_purchase.channels.base import OutMessage, SendResult
from post_purchase.channels.registry import driver_for
from post_purchase.models import Channel, ContactPoint, Conversation, DeliveryAttempt, Message
from post_purchase.words import Direction, MessageStatus, Mode
from shopapp.lib import clock

from .arbiter import Decision, judge
from .outbox import WAITING
from .pacing import take
from .reach import proposal_of, situation_of
from .settlement import LEASE, give_up, park_unknown, settle_accepted, settle_refused

log = logging.getLogger("post_purchase.delivery")
BATCH = 64
THREADS = 24
WORK_SECONDS = 100
MAX_CLAIMS = 8  # claims of one message that ended in nothing: a poison row


@dataclass(frozen=True)
class Ready:
    """Judged, its attempt committed: now it may be handed to the network."""

    message: Message
    attempt: DeliveryAttempt
    channel: Channel
    point: ContactPoint
    content: OutMessage
    mode: Mode


def send_due() -> int:
    """Send what is due, fairly between shops, until nothing is left or ~100 s are over. Returns the number of network calls."""
    sent, finish = 0, time.monotonic() + WORK_SECONDS
    recover_lost()
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="send") as pool:
        while time.monotonic() < finish:
            claimed = claim_due()
            if not claimed:
                break
            sent += hand_over(prepare(claimed), pool)
    return sent


# --- claim ---


def claim_due(limit: int = BATCH) -> list[Message]:
    """Take up to `limit` due messages: one per conversation, so that order per person is kept; a fair share for each shop."""
    now = clock.now()
    due = Message.objects.filter(direction=Direction.OUT, status__in=WAITING, next_attempt_at__lte=now)
    shops = list(due.order_by().values_list("shop_id", flat=True).distinct()[:limit])
    picked: list[Message] = []
    share = -(-limit // len(shops)) if shops else 0
    for shop_id in shops:
        first: dict[int, Message] = {}
        for message in due.filter(shop_id=shop_id).order_by("id")[: share * 4]:
            first.setdefault(message.conversation_id, message)
        picked += list(first.values())[:share]
    return _lock_and_mark(picked[:limit]) if picked else []


@transaction.atomic
def _lock_and_mark(picked: list[Message]) -> list[Message]:
    now = clock.now()
    conversations = Conversation.objects.filter(pk__in={message.conversation_id for message in picked}).order_by("pk")
    if connection.features.has_select_for_update_skip_locked:
        conversations = conversations.select_for_update(skip_locked=True)
    free = {conversation.pk for conversation in conversations} - _busy({m.conversation_id for m in picked})
    ids = [message.pk for message in picked if message.conversation_id in free]
    still_due = list(
        Message.objects.filter(pk__in=ids, status__in=WAITING, next_attempt_at__lte=now).values_list("pk", flat=True)
    )
    Message.objects.filter(pk__in=still_due).update(
        status=MessageStatus.SENDING, next_attempt_at=now + LEASE, attempts=F("attempts") + 1
    )
    return list(
        Message.objects.filter(pk__in=still_due)
        .select_related("shop__settings", "contact__shop", "conversation", "order", "point")
        .order_by("pk")
    )


def _busy(conversation_ids: Iterable[int]) -> set[int]:
    """Conversations with a message on its way, or one that the network asked us to repeat a little later."""
    now = clock.now()
    rows = Message.objects.filter(conversation_id__in=conversation_ids, direction=Direction.OUT)
    sending = rows.filter(status=MessageStatus.SENDING, next_attempt_at__lte=now + LEASE)
    repeating = rows.filter(status=MessageStatus.QUEUED, attempts__gt=0, next_attempt_at__gt=now)
    return set(sending.values_list("conversation_id", flat=True)) | set(
        repeating.values_list("conversation_id", flat=True)
    )


@transaction.atomic
def recover_lost() -> int:
    """Leases that ran out: without an attempt back to the queue, with one unknown, after a day given up."""
    now, count = clock.now(), 0
    lost = Message.objects.filter(
        direction=Direction.OUT, status=MessageStatus.SENDING, next_attempt_at__lte=now
    ).order_by("id")
    if connection.features.has_select_for_update_skip_locked:
        lost = lost.select_for_update(skip_locked=True, of=("self",))
    for message in lost[:500]:
        attempt = message.delivery_attempts.order_by("-number").first()
        if attempt is not None and attempt.outcome == DeliveryAttempt.Outcome.UNKNOWN:
            give_up(message, "Nobody can say whether it arrived; not sent again")
        elif attempt is not None and attempt.finished_at is None:
            park_unknown(message, attempt, "The sender stopped in the middle")
        elif message.attempts >= MAX_CLAIMS:
            give_up(message, "It could not be prepared, however often we tried")
        else:
            Message.objects.filter(pk=message.pk).update(status=MessageStatus.QUEUED, next_attempt_at=now)
        count += 1
    return count


# --- judge ---


def prepare(claimed: list[Message]) -> list[Ready]:
    """Judge each message; those that may go get an attempt row, committed before any network hears of them."""
    ready = []
    with transaction.atomic():
        for message in claimed:
            try:
                one = _prepare_one(message)
            except (ValidationError, ValueError, TypeError, LookupError) as error:
                log.warning("message.broken", extra={"message_id": message.pk, "error": type(error).__name__})
                give_up(message, f"The message is broken ({type(error).__name__}); its flow needs a look")
                continue
            if one:
                ready.append(one)
    return ready


def _prepare_one(message: Message) -> Ready | None:
    now = clock.now()
    situation, ways = situation_of(message)
    verdict = judge(proposal_of(message), situation, now)
    if verdict.decision == Decision.HOLD:
        _put_back(message, MessageStatus.HELD, verdict.until, verdict.reason)
        return None
    if verdict.decision == Decision.SUPPRESS or verdict.candidate is None:
        tried = message.delivery_attempts.order_by("-number").first()
        if tried is not None and tried.error and not situation.candidates:
            give_up(message, tried.error)  # no other way was left after the network's refusal
        else:
            _put_back(message, MessageStatus.SUPPRESSED, None, verdict.reason)
        return None
    channel, point = ways[verdict.candidate.point_id]
    wait = take(channel_id=channel.pk, point_id=point.pk, rate=driver_for(channel.kind).rate, now=now)
    if wait:
        _put_back(message, MessageStatus.QUEUED, now + wait, f"Waits a moment: {channel.name} sends no faster")
        return None
    content = OutMessage.model_validate(message.content)
    attempt = DeliveryAttempt.objects.create(
        message=message, channel=channel, number=message.delivery_attempts.count() + 1, started_at=now
    )
    Message.objects.filter(pk=message.pk).update(channel=channel, point=point, reason="")
    message.channel, message.point = channel, point
    return Ready(message, attempt, channel, point, content, verdict.mode)


def _put_back(message: Message, status: str, until: object, reason: str) -> None:
    """Nothing was tried, so the claim does not count."""
    Message.objects.filter(pk=message.pk).update(
        status=status, next_attempt_at=until, reason=reason[:255], attempts=F("attempts") - 1
    )


# --- send ---


def hand_over(ready: list[Ready], pool: ThreadPoolExecutor) -> int:
    """Call the networks side by side and record each answer as it comes."""
    calls = {pool.submit(call_network, one): one for one in ready}
    for call in as_completed(calls):
        record(calls[call], call)
    return len(calls)


def call_network(one: Ready) -> SendResult:
    try:
        return driver_for(one.channel.kind).send(
            channel=one.channel, point=one.point, message=one.content, mode=one.mode, ref=one.message.ref
        )
    finally:
        connection.close()  # this thread's own


def record(one: Ready, call: "Future[SendResult]") -> None:
    error = call.exception()
    with transaction.atomic():
        if error is None:
            settle_accepted(one.message, one.attempt, call.result())
        else:
            settle_refused(one.message, one.attempt, error)
    log.info("message.tried", extra={"message_id": one.message.pk, "error": type(error).__name__ if error else ""})


def backlog_age() -> timedelta:
    """How long the oldest due message has waited."""
    now = clock.now()
    oldest = Message.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at").first()
    return now - oldest.next_attempt_at if oldest and oldest.next_attempt_at else timedelta(0)
