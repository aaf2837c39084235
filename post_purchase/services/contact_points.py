"""A person's ids on the networks. WhatsApp names people by business-scoped id (BSUID); the phone is another name."""

from django.db import transaction

from post_purchase.channels.base import Inbound, PointUpdate
from post_purchase.models import (
    Channel,
    ChoiceEntry,
    ConsentEntry,
    Contact,
    ContactPoint,
    ContactPointAlias,
    Conversation,
    FlowEvent,
    FlowRun,
    Message,
    Note,
    Order,
    RequestedAction,
    Review,
    Reward,
    TeamAlert,
)
from post_purchase.words import ChannelKind
from shopapp.lib import clock

from . import inbox_states
from .suppressions import restore_stop

PER_ACCOUNT = (ChannelKind.MESSENGER, ChannelKind.INSTAGRAM, ChannelKind.TELEGRAM)  # ids hold for one page or bot only
OF_A_POINT = ("contact__shop__settings", "shop")  # asked of every message, so fetched at once
MERGED_FIELDS = (  # the target's own win
    *("first_name", "last_name", "language", "country", "province", "timezone"),
    *("chosen_language", "preferred_kind", "quiet_from", "quiet_until"),
)


def account_of(channel: Channel) -> str:
    return channel.account_id if channel.kind in PER_ACCOUNT else ""


def find_point(*, channel: Channel, addresses: tuple[str, ...]) -> ContactPoint | None:
    """By its address or an earlier or other one; the first address that is known wins."""
    network = {"shop_id": channel.shop_id, "kind": channel.kind, "account_id": account_of(channel)}
    for address in filter(None, addresses):
        point = ContactPoint.objects.select_related(*OF_A_POINT).filter(**network, address=address).first()
        if point is None:
            alias = ContactPointAlias.objects.select_related(*(f"point__{each}" for each in OF_A_POINT))
            found = alias.filter(**network, address=address).first()
            point = found.point if found else None
        if point is not None:
            return point
    return None


def is_unchanged(point: ContactPoint | None) -> bool:
    """Whether the row still says what it said: whose it is, its name, and when they wrote last. False for None."""
    if point is None:
        return False
    said = {"contact_id": point.contact_id, "address": point.address, "last_inbound_at": point.last_inbound_at}
    return ContactPoint.objects.filter(pk=point.pk, **said).exists()


def find_or_create_point(*, channel: Channel, inbound: Inbound) -> ContactPoint:
    """Who wrote. A new id makes a new contact; a known phone that now has a BSUID keeps its point."""
    point = find_point(channel=channel, addresses=(inbound.address, *inbound.aliases))
    return keep_point(channel=channel, inbound=inbound, point=point)


@transaction.atomic(savepoint=False)
def keep_point(*, channel: Channel, inbound: Inbound, point: ContactPoint | None) -> ContactPoint:
    """The same for who has just been looked for; None: nobody was found."""
    addresses = (inbound.address, *inbound.aliases)
    if point is None:
        contact = Contact.objects.create(
            shop=channel.shop, first_name=_first_name(inbound.profile_name), language=inbound.language[:16]
        )
        point, created = ContactPoint.objects.get_or_create(
            shop=channel.shop,
            kind=channel.kind,
            account_id=account_of(channel),
            address=inbound.address,
            defaults={"contact": contact},
        )
        if not created:
            contact.delete()
        restore_stop(point, also=(*addresses, inbound.phone))
    elif _is_newer_name(point, inbound.address):
        rename_point(point=point, address=inbound.address)
    others = [address for address in addresses if address and address != point.address]
    known = set(point.aliases.filter(address__in=others).values_list("address", flat=True)) if others else ()
    for address in others:
        if address not in known:
            _alias(point, address)
    changed = {
        name: value
        for name, value in (("phone", inbound.phone), ("profile_name", inbound.profile_name[:120]))
        if value and value != getattr(point, name)
    }
    if changed:
        ContactPoint.objects.filter(pk=point.pk).update(**changed)
        for name, value in changed.items():
            setattr(point, name, value)
    return point


def _first_name(profile_name: str) -> str:
    return profile_name.split()[0][:120] if profile_name.split() else ""


def _is_newer_name(point: ContactPoint, address: str) -> bool:
    """Not seen before, or the user id of a phone. A late callback under an earlier name renames nobody back."""
    if address == point.address:
        return False
    phone_until_now = point.address.isdigit() and not address.isdigit()
    return phone_until_now or not point.aliases.filter(address=address).exists()


