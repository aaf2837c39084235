"""Sending what is due: claim by lease, judge, commit the attempt, call the network, record.

Killed before the attempt is committed: the lease runs out and it is sent then. Killed after: nobody knows whether the
network took it, so it is not sent again; a status callback settles it, or a day without news closes it.
"""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from post_purchase.channels.base import ChannelError, OutMessage, SendContext
from post_purchase.channels.registry import driver_for
from post_purchase.models import DeliveryAttempt, Message
from post_purchase.words import Author, ChannelKind, Direction, MessageStatus, Mode, Purpose
from shopapp.lib import clock

from . import outcomes, pacing, reach
from .arbiter import Decision, Verdict, judge
from .messages import WAITING

log = logging.getLogger("post_purchase.delivery")
LEASE = timedelta(seconds=90)  # longer than a driver may take
BATCH = 8  # claimed at a time by one thread
THREADS = (16, 4)  # PostgreSQL; SQLite, where more would only wait for the one write lock
TIME_PER_JOB = 100.0  # seconds
HAS_PLACE = "Waits for its place: the network takes only so many messages a second"
TROUBLE = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError, DatabaseError)
MAX_CRASHES = 5  # claims that ended without an attempt: the message itself kills its sender


@dataclass(frozen=True)
class Claim:
    message_id: int
    number: int  # Message.attempts at the claim: whoever holds an older number has lost it


def send_due() -> int:
    """Send until nothing is due, or for about a hundred seconds. Returns how many messages were handled."""
    end = time.monotonic() + TIME_PER_JOB
    outcomes.settle_left_over(now=clock.now(), max_crashes=MAX_CRASHES)
    handled = _work(end, only=1)
    if not handled:
        return 0
    count = THREADS[connection.vendor == "sqlite"]
    with ThreadPoolExecutor(max_workers=count, thread_name_prefix="send") as threads:
        return handled + sum(threads.map(_in_thread, [end] * count))


def _in_thread(end: float) -> int:
    try:
        return _work(end)
    finally:
        connection.close()


def _work(end: float, *, only: int | None = None) -> int:
    """One sender: claims a few messages, sends them one after the other, and looks again."""
    handled = 0
    while time.monotonic() < end and (only is None or handled < only):
        claims = claim_due(batch=only or BATCH)
        if not claims:
            break
        for claim in claims:
            try:
                deliver(claim)
            except TROUBLE:  # its lease runs out, and settle_left_over decides
                log.exception("delivery.crashed", extra={"message_id": claim.message_id})
            handled += 1
    return handled


def claim_due(*, batch: int = BATCH) -> list[Claim]:
    """Due messages, now ours for LEASE: one per person, in the order they were queued; no shop takes all places."""
    now = clock.now()
    with transaction.atomic():
        found = _pick(_due(now), batch)
        shops = {shop for _, shop, _ in found}
        if len(found) == batch and len(shops) == 1:  # one shop floods: leave half of the places to the others
            others = _pick(_due(now).exclude(shop_id__in=shops), batch // 2)
            found = found[: batch - len(others)] + others
        ids = [pk for pk, _, _ in found]
        if ids:
            Message.objects.filter(pk__in=ids).update(
                status=MessageStatus.SENDING, next_attempt_at=now + LEASE, attempts=F("attempts") + 1
            )
    return [Claim(pk, attempts + 1) for pk, _, attempts in found]


def _due(now: datetime) -> QuerySet[Message]:
    earlier = Message.objects.filter(
        conversation_id=OuterRef("conversation_id"), pk__lt=OuterRef("pk"), next_attempt_at__isnull=False
    ).filter(
        Q(status=MessageStatus.SENDING, next_attempt_at__lte=now + LEASE)
        | Q(status=MessageStatus.QUEUED, attempts__gt=0)
        | Q(status=MessageStatus.QUEUED, next_attempt_at__lte=now)
    )
    due = Message.objects.filter(next_attempt_at__lte=now, status__in=WAITING, direction=Direction.OUT)
    return due.exclude(Exists(earlier)).order_by("next_attempt_at", "pk")


def _pick(due: QuerySet[Message], places: int) -> list[tuple[int, int, int]]:
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True, of=("self",))
    return list(due.values_list("pk", "shop_id", "attempts")[:places])


