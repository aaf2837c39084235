"""Order news that a network took and then said nothing of: by the next channel, where the shop has chosen that.

What surely did not arrive goes another way at once, for every purpose (services/refusals). After silence nobody knows,
and the same is not said twice, unless the merchant wants news of an order to come through rather twice than never.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from post_purchase.channels.base import Outcome
from post_purchase.channels.registry import driver_for
from post_purchase.models import DeliveryAttempt, Message, ShopSettings
from post_purchase.words import MessageStatus, Purpose
from shopapp.lib.queue import Job, wake
from shopapp.models import ShopStatus

from .arbiter import Decision, judge
from .outcomes import WAITING_TO_HEAR
from .reach import Facts

log = logging.getLogger("post_purchase.fallbacks")
MINUTES = 60  # where the merchant named none
SHORTEST = timedelta(minutes=5)  # a phone that is merely slow
LOOK_BACK = timedelta(days=1)  # what is older is no news
BATCH = 200  # messages of one shop at a time


def go_on_after_silence(*, now: datetime) -> int:
    """Each silence is looked at once. Returns how many messages go on by another channel."""
    shops = ShopSettings.objects.filter(fallback_unsure=True, shop__status=ShopStatus.INSTALLED)
    return sum(_shop(settings, now) for settings in shops.order_by("pk"))


def patience(settings: ShopSettings, kind: str) -> timedelta:
    return max(SHORTEST, timedelta(minutes=int(settings.fallback_minutes.get(kind, MINUTES))))


def _shop(settings: ShopSettings, now: datetime) -> int:
    found: dict[int, DeliveryAttempt] = {}
    for attempt in _silent(settings, now):
        channel = attempt.channel
        if channel is None or not driver_for(channel.kind).tells_delivery(channel=channel):
            continue
        wait = patience(settings, channel.kind)
        if attempt.started_at <= now - wait:
            attempt.decided = Outcome.OTHER_CHANNEL
            attempt.error = f"it has not said in {wait.total_seconds() / 60:.0f} minutes whether this arrived"
            found[attempt.message_id] = attempt
    if not found:
        return 0
    rows = Message.objects.select_related("contact", "order", "point", "conversation").filter(pk__in=found)
    messages = list(rows.order_by("pk"))
    facts = Facts(messages, now=now)
    return sum(_go_on(message, found[message.pk], facts) for message in messages)


def _silent(settings: ShopSettings, now: datetime) -> QuerySet[DeliveryAttempt]:
    """The attempts that wait for a word, oldest first: accepted, or with an answer that was lost."""
    mine = Message.objects.filter(shop_id=settings.shop_id, purpose=Purpose.UTILITY, fixed_point=False)
    sent = mine.filter(status=MessageStatus.SENT, sent_at__gt=now - LOOK_BACK, sent_at__lte=now - SHORTEST)
    lost = mine.filter(status=MessageStatus.SENDING, reason=WAITING_TO_HEAR, next_attempt_at__isnull=False)
    attempts = DeliveryAttempt.objects.select_related("channel")
    accepted = attempts.filter(message__in=sent, outcome=DeliveryAttempt.Outcome.ACCEPTED, decided="")
    unknown = attempts.filter(message__in=lost, outcome=DeliveryAttempt.Outcome.UNKNOWN)
    open_ones = accepted | unknown.exclude(decided=Outcome.OTHER_CHANNEL)
    return open_ones.order_by("started_at", "pk")[:BATCH]


@transaction.atomic
def _go_on(message: Message, attempt: DeliveryAttempt, facts: Facts) -> bool:
    """Only where it may go another way right now: else it stays what it is, a message that was sent."""
    still = Message.objects.select_for_update(of=("self",)).filter(pk=message.pk, status=message.status)
    if not still.exists():
        return False
    DeliveryAttempt.objects.filter(pk=attempt.pk).update(decided=attempt.decided, error=attempt.error)
    for each in facts.attempts[message.pk]:
        if each.pk == attempt.pk:
            each.decided, each.error = attempt.decided, attempt.error
    reach = facts.reach_of(message)
    verdict = judge(reach.proposal, reach.situation, facts.now)
    if verdict.decision != Decision.GO:
        return False
    # The id stays until another network gives one: a late word from the first still stops the second.
    Message.objects.filter(pk=message.pk).update(status=MessageStatus.QUEUED, next_attempt_at=facts.now, reason="")
    log.info("delivery.goes_on", extra={"message_id": message.pk})
    wake(Job.SEND_MESSAGES)
    return True
