"""What the networks report about our messages: repeated, out of order, sometimes before the send call has returned."""

from django.db import transaction

from post_purchase.channels.base import ChannelError, Outcome, StatusUpdate
from post_purchase.models import Channel, ContactPoint, DeliveryAttempt, Message, ProviderStatus
from post_purchase.words import Direction, MessageStatus
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake

from .delivery import recover_lost
from .settlement import RANK, advance, fail, follow_outcome

RESENDABLE = frozenset(
    {Outcome.USE_TEMPLATE, Outcome.OTHER_CHANNEL, Outcome.SUPPRESS_ADDRESS, Outcome.SUPPRESS_PURPOSE}
)


@transaction.atomic
def record_status(*, channel: Channel, update: StatusUpdate) -> Message | None:
    """Apply a report once. A report about a message that is not known yet is kept for when it is. Returns the message."""
    if update.before is not None:
        _up_to_watermark(channel, update)
        return None
    if not update.provider_id:
        return None
    error = update.error
    message = _find(channel, update)
    status, created = ProviderStatus.objects.get_or_create(
        channel=channel,
        provider_id=update.provider_id[:255],
        status=update.status,
        defaults={
            "ref": update.ref[:32],
            "error_code": error.code[:32] if error else "",
            "error": str(error)[:255] if error else "",
            "happened_at": update.happened_at,
            "message": message,
        },
    )
    if message is None or not created:
        return message
    if message.provider_id == "" and not _is_newest_try(message, update):
        return message
    if message.provider_id == "":
        Message.objects.filter(pk=message.pk).update(provider_id=status.provider_id)
        message.provider_id = status.provider_id
    if update.status == MessageStatus.FAILED:
        _failed(message, error)
    else:
        if message.status == MessageStatus.SENDING:  # it was taken, whatever became of the send call's answer
            _close_open_try(message, status.provider_id)
        advance(message, MessageStatus(update.status), update.happened_at)
    return message


def reconcile_unknown() -> int:
    """Close what nobody has reported on for a day, and find what a killed worker left behind."""
    return recover_lost()


def _find(channel: Channel, update: StatusUpdate) -> Message | None:
    rows = Message.objects.select_related("point", "channel").filter(shop_id=channel.shop_id, direction=Direction.OUT)
    found = rows.filter(channel=channel, provider_id=update.provider_id).first()
    if found is None and update.ref:
        found = rows.filter(ref=update.ref).first()
        if found is not None and found.provider_id not in ("", update.provider_id):
            return None  # about an earlier try
    return found


def _is_newest_try(message: Message, update: StatusUpdate) -> bool:
    """A late report on a try that was refused since says nothing about the next one."""
    known = DeliveryAttempt.objects.filter(message=message, provider_id=update.provider_id).first()
    newest = message.delivery_attempts.order_by("-number").first()
    return newest is not None and (known is None or known.pk == newest.pk)


def _failed(message: Message, error: ChannelError | None) -> None:
    if (
        error is None
        or error.outcome not in RESENDABLE
        or message.status in (MessageStatus.DELIVERED, MessageStatus.READ)
    ):
        fail(message, error.code if error else "", str(error) if error else "")
        return
    attempt = message.delivery_attempts.order_by("-number").first()
    if attempt is not None:
        DeliveryAttempt.objects.filter(pk=attempt.pk).update(
            outcome=DeliveryAttempt.Outcome.REFUSED,
            finished_at=clock.now(),
            error_code=f"{error.outcome}:{error.code}"[:32],
            error=str(error)[:255],
        )
    follow_outcome(message, error)
    wake(Job.SEND_MESSAGES)


def _close_open_try(message: Message, provider_id: str) -> None:
    attempt = message.delivery_attempts.order_by("-number").first()
    if attempt is not None and attempt.outcome != DeliveryAttempt.Outcome.ACCEPTED:
        DeliveryAttempt.objects.filter(pk=attempt.pk).update(
            outcome=DeliveryAttempt.Outcome.ACCEPTED, finished_at=clock.now(), provider_id=provider_id
        )


def _up_to_watermark(channel: Channel, update: StatusUpdate) -> None:
    """Messenger: everything sent to this person up to the watermark was delivered or read."""
    point = ContactPoint.objects.filter(
        shop_id=channel.shop_id, kind=channel.kind, account_id=channel.account_id, address=update.address
    ).first()
    if point is None:
        return
    lower = [status for status, rank in RANK.items() if rank < RANK[MessageStatus(update.status)]]
    for message in Message.objects.filter(
        point=point, channel=channel, direction=Direction.OUT, status__in=lower, sent_at__lte=update.before
    ):
        advance(message, MessageStatus(update.status), update.happened_at)
