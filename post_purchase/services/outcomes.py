"""What follows from a network's answer, from its silence, and from a sender that was killed."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q

from post_purchase.channels.base import ChannelError, Outcome, SendResult
from post_purchase.models import DeliveryAttempt, Message, ProviderStatus
from post_purchase.words import MessageStatus
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake

from . import statuses
from .refusals import follow

log = logging.getLogger("post_purchase.outcomes")
HEAR_FOR = timedelta(hours=24)  # how long a silent network may still tell by callback
WAITING_TO_HEAR = "Waiting to hear whether this arrived"
NOBODY_KNOWS = "Nobody can say whether it arrived; not sent again"


@transaction.atomic
def accepted(*, attempt: DeliveryAttempt, result: SendResult) -> None:
    now = clock.now()
    _finish(attempt, DeliveryAttempt.Outcome.ACCEPTED, provider_id=result.provider_id)
    message = Message.objects.select_for_update(of=("self",)).get(pk=attempt.message_id)
    fields: dict[str, object] = {}
    if message.status in (MessageStatus.SENDING, *statuses.RANK):  # else a faster callback has asked for another try
        fields["provider_id"] = result.provider_id
    if message.status == MessageStatus.SENDING:  # a callback may have been faster
        fields |= {
            "status": MessageStatus.SENT,
            "sent_at": now,
            "reason": "",
            "error_code": "",
            "next_attempt_at": None,
        }
        if result.status == "delivered":
            fields |= {"status": MessageStatus.DELIVERED, "delivered_at": now}
    if fields:
        Message.objects.filter(pk=message.pk).update(**fields)
    wake(Job.SEND_MESSAGES)  # the next one for this person
    waiting = ProviderStatus.objects.filter(channel=attempt.channel, provider_id=result.provider_id, message=None)
    for status in waiting.order_by("happened_at", "pk"):
        statuses.attach(status, message_id=message.pk)


@transaction.atomic
def refused(*, attempt: DeliveryAttempt, error: ChannelError) -> None:
    """The network said no, or nothing."""
    if error.outcome == Outcome.UNKNOWN:
        _finish(attempt, DeliveryAttempt.Outcome.UNKNOWN, error=error)
        unknown(attempt.message_id)
        return
    _finish(attempt, DeliveryAttempt.Outcome.REFUSED, error=error)
    follow(message_id=attempt.message_id, error=error, tries=attempt.number)


def unknown(message_id: int) -> None:
    """The network may have it. Not sent again: wait for its callback."""
    Message.objects.filter(pk=message_id, status=MessageStatus.SENDING).update(
        reason=WAITING_TO_HEAR, next_attempt_at=clock.now() + HEAR_FOR
    )
    log.warning("delivery.unknown", extra={"message_id": message_id})


def settle_left_over(*, now: datetime, max_crashes: int) -> None:
    """Messages left in SENDING whose lease ran out: their sender was killed, or the network stayed silent for a day."""
    left = Message.objects.filter(status=MessageStatus.SENDING, next_attempt_at__lte=now).annotate(
        tries=Count("delivery_attempts"),
        unfinished=Count("delivery_attempts", filter=Q(delivery_attempts__finished_at=None)),
    )
    for message in left.order_by("next_attempt_at", "pk")[:500]:
        _settle(message, now, max_crashes)


@transaction.atomic
def _settle(message: Message, now: datetime, max_crashes: int) -> None:
    still = Message.objects.filter(
        pk=message.pk, status=MessageStatus.SENDING, attempts=message.attempts, next_attempt_at=message.next_attempt_at
    )
    if message.reason == WAITING_TO_HEAR:
        still.update(status=MessageStatus.FAILED, reason=NOBODY_KNOWS, failed_at=now, next_attempt_at=None)
    elif message.unfinished:  # type: ignore[attr-defined]
        if still.update(reason=WAITING_TO_HEAR, next_attempt_at=now + HEAR_FOR):
            DeliveryAttempt.objects.filter(message=message, finished_at=None).update(
                outcome=DeliveryAttempt.Outcome.UNKNOWN,
                finished_at=now,
                error="The sender was stopped before the answer",
            )
            log.warning("delivery.unknown", extra={"message_id": message.pk})
    elif message.attempts - message.tries >= max_crashes:  # type: ignore[attr-defined]
        reason = "It stopped the sender several times and was put aside; the log names the error"
        still.update(status=MessageStatus.FAILED, reason=reason, failed_at=now, next_attempt_at=None)
        log.error("delivery.poison", extra={"message_id": message.pk})
    else:
        still.update(status=MessageStatus.QUEUED, next_attempt_at=now)


def _finish(
    attempt: DeliveryAttempt, outcome: str, *, error: ChannelError | None = None, provider_id: str = ""
) -> None:
    row = DeliveryAttempt.objects.filter(pk=attempt.pk)
    if outcome == DeliveryAttempt.Outcome.ACCEPTED and row.filter(outcome=DeliveryAttempt.Outcome.REFUSED).exists():
        row.update(finished_at=clock.now(), provider_id=provider_id)  # the callback that said no was faster
        return
    row.update(
        finished_at=clock.now(),
        outcome=outcome,
        decided=error.outcome if error else "",
        error_code=error.code[:32] if error else "",
        error=str(error)[:255] if error else "",
        provider_id=provider_id,
    )
