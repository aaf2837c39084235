"""What a network's definite no means for the message, said at once or later by callback."""

import logging
import random
from datetime import datetime, timedelta

from post_purchase.channels.base import ChannelError, Outcome
from post_purchase.models import ConsentState, ContactPoint, Message
from post_purchase.words import MessageStatus, Purpose
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake

from .channels import halt_channel
from .consent import record_consent, stopped_at_network

log = logging.getLogger("post_purchase.refusals")
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
MAX_TRIES = 40  # with pauses up to an hour: more than a day; `use_by_at` usually ends it earlier
HALTED_PAUSE = timedelta(minutes=15)


def follow(*, message_id: int, error: ChannelError, tries: int) -> None:
    """What becomes of the message after a definite no, said at once or later by callback. In the caller's transaction.

    `tries`: calls to the network so far. BUG fails the message; a closed way sends it back to the arbiter.
    """
    message = Message.objects.select_for_update(of=("self",)).select_related("channel", "point").get(pk=message_id)
    now = clock.now()
    fields: dict[str, object] = {"reason": str(error)[:255], "error_code": error.code[:32]}
    again = {"provider_id": "", "sent_at": None}  # the next call gets another id, and its statuses name that one
    match error.outcome:
        case Outcome.BUG | Outcome.UNKNOWN:
            fields |= {"status": MessageStatus.FAILED, "failed_at": now, "next_attempt_at": None}
            log.error("delivery.bug", extra={"message_id": message.pk, "code": error.code})
        case Outcome.RETRY_AFTER if tries >= MAX_TRIES:
            fields |= {"status": MessageStatus.FAILED, "failed_at": now, "next_attempt_at": None}
        case Outcome.RETRY_AFTER:
            pause = pause_after(tries, error.retry_after)
            fields |= {"status": MessageStatus.QUEUED, "next_attempt_at": now + pause} | again
        case Outcome.HALT_ACCOUNT:
            if message.channel is not None:
                halt_channel(message.channel, str(error))
            fields |= {"status": MessageStatus.HELD, "next_attempt_at": now + HALTED_PAUSE} | again
        case _:  # the arbiter is asked again and now knows this way is closed
            _close_way(message, error, now)
            fields |= {"status": MessageStatus.QUEUED, "next_attempt_at": now} | again
            wake(Job.SEND_MESSAGES)
    Message.objects.filter(pk=message.pk).update(**fields)


def _close_way(message: Message, error: ChannelError, now: datetime) -> None:
    if message.point is None:
        return
    if error.outcome == Outcome.OPTED_OUT:
        stopped_at_network(point=message.point, message=message, wording=str(error), code=error.code)
    if error.outcome in (Outcome.SUPPRESS_ADDRESS, Outcome.OPTED_OUT):
        ContactPoint.objects.filter(pk=message.point.pk).update(blocked_at=now, blocked_reason=str(error)[:255])
    elif error.outcome == Outcome.SUPPRESS_PURPOSE:
        for purpose in {Purpose(message.purpose), Purpose.MARKETING} - {Purpose.SERVICE}:
            record_consent(
                point=message.point,
                purpose=purpose,
                state=ConsentState.WITHDRAWN,
                method="network",
                wording=str(error),
                proof={"message": message.pk, "code": error.code},
                dedupe_key=f"network:{message.pk}:{message.point.pk}:{purpose}",
            )


def pause_after(tries: int, asked: timedelta | None) -> timedelta:
    """What the network asked for, else 5 s, 10 s, 20 s... up to an hour; spread, so that not all come at once."""
    wait = asked or min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries - 1, 12))
    return wait * random.uniform(1.0, 1.25)