def _alias(point: ContactPoint, address: str) -> None:
    """A name that is new here may be one that said STOP before it was erased."""
    network = {"shop_id": point.shop_id, "kind": point.kind, "account_id": point.account_id, "address": address}
    if not ContactPoint.objects.filter(**network).exists():  # somebody else's own address stays theirs
        _, created = ContactPointAlias.objects.get_or_create(**network, defaults={"point": point})
        if created:
            restore_stop(point)


def rename_point(*, point: ContactPoint, address: str) -> bool:
    """The network gave this person another id: the old one stays an alias. False where the id is somebody else's."""
    network = {"shop_id": point.shop_id, "kind": point.kind, "account_id": point.account_id}
    if ContactPoint.objects.filter(**network, address=address).exclude(pk=point.pk).exists():
        return False
    old = point.address
    ContactPointAlias.objects.filter(**network, address=address).delete()
    ContactPoint.objects.filter(pk=point.pk).update(address=address)
    point.address = address
    _alias(point, old)
    return True


def apply_point_update(*, channel: Channel, update: PointUpdate) -> ContactPoint | None:
    """Blocked, unblocked, or another number. Consent is the caller's business."""
    point = find_point(channel=channel, addresses=(update.address,))
    if point is None:
        return None
    if update.new_address:
        rename_point(point=point, address=update.new_address)
    if update.blocked is not None:
        ContactPoint.objects.filter(pk=point.pk).update(
            blocked_at=clock.now() if update.blocked else None,
            blocked_reason=f"The shopper has blocked this {channel.get_kind_display()} account"
            if update.blocked
            else "",
        )
    return point


@transaction.atomic
def merge_contact(source: Contact, target: Contact) -> None:
    """Two contacts are proved to be one person: everything of `source` becomes `target`'s."""
    if source.pk == target.pk or source.merged_into_id == target.pk:
        return
    Contact.objects.select_for_update(no_key=True).filter(pk=target.pk).first()  # bindings.lock_orders
    ContactPoint.objects.filter(contact=source).update(contact=target)
    for model in (ChoiceEntry, ConsentEntry, Message, FlowEvent, FlowRun, Order, Review, Reward):
        model._default_manager.filter(contact=source).update(contact=target)
    old = Conversation.objects.filter(contact=source).first()
    if old is not None:
        kept = Conversation.objects.filter(contact=target).first()
        if kept is None:
            Conversation.objects.filter(pk=old.pk).update(contact=target)
        else:
            _pour(old, kept)
    source.merged_into = target
    source.save(update_fields=["merged_into"])
    for name in MERGED_FIELDS:
        if not getattr(target, name) and getattr(source, name):
            setattr(target, name, getattr(source, name))
    target.tags = list(dict.fromkeys([*target.tags, *source.tags]))
    target.fields = {**source.fields, **target.fields}
    target.save(update_fields=[*MERGED_FIELDS, "tags", "fields"])


@transaction.atomic
def set_apart(point: ContactPoint) -> Contact:
    """A contact of its own for this point, with what was said and agreed there. Orders stay where they are."""
    others = ContactPoint.objects.filter(contact_id=point.contact_id).exclude(pk=point.pk)
    if not others.exists() and not Order.objects.filter(contact_id=point.contact_id).exists():
        return point.contact
    alone = Contact.objects.create(shop_id=point.shop_id)
    ContactPoint.objects.filter(pk=point.pk).update(contact=alone)
    for model in (ChoiceEntry, ConsentEntry, Message):
        model._default_manager.filter(point=point).update(contact=alone)
    Conversation.objects.filter(contact_id=point.contact_id).update(last_text="")
    return alone


def _pour(old: Conversation, kept: Conversation) -> None:
    Message.objects.filter(conversation=old).update(conversation=kept)
    FlowEvent.objects.filter(conversation=old).update(conversation=kept)
    newer = (old.last_message_at or old.created_at) > (kept.last_message_at or kept.created_at)
    if newer:
        kept.last_message_at, kept.last_text = old.last_message_at, old.last_text
    if old.last_inbound_at and (kept.last_inbound_at is None or old.last_inbound_at > kept.last_inbound_at):
        kept.last_inbound_at = old.last_inbound_at
    kept.unread += old.unread
    kept.handed_off_at = kept.handed_off_at or old.handed_off_at
    kept.answer_promised_at = kept.answer_promised_at or old.answer_promised_at
    kept.hand_off_reason = kept.hand_off_reason or old.hand_off_reason
    kept.closed_at = None
    kept.assignee = kept.assignee or old.assignee
    inbox_states.pour(old, kept)
    kept.save()
    for model in (Note, TeamAlert, RequestedAction):
        model._default_manager.filter(conversation=old).update(conversation=kept)
    old.delete()