def deliver(claim: Claim) -> None:
    """Judge and send one claimed message, and record what happened."""
    message = (
        Message.objects.select_related("shop__settings", "contact", "order", "point", "conversation")
        .filter(pk=claim.message_id, status=MessageStatus.SENDING, attempts=claim.number)
        .first()
    )
    if message is None:
        return
    now = clock.now()
    found = reach.gather(message, now=now)
    verdict = judge(found.proposal, found.situation, now)
    if verdict.decision == Decision.SUPPRESS:
        _give_back(claim, status=MessageStatus.SUPPRESSED, reason=verdict.reason, next_attempt_at=None)
    elif verdict.decision == Decision.HOLD or verdict.candidate is None:
        _give_back(claim, status=MessageStatus.HELD, reason=verdict.reason, next_attempt_at=verdict.until, attempts=0)
    else:
        _hand_over(message, claim, verdict, found.ways[verdict.candidate.point_id, verdict.candidate.channel_id])


def _give_back(claim: Claim, **fields: object) -> None:
    if "reason" in fields:
        fields["reason"] = str(fields["reason"])[:255]
    Message.objects.filter(pk=claim.message_id, status=MessageStatus.SENDING, attempts=claim.number).update(**fields)


def _hand_over(message: Message, claim: Claim, verdict: Verdict, way: reach.Way) -> None:
    driver = driver_for(way.channel.kind)
    pause = 0.0
    if message.reason != HAS_PLACE:
        pause = pacing.reserve(rate=driver.rate, channel_id=way.channel.pk, point_id=way.point.pk)
    if pause:
        reason = HAS_PLACE if pause <= pacing.HORIZON else f"{driver.kind.label} takes only so many messages a second"
        until = clock.now() + timedelta(seconds=min(pause, pacing.HORIZON))
        _give_back(claim, status=MessageStatus.QUEUED, reason=reason, next_attempt_at=until, attempts=F("attempts") - 1)
        return
    attempt = _begin(message, claim, way)
    if attempt is None:
        return
    try:
        result = driver.send(
            channel=way.channel,
            point=way.point,
            message=_content(message, verdict.mode, way),
            mode=verdict.mode,
            ref=message.ref,
            context=_context(message, way, attempt.number),
        )
    except ChannelError as error:
        outcomes.refused(attempt=attempt, error=error)
    else:
        outcomes.accepted(attempt=attempt, result=result)


@transaction.atomic
def _begin(message: Message, claim: Claim, way: reach.Way) -> DeliveryAttempt | None:
    """The attempt, committed before the network is asked. None: the claim was lost meanwhile."""
    now = clock.now()
    held = Message.objects.filter(pk=message.pk, status=MessageStatus.SENDING, attempts=claim.number)
    if not held.update(point=way.point, channel=way.channel, next_attempt_at=now + LEASE, reason=""):
        return None
    number = message.delivery_attempts.count() + 1
    return DeliveryAttempt.objects.create(
        message=message, channel=way.channel, point=way.point, number=number, started_at=now
    )


def _content(message: Message, mode: Mode, way: reach.Way) -> OutMessage:
    """The words; with a template, in the language in which the network approved it."""
    content = OutMessage.model_validate(message.content)
    if mode == Mode.TEMPLATE and content.template and way.template:
        chosen = content.template.model_copy(update={"language": way.template.language})
        return content.model_copy(update={"template": chosen})
    return content


def _context(message: Message, way: reach.Way, number: int) -> SendContext:
    """A dozen ids are enough for a mail program to find the thread."""
    thread = (
        []
        if way.channel.kind != ChannelKind.EMAIL
        else list(
            Message.objects.filter(conversation_id=message.conversation_id, channel=way.channel, point=way.point)
            .exclude(provider_id="")
            .order_by("-pk")
            .values_list("provider_id", flat=True)[:12]
        )
    )
    return SendContext(
        purpose=Purpose(message.purpose),
        typed=message.author == Author.PERSON,
        attempt=number,
        thread=tuple(reversed(thread)),
    )
