"""Sending what is due: claim by lease, judge, commit the attempts, call the networks, record.

One thread asks the database, for many messages at a time; a pool of threads only waits for the networks.

Killed before the attempt is committed: the lease runs out and it is sent then. Killed after: nobody knows whether the
network took it, so it is not sent again; a status callback settles it, or a day without news closes it.
"""

import logging
import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from functools import lru_cache

from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from post_purchase.channels.base import SendResult
from post_purchase.models import Message
from post_purchase.words import Direction, MessageStatus
from shopapp.lib import clock

from . import handover, outcomes
from .handover import LEASE, Call, Claim
from .messages import WAITING

log = logging.getLogger("post_purchase.delivery")
IN_FLIGHT = 96  # calls at once in one process
CLAIMED_AT_LEAST = 40  # places that are free before the next messages are claimed
RECORDED_AT_MOST = 64  # answers saved in one transaction
GATHERING = 0.015  # seconds that the first answer waits for others to be saved with
TIME_PER_JOB = 100.0  # seconds
MAX_CRASHES = 5  # claims that ended without an attempt: the message itself kills its sender
TROUBLE = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError, DatabaseError)


def send_due() -> int:
    """Send until nothing is due, or for about a hundred seconds. Returns how many messages were handled."""
    end = time.monotonic() + TIME_PER_JOB
    outcomes.settle_left_over(now=clock.now(), max_crashes=MAX_CRASHES)
    handled = 0
    sender = _Sender(_threads(os.getpid()))
    try:
        while time.monotonic() < end and (suspects := claim_suspect()):
            handled += len(suspects)
            sender.start(suspects)
            sender.finish()
        return handled + _stream(sender, end)
    finally:
        sender.finish()  # what is on its way is waited for and recorded, whatever happened here


@lru_cache(maxsize=1)
def _threads(process: int) -> ThreadPoolExecutor:
    """Kept from job to job, as each thread keeps its connections; a forked process has none of its parent's threads."""
    return ThreadPoolExecutor(max_workers=IN_FLIGHT, thread_name_prefix="send")


def _stream(sender: "_Sender", end: float) -> int:
    """Keep the places filled. Claims no more than there are free places: what is judged goes at once."""
    handled, more = 0, True
    while True:
        if more and sender.free >= CLAIMED_AT_LEAST and time.monotonic() < end:
            claims = claim_due(batch=sender.free)
            sender.start(claims)
            handled, more = handled + len(claims), bool(claims)
        elif sender.calls:
            sender.record()
            more = True  # the next one for the same person may be due now
        else:
            return handled


class _Sender:
    """The calls of this process that are on their way."""

    def __init__(self, threads: ThreadPoolExecutor):
        self.threads = threads
        self.calls: dict[Future[SendResult], Call] = {}

    @property
    def free(self) -> int:
        return IN_FLIGHT - len(self.calls)

    def start(self, claims: Sequence[Claim]) -> None:
        for call in deliver(claims):
            self.calls[self.threads.submit(handover.make, call)] = call

    def record(self) -> None:
        """Wait for an answer, and save those that are here by then."""
        wait(self.calls, return_when=FIRST_COMPLETED)
        time.sleep(GATHERING)
        done = [answer for answer in self.calls if answer.done()][:RECORDED_AT_MOST]
        record([(self.calls.pop(answer), answer) for answer in done])

    def finish(self) -> None:
        while self.calls:
            self.record()


def deliver(claims: Sequence[Claim]) -> list[Call]:
    """Judge claimed messages and commit their attempts. Returns the calls that must now be made.

    Where something is wrong with one of them, only that one is left: its lease runs out, settle_left_over decides.
    """
    if not claims:
        return []
    try:
        return handover.prepare(claims)
    except TROUBLE:
        if len(claims) == 1:
            log.exception("delivery.crashed", extra={"message_id": claims[0].message_id})
            return []
    connection.close_if_unusable_or_obsolete()
    return [call for claim in claims for call in deliver([claim])]


def record(answers: Iterable[tuple[Call, "Future[SendResult]"]]) -> None:
    accepted: list[tuple[Call, SendResult]] = []
    for call, answer in answers:
        error = answer.exception()
        if error is None:
            accepted.append((call, answer.result()))
            continue
        try:
            outcomes.refused(attempt=call.attempt, error=handover.explain(call, error))
        except TROUBLE:
            log.exception("delivery.not_recorded", extra={"message_id": call.message.pk})
    _record_accepted(accepted)


def _record_accepted(accepted: list[tuple[Call, SendResult]]) -> None:
    if not accepted:
        return
    try:
        outcomes.accepted([(call.attempt, result) for call, result in accepted])
    except TROUBLE:
        if len(accepted) == 1:
            log.exception("delivery.not_recorded", extra={"message_id": accepted[0][0].message.pk})
            return
        connection.close_if_unusable_or_obsolete()
        for each in accepted:
            _record_accepted([each])


def claim_due(*, batch: int = IN_FLIGHT) -> list[Claim]:
    """Due messages, now ours for LEASE: one per person, in the order they were queued; no shop takes all places."""
    now = clock.now()
    with transaction.atomic():
        due = _due(now).exclude(reason=outcomes.SUSPECT)
        found = _pick(due, batch)
        shops = {shop for _, shop, _ in found}
        if len(found) == batch and len(shops) == 1:  # one shop floods: leave half of the places to the others
            others = _pick(due.exclude(shop_id__in=shops), batch // 2)
            found = found[: batch - len(others)] + others
        return _lease(found, now)


def claim_suspect() -> list[Claim]:
    """One message whose senders have ended without a trace: it is sent by itself, so that it takes no other along."""
    now = clock.now()
    with transaction.atomic():
        return _lease(_pick(_due(now).filter(reason=outcomes.SUSPECT), 1), now)


def _lease(found: list[tuple[int, int, int]], now: datetime) -> list[Claim]:
    if found:
        Message.objects.filter(pk__in=[pk for pk, _, _ in found]).update(
            status=MessageStatus.SENDING, next_attempt_at=now + LEASE, attempts=F("attempts") + 1
        )
    return [Claim(pk, attempts + 1) for pk, _, attempts in found]


def _due(now: datetime) -> QuerySet[Message]:
    """One at a time for each person: two that were judged at once would not see each other against the caps."""
    ahead = Message.objects.filter(conversation_id=OuterRef("conversation_id"), next_attempt_at__isnull=False).filter(
        Q(status=MessageStatus.SENDING, next_attempt_at__lte=now + LEASE)
        | Q(pk__lt=OuterRef("pk"), status=MessageStatus.QUEUED, attempts__gt=0)
        | Q(pk__lt=OuterRef("pk"), status__in=WAITING, next_attempt_at__lte=now)
    )
    due = Message.objects.filter(next_attempt_at__lte=now, status__in=WAITING, direction=Direction.OUT)
    return due.exclude(Exists(ahead)).order_by("next_attempt_at", "pk")


def _pick(due: QuerySet[Message], places: int) -> list[tuple[int, int, int]]:
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True, of=("self",))
    return list(due.values_list("pk", "shop_id", "attempts")[:places])
