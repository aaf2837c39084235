"""What an answer of a network means for a message: one place for the send call's answer and for later callbacks."""

import random
from datetime import timedelta

from post_purchase.channels.base import ChannelError, Outcome, SendResult
from post_purchase.models import (
    Channel,
    ChannelStatus,
    ConsentState,
    ContactPoint,
    DeliveryAttempt,
    Message,
    ProviderStatus,
)
from post_purchase.words import MessageStatus
from shopapp.lib import clock

from .consent import record_consent

LEASE = timedelta(seconds=120)
UNKNOWN_FOR = timedelta(hours=24)  # how long a status may still tell us
LOOK_AGAIN = timedelta(minutes=15)
MAX_TRIES = 12
RANK = {MessageStatus.SENT: 1, MessageStatus.DELIVERED: 2, MessageStatus.READ: 3}
TIME_FIELDS = {MessageStatus.SENT: "sent_at", MessageStatus.DELIVERED: "delivered_at", MessageStatus.READ: "read_at"}


def settle_accepted(message: Message, attempt: DeliveryAttempt, result: SendResult) -> None:
    """The network took it. Statuses that have overtaken this answer are applied now."""
    now = clock.now()
    _finish(attempt, DeliveryAttempt.Outcome.ACCEPTED, provider_id=result.provider_id)
    fresh = Message.objects.select_related("point").get(pk=message.pk)
    Message.objects.filter(pk=message.pk).update(provider_id=result.provider_id[:255])
    advance(fresh, MessageStatus(result.status), now)
    early = ProviderStatus.objects.filter(
        channel_id=attempt.channel_id, provider_id=result.provider_id, message=None
    ).order_by("happened_at", "pk")
    for status in early:
        ProviderStatus.objects.filter(pk=status.pk).update(message=message)
        fresh.refresh_from_db()
        if status.status == MessageStatus.FAILED:
            fail(fresh, status.error_code, status.error)
        else:
            advance(fresh, MessageStatus(status.status), status.happened_at)


def advance(message: Message, status: MessageStatus, at: object) -> bool:
    """Statuses only move forward: sent, delivered, read. A later "delivered" also takes a failure back."""
    current = RANK.get(MessageStatus(message.status), 0)
    if message.status == MessageStatus.FAILED and status == MessageStatus.SENT:
        return False
    fields: dict[str, object] = {}
    if getattr(message, TIME_FIELDS[status]) is None:
        fields[TIME_FIELDS[status]] = at
    if message.sent_at is None:
        fields["sent_at"] = at
    if RANK[status] > current:
        fields |= {"status": status, "reason": "", "error_code": "", "next_attempt_at": None}
    if fields:
        Message.objects.filter(pk=message.pk).update(**fields)
    return RANK[status] > current


def settle_refused(message: Message, attempt: DeliveryAttempt, error: BaseException) -> None:
    """Not taken, or nobody knows. Anything but a ChannelError is a fault of ours after which nobody knows."""
    if not isinstance(error, ChannelError):
        park_unknown(message, attempt, f"The sending stopped with {type(error).__name__}")
        return
    if error.outcome == Outcome.UNKNOWN:
        park_unknown(message, attempt, str(error), error.code)
        return
    _finish(attempt, DeliveryAttempt.Outcome.REFUSED, error=str(error), code=f"{error.outcome}:{error.code}")
    fresh = Message.objects.select_related("point", "channel").get(pk=message.pk)
    if fresh.status == MessageStatus.SENDING:
        follow_outcome(fresh, error)


def follow_outcome(message: Message, error: ChannelError) -> None:
    """The small set of outcomes (channels/base.Outcome) turned into what the row waits for."""
    now, why = clock.now(), str(error)
    if error.outcome == Outcome.RETRY_AFTER:
        if message.attempts >= MAX_TRIES:
            give_up(message, f"{why} (tried {message.attempts} times)", error.code)
            return
        wait = error.retry_after or back_off(message.attempts)
        _wait(message, MessageStatus.QUEUED, now + wait, why, error.code)
    elif error.outcome in (Outcome.USE_TEMPLATE, Outcome.OTHER_CHANNEL):
        _wait(message, MessageStatus.QUEUED, now, why, error.code)
    elif error.outcome == Outcome.SUPPRESS_PURPOSE:
        _withdraw(message, error)
        _end(message, MessageStatus.SUPPRESSED, why, error.code)
    elif error.outcome == Outcome.SUPPRESS_ADDRESS:
        ContactPoint.objects.filter(pk=message.point_id).update(blocked_at=now, blocked_reason=why[:255])
        if message.fixed_point:
            give_up(message, why, error.code)
        else:
            _wait(message, MessageStatus.QUEUED, now, why, error.code)
    elif error.outcome == Outcome.HALT_ACCOUNT:
        Channel.objects.filter(pk=message.channel_id, status=ChannelStatus.ACTIVE).update(
            status=ChannelStatus.HALTED, status_reason=why[:255]
        )
        _wait(message, MessageStatus.HELD, now + LOOK_AGAIN, f"The account is stopped: {why}", error.code)
    else:
        give_up(message, why, error.code)


def back_off(tries: int) -> timedelta:
    """4, 16, 64 ... seconds, at most an hour, a quarter more or less so that messages do not come back together."""
    return timedelta(seconds=min(3600, 4 ** min(tries, 6)) * random.uniform(0.75, 1.25))


def park_unknown(message: Message, attempt: DeliveryAttempt, why: str, code: str = "") -> None:
    """A status may still settle it; after a day it is closed. It is not sent again."""
    _finish(attempt, DeliveryAttempt.Outcome.UNKNOWN, error=why, code=code)
    Message.objects.filter(pk=message.pk, status=MessageStatus.SENDING).update(
        next_attempt_at=clock.now() + UNKNOWN_FOR,
        reason=f"Waiting to hear whether the network took it: {why}"[:255],
        error_code=code[:32],
    )


def fail(message: Message, code: str, why: str) -> bool:
    """The network says that it failed; after it was delivered nothing takes that back."""
    if message.status in (MessageStatus.DELIVERED, MessageStatus.READ, MessageStatus.FAILED):
        return False
    give_up(message, why or "The network could not deliver it", code)
    return True


def give_up(message: Message, why: str, code: str = "") -> None:
    _end(message, MessageStatus.FAILED, why, code, failed_at=clock.now())


def _end(message: Message, status: str, why: str, code: str, **fields: object) -> None:
    Message.objects.filter(pk=message.pk).update(
        status=status, reason=why[:255], error_code=code[:32], next_attempt_at=None, **fields
    )


def _wait(message: Message, status: str, until: object, why: str, code: str) -> None:
    Message.objects.filter(pk=message.pk).update(
        status=status, next_attempt_at=until, reason=why[:255], error_code=code[:32], provider_id="", sent_at=None
    )


def _withdraw(message: Message, error: ChannelError) -> None:
    if message.point is not None:
        record_consent(
            point=message.point,
            purpose=message.purpose,
            state=ConsentState.WITHDRAWN,
            method="network",
            wording=str(error),
            proof={"message": message.pk, "code": error.code},
            dedupe_key=f"network:{message.pk}:{message.purpose}",
        )


def _finish(attempt: DeliveryAttempt, outcome: str, *, provider_id: str = "", error: str = "", code: str = "") -> None:
    DeliveryAttempt.objects.filter(pk=attempt.pk).update(
        finished_at=clock.now(),
        outcome=outcome,
        provider_id=provider_id[:255],
        error=error[:255],
        error_code=code[:32],
    )
