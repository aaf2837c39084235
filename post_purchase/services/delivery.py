"""Sending what is due: claim by lease, judge, commit the attempt, call the network, record.

Killed before the attempt is committed: the lease runs out and it is sent then. Killed after: nobody knows whether the
network took it, so it is not sent again; a status callback settles it, or a day without news closes it.
"""

import logging
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from post_purchase.channels.base import ChannelError, OutMessage, SendContext
from post_purchase.channels.registry import driver_for
from post_purchase.models import DeliveryAttempt, Message
from post_purchase.words import Author, Direction, MessageStatus, Mode, Purpose
from shopapp.lib import clock

from . import outcomes, pacing, reach
from .arbiter import Decision, Verdict, judge
from .messages import WAITING

log = logging.getLogger("post_purchase.delivery")
LEASE = timedelta(seconds=90)  # longer than a driver may take
BATCH = 64
THREADS = 16
TIME_PER_JOB = 100.0  # seconds
MAX_CRASHES = 5  # claims that ended without an attempt: the message itself kills its sender


@dataclass(frozen=True)
class Claim:
    message_id: int
    number: int  # Message.attempts at the claim: whoever holds an older number has lost it


def send_due() -> int:
    """Send until nothing is due, or for about a hundred seconds. Returns how many messages were handled."""
    handled, end = 0, time.monotonic() + TIME_PER_JOB
    outcomes.settle_left_over(now=clock.now(), max_crashes=MAX_CRASHES)
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="send") as threads:
        while time.monotonic() < end:
            claims = claim_due()
            if not claims:
                break
            running = {threads.submit(_in_thread, claim): claim for claim in claims}
            for done in wait(running).done:
                if done.exception() is not None:  # the lease runs out and settle_left_over decides
                    log.error(
                        "delivery.crashed", exc_info=done.exception(), extra={"message_id": running[done].message_id}
                    )
            handled += len(claims)
    return handled


def _in_thread(claim: Claim) -> None:
    try:
        deliver(claim)
    finally:
        connection.close()


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
        Message.objects.select_related("shop", "contact", "order", "point", "conversation")
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
    pause = pacing.seconds_to_wait(rate=driver.rate, channel_id=way.channel.pk, point_id=way.point.pk)
    if pause:
        reason = f"{driver.kind.label} takes only so many messages at a time; next try in a moment"
        until = clock.now() + timedelta(seconds=pause)
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
    thread = list(
        Message.objects.filter(conversation_id=message.conversation_id, channel=way.channel, point=way.point)
        .exclude(provider_id="")
        .order_by("-pk")
        .values_list("provider_id", flat=True)[:12]
    )
    return SendContext(
        purpose=Purpose(message.purpose),
        typed=message.author == Author.PERSON,
        attempt=number,
        thread=tuple(reversed(thread)),
    )
