"""What the networks report about our messages. A status may come before the send's answer, twice, or out of order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from post_purchase.channels.base import ChannelError, Outcome, StatusUpdate
from post_purchase.models import Channel, ContactPoint, DeliveryAttempt, Message, ProviderStatus
from post_purchase.words import Direction, MessageStatus

from .each_row import update_each
from .inbox_states import tell_team, tell_teams
from .refusals import follow

RANK = {MessageStatus.SENT: 1, MessageStatus.DELIVERED: 2, MessageStatus.READ: 3}
LOOK_BACK = timedelta(days=2)
CLOCKS_DIFFER = timedelta(seconds=2)  # the network's watermark against the start of our call
BY_REF = "ref:"  # stands for the id where a mail provider gives none
MOVABLE = (MessageStatus.SENDING, *RANK, MessageStatus.FAILED)
WAITING = (MessageStatus.QUEUED, MessageStatus.HELD)
ARRIVED = (MessageStatus.DELIVERED, MessageStatus.READ)
_MOMENT = {MessageStatus.SENT: "sent_at", MessageStatus.DELIVERED: "delivered_at", MessageStatus.READ: "read_at"}


@transaction.atomic
def record_status(*, channel: Channel, update: StatusUpdate) -> None:
    """Keep the news, and move the message forward where it is known. Repeating it changes nothing."""
    if update.before is not None:
        _watermark(channel, update, update.before)
        return
    if not (update.provider_id or update.ref):
        return
    row = _row(channel, update)
    ProviderStatus.objects.bulk_create([row], ignore_conflicts=True)
    status = ProviderStatus.objects.get(channel=channel, provider_id=row.provider_id, status=row.status)
    if status.message_id is not None:
        return
    message_id = _find(channel, update)
    if message_id is not None:
        attach(status, message_id=message_id)


@transaction.atomic
def record_statuses(*, channel: Channel, updates: Sequence[StatusUpdate]) -> None:
    """As `record_status` for each, in their order, with few statements for many. Without watermarks."""
    keyed = {(_id_of(update), str(update.status)): update for update in reversed(updates) if _id_of(update)}
    ProviderStatus.objects.bulk_create(
        (_row(channel, update) for update in reversed(keyed.values())), ignore_conflicts=True
    )
    ids = {provider_id for provider_id, _ in keyed}
    rows = ProviderStatus.objects.filter(channel=channel, provider_id__in=ids, message=None).order_by("pk")
    fresh = {(row.provider_id, row.status): row for row in rows}
    messages = _locked(channel, [update for key, update in keyed.items() if key in fresh])
    news: dict[int, list[ProviderStatus]] = defaultdict(list)
    for update in updates:
        status = fresh.pop((_id_of(update), str(update.status)), None)
        message = messages.get(update.provider_id) or messages.get(f"{BY_REF}{update.ref}")
        if status is not None and message is not None:
            news[message.pk].append(status)
    _move(news, {message.pk: message for message in messages.values()})


def _id_of(update: StatusUpdate) -> str:
    """Under which id the status is kept; "" where it names no message."""
    return (update.provider_id or (f"{BY_REF}{update.ref}" if update.ref else ""))[:255]


def _row(channel: Channel, update: StatusUpdate) -> ProviderStatus:
    return ProviderStatus(
        channel=channel,
        provider_id=_id_of(update),
        status=update.status,
        ref=update.ref[:32],
        happened_at=update.happened_at,
        error_code=update.error.code[:32] if update.error else "",
        error=str(update.error)[:255] if update.error else "",
        decided=update.error.outcome if update.error else "",
    )


def _locked(channel: Channel, updates: Sequence[StatusUpdate]) -> dict[str, Message]:
    """Our messages that these speak of, by provider id and by reference; locked in one order."""
    ids = {update.provider_id for update in updates if update.provider_id}
    refs = {update.ref for update in updates if update.ref}
    mine = Message.objects.filter(shop_id=channel.shop_id, direction=Direction.OUT)
    found = set(mine.filter(channel=channel, provider_id__in=ids).values_list("pk", flat=True))
    found |= set(mine.filter(ref__in=refs).values_list("pk", flat=True))
    messages: dict[str, Message] = {}
    for message in Message.objects.select_for_update(of=("self",)).filter(pk__in=found).order_by("pk"):
        messages[f"{BY_REF}{message.ref}"] = message
        if message.provider_id and message.channel_id == channel.pk:
            messages[message.provider_id] = message
    return messages


def _move(news: Mapping[int, Sequence[ProviderStatus]], messages: Mapping[int, Message]) -> None:
    """Plain progress of the id that the message has is put together; whatever else is left to `attach`."""
    moves: dict[tuple[tuple[str, object], ...], list[int]] = defaultdict(list)
    known: dict[int, list[int]] = {}
    for pk, statuses in news.items():
        message = messages[pk]
        if not all(_is_plain(status, message) for status in statuses):
            for status in statuses:
                attach(status, message_id=pk)
            continue
        changes: dict[str, object] = {}
        for status in statuses:
            known[status.pk] = [pk]
            changes |= _forward(message, status)
            for name, value in changes.items():
                setattr(message, name, value)
        moves[tuple(changes.items())].append(pk)
    for fields, ids in moves.items():
        Message.objects.filter(pk__in=ids).update(**dict(fields))
    tell_teams(messages[pk].shop_id for ids in moves.values() for pk in ids)
    update_each(ProviderStatus, ["message_id"], known)


def _is_plain(status: ProviderStatus, message: Message) -> bool:
    return (
        message.status in MOVABLE
        and status.status in RANK
        and status.channel_id == message.channel_id
        and status.provider_id == message.provider_id
    )


def _find(channel: Channel, update: StatusUpdate) -> int | None:
    known = Q(channel=channel, provider_id=update.provider_id) if update.provider_id else Q(pk__in=[])
    if update.ref:
        known |= Q(shop_id=channel.shop_id, ref=update.ref)
    mine = Message.objects.filter(known, direction=Direction.OUT)
    return mine.values_list("pk", flat=True).first()


def attach(status: ProviderStatus, *, message_id: int) -> None:
    """Move the message by this status: sent, delivered, read only forward; failed only where it had not arrived."""
    message = Message.objects.select_for_update(of=("self",)).get(pk=message_id)
    status.message = message
    status.save(update_fields=["message"])
    tell_team(shop_id=message.shop_id)
    if message.status in WAITING and status.status in ARRIVED and status.provider_id == message.provider_id:
        if status.channel_id == message.channel_id:  # it has arrived while another way was being found
            Message.objects.filter(pk=message.pk).update(**_forward(message, status))
        return
    if message.status not in MOVABLE:
        return
    if _is_of_an_earlier_attempt(status, message):
        return
    if status.status == MessageStatus.FAILED:
        _failed(status, message)
        return
    Message.objects.filter(pk=message.pk).update(**_forward(message, status))


def _is_of_an_earlier_attempt(status: ProviderStatus, message: Message) -> bool:
    """Another channel, or a later call on the same one, has taken the place of what this status speaks of.

    Mail providers speak of their own id, which is not the Message-ID that we sent: there our reference decides.
    """
    if status.channel_id != message.channel_id:
        return True
    if message.provider_id == status.provider_id:
        return False
    attempts = DeliveryAttempt.objects.filter(message=message).order_by("-number")
    newest = attempts.first()
    named = attempts.filter(provider_id=status.provider_id).first()
    if named is not None:
        return named != newest
    return bool(message.provider_id) and status.ref != message.ref


def _forward(message: Message, status: ProviderStatus) -> dict[str, object]:
    moment = _MOMENT[MessageStatus(status.status)]
    fields: dict[str, object] = {}
    if not message.provider_id and not status.provider_id.startswith(BY_REF):
        fields["provider_id"] = status.provider_id
    if getattr(message, moment) is None:
        fields[moment] = status.happened_at
    if message.sent_at is None:
        fields["sent_at"] = status.happened_at
    if RANK.get(MessageStatus(message.status), 0) < RANK[MessageStatus(status.status)]:
        fields |= {"status": status.status, "reason": "", "error_code": "", "next_attempt_at": None, "failed_at": None}
    return fields or {"status": message.status}


def _failed(status: ProviderStatus, message: Message) -> None:
    """Accepted first, then not delivered. Whether another way is tried is decided with the same table as a refusal."""
    if message.status not in (MessageStatus.SENDING, MessageStatus.SENT):
        return
    attempts = DeliveryAttempt.objects.filter(message=message)
    attempts.filter(provider_id__in={"", status.provider_id, message.provider_id}).update(
        outcome=DeliveryAttempt.Outcome.REFUSED,
        decided=status.decided,
        error=status.error,
        error_code=status.error_code,
    )
    error = ChannelError(
        status.error or "The network could not deliver it",
        outcome=Outcome(status.decided) if status.decided else Outcome.BUG,
        code=status.error_code,
    )
    follow(message_id=message.pk, error=error, tries=attempts.count())


def _watermark(channel: Channel, update: StatusUpdate, before: datetime) -> None:
    """Messenger: everything to this person up to then."""
    point = ContactPoint.objects.filter(
        shop_id=channel.shop_id, kind=channel.kind, account_id=channel.account_id, address=update.address
    ).first()
    if point is None or update.status not in RANK:
        return
    lower = [status for status, rank in RANK.items() if rank < RANK[update.status]]
    begun = DeliveryAttempt.objects.filter(
        channel=channel, point=point, started_at__lte=before + CLOCKS_DIFFER, message__status__in=lower
    )
    reached = Message.objects.filter(
        pk__in=begun.values("message_id"), channel=channel, point=point, direction=Direction.OUT, status__in=lower
    )
    moment = _MOMENT[MessageStatus(update.status)]
    if reached.update(**{"status": update.status, moment: update.happened_at, "reason": "", "next_attempt_at": None}):
        tell_team(shop_id=channel.shop_id)


def attach_left_over(*, now: datetime) -> int:
    """Statuses that came while the send's answer was being saved. Returns how many found their message."""
    found = 0
    left = ProviderStatus.objects.filter(message=None, happened_at__gt=now - LOOK_BACK).order_by("happened_at")
    for status in left[:500]:
        mine = Message.objects.filter(channel_id=status.channel_id, provider_id=status.provider_id)
        pk = mine.filter(direction=Direction.OUT).exclude(provider_id="").values_list("pk", flat=True).first()
        if pk is not None:
            with transaction.atomic():
                attach(status, message_id=pk)
            found += 1
    return found
