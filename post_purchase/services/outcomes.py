"""What follows from a network's answer, from its silence, and from a sender that was killed."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q

from post_purchase.channels.base import ChannelError, Outcome, SendResult
from post_purchase.models import DeliveryAttempt, Message, ProviderStatus
from post_purchase.words import MessageStatus
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake

from . import statuses
from .each_row import update_each
from .inbox_states import tell_team, tell_teams
from .refusals import follow

log = logging.getLogger("post_purchase.outcomes")
HEAR_FOR = timedelta(hours=24)  # how long a silent network may still tell by callback
WAITING_TO_HEAR = "Waiting to hear whether this arrived"
SUSPECT = "Its sender stopped without a trace; it is tried again by itself"
NOBODY_KNOWS = "Nobody can say whether it arrived; not sent again"


@transaction.atomic
def accepted(taken: Sequence[tuple[DeliveryAttempt, SendResult]]) -> None:
    """The networks have taken these: one transaction, with as many statements for many as for one."""
    now = clock.now()
    results = {attempt.message_id: result for attempt, result in taken}
    rows = Message.objects.filter(pk__in=results).order_by("pk").select_for_update(of=("self",))
    found = list(rows.values_list("pk", "status", "shop_id"))
    states = {pk: status for pk, status, _ in found}
    _finish_accepted(taken, now)
    # A callback may have been faster. Where it asked for another try, this id is not the message's any more.
    counted = [pk for pk, status in states.items() if status in (MessageStatus.SENDING, *statuses.RANK)]
    update_each(Message, ["provider_id"], {pk: [results[pk].provider_id] for pk in counted})
    for arrived in (False, True):
        mine = [
            pk
            for pk, status in states.items()
            if status == MessageStatus.SENDING and (results[pk].status == "delivered") == arrived
        ]
        fields: dict[str, object] = {"sent_at": now, "reason": "", "error_code": "", "next_attempt_at": None}
        fields |= (
            {"status": MessageStatus.DELIVERED, "delivered_at": now} if arrived else {"status": MessageStatus.SENT}
        )
        if mine:
            Message.objects.filter(pk__in=mine).update(**fields)
    wake(Job.SEND_MESSAGES)  # the next ones for these people
    tell_teams(shop_id for _, _, shop_id in found)
    _attach_waiting(taken)


def _finish_accepted(taken: Sequence[tuple[DeliveryAttempt, SendResult]], now: datetime) -> None:
    """Where a callback that said no was faster, the attempt stays refused."""
    attempts = DeliveryAttempt.objects.filter(pk__in=[attempt.pk for attempt, _ in taken])
    attempts.exclude(outcome=DeliveryAttempt.Outcome.REFUSED).update(outcome=DeliveryAttempt.Outcome.ACCEPTED)
    attempts.update(finished_at=now)
    update_each(DeliveryAttempt, ["provider_id"], {attempt.pk: [result.provider_id] for attempt, result in taken})


def _attach_waiting(taken: Sequence[tuple[DeliveryAttempt, SendResult]]) -> None:
    """Statuses that came before their message's id was known."""
    messages = {(attempt.channel_id, result.provider_id): attempt.message_id for attempt, result in taken}
    waiting = ProviderStatus.objects.filter(
        channel_id__in={attempt.channel_id for attempt, _ in taken},
        provider_id__in={result.provider_id for _, result in taken},
        message=None,
    )
    for status in waiting.order_by("happened_at", "pk"):
        message_id = messages.get((status.channel_id, status.provider_id))
        if message_id is not None:
            statuses.attach(status, message_id=message_id)


@transaction.atomic
def refused(*, attempt: DeliveryAttempt, error: ChannelError) -> None:
    """The network said no, or nothing."""
    tell_team(shop_id=attempt.message.shop_id)
    if error.outcome == Outcome.UNKNOWN:
        _finish(attempt, DeliveryAttempt.Outcome.UNKNOWN, error)
        unknown(attempt.message_id)
        return
    _finish(attempt, DeliveryAttempt.Outcome.REFUSED, error)
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
    tell_team(shop_id=message.shop_id)
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
        crashed_again = message.attempts - message.tries > 1  # type: ignore[attr-defined]
        reason = SUSPECT if crashed_again else message.reason
        still.update(status=MessageStatus.QUEUED, next_attempt_at=now, reason=reason)


def _finish(attempt: DeliveryAttempt, outcome: str, error: ChannelError) -> None:
    DeliveryAttempt.objects.filter(pk=attempt.pk).update(
        finished_at=clock.now(),
        outcome=outcome,
        decided=error.outcome,
        error_code=error.code[:32],
        error=str(error)[:255],
        file_sent=error.file_sent,
    )
