"""Connecting and disconnecting sending accounts. Credentials are checked with the network before anything is saved."""

import logging
import secrets
from collections.abc import Callable, Mapping

from django.conf import settings
from django.db import IntegrityError, transaction

from post_purchase.channels.base import ChannelError, Outcome
from post_purchase.channels.registry import DRIVERS, driver_for
from post_purchase.models import Channel, ChannelStatus
from post_purchase.words import ChannelKind
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop

from . import sender_proof
from .publications import storefront_changed

log = logging.getLogger("post_purchase.channels")
META_KINDS = (ChannelKind.WHATSAPP, ChannelKind.MESSENGER, ChannelKind.INSTAGRAM)


def connect_channel(
    *, shop: Shop, kind: str, account_id: str, credentials: Mapping[str, str], name: str = "", proof: str = ""
) -> Channel:
    """Check the account, save it, subscribe to its news. The same account of the same shop is refreshed, not doubled.

    `proof`: the code that came to a mailbox (`ask_mailbox`).

    Raises ChannelError with plain words: wrong token, missing permission, wrong id, connected to another shop.
    """
    kind = ChannelKind(kind)
    driver = driver_for(kind)
    given = {field: value.strip() for field, value in credentials.items()}
    account_id = driver.account_of(account_id.strip(), given)
    if kind in META_KINDS and not (settings.META_APP_ID and settings.META_APP_SECRET and settings.META_VERIFY_TOKEN):
        raise ChannelError(f"{kind.label} is switched off on this server", outcome=Outcome.HALT_ACCOUNT)
    check = driver.check_account(account_id=account_id, credentials=given)
    if not check.ok:
        raise ChannelError(check.message, outcome=Outcome.HALT_ACCOUNT)
    account_id = check.account_id or account_id
    if needs_proof(shop=shop, kind=kind, account_id=account_id) and not sender_proof.is_right(
        shop=shop, address=account_id, code=proof
    ):
        raise ChannelError(
            f"This is not the code that came to {account_id}. Write it as it stands in the newest mail, or ask for a "
            "new one: it is good for an hour.",
            outcome=Outcome.HALT_ACCOUNT,
            code="proof",
        )
    _refuse_other_shop(shop, kind, account_id)
    now = clock.now()
    channel = shop.channels.filter(kind=kind, account_id=account_id).order_by("-pk").first()
    channel = channel or Channel(shop=shop, kind=kind, account_id=account_id)
    channel.name = (name or check.name)[:120]
    channel.link_address = check.link_address
    channel.options = channel.options | check.options
    public = {field.name for field in driver.credential_fields if not field.secret}
    channel.credentials = {field: value for field, value in given.items() if field not in public}
    channel.checked_at = now
    driver.set_up_account(channel=channel)
    channel.status, channel.status_reason, channel.not_before = ChannelStatus.ACTIVE, "", None
    channel.templates_due_at = now if driver.has_templates else None
    try:
        with transaction.atomic():
            channel.save()
            storefront_changed(shop=shop)
    except IntegrityError as error:  # somebody was faster by a moment
        raise _elsewhere(kind) from error
    log.info("channel.connected", extra={"channel": channel.pk, "kind": kind})
    wake(Job.SEND_MESSAGES)
    wake(Job.SUBMIT_TEMPLATES)
    return channel


def needs_proof(*, shop: Shop, kind: str, account_id: str) -> bool:
    """A sender address of which nobody has shown yet that it is this shop's."""
    if not driver_for(kind).asks_mailbox:
        return False
    known = shop.channels.filter(kind=kind, account_id=account_id).exclude(status=ChannelStatus.DISCONNECTED)
    return not known.exists()


def ask_mailbox(*, shop: Shop, kind: str, account_id: str) -> str:
    """Send the code to the address that is to be connected. Returns the address. Raises ChannelError."""
    driver = driver_for(kind)
    account_id = driver.account_of(account_id.strip(), {})
    check = driver.check_account(account_id=account_id, credentials={})
    if not check.ok:
        raise ChannelError(check.message, outcome=Outcome.HALT_ACCOUNT)
    try:
        sender_proof.ask(shop=shop, address=account_id)
    except sender_proof.NotAsked as error:
        raise ChannelError(str(error), outcome=Outcome.HALT_ACCOUNT) from error
    return account_id


def sign_up(*, shop: Shop, code: str, account_id: str, waba_id: str) -> Channel:
    """The end of Meta's Embedded Signup. The ids come from the browser: the token behind the code must fit them.

    A number that does not send yet is registered with a PIN of ours, kept among its credentials.
    """
    token = driver_for(ChannelKind.WHATSAPP).token_for(code)
    pin = f"{secrets.randbelow(10**6):06d}"
    credentials = {"access_token": token, "waba_id": waba_id, "pin": pin}
    return connect_channel(shop=shop, kind=ChannelKind.WHATSAPP, account_id=account_id, credentials=credentials)


def _refuse_other_shop(shop: Shop, kind: ChannelKind, account_id: str) -> None:
    """Meta calls one address for all shops, so an account leads to one shop; a mail address may send for several."""
    others = Channel.objects.filter(kind=kind, account_id=account_id).exclude(shop=shop)
    if kind != ChannelKind.EMAIL and others.exclude(status=ChannelStatus.DISCONNECTED).exists():
        raise _elsewhere(kind)


def _elsewhere(kind: ChannelKind) -> ChannelError:
    return ChannelError(
        f"This {kind.label} account is connected to another shop. Disconnect it there first.",
        outcome=Outcome.HALT_ACCOUNT,
    )


def disconnect_channel(channel: Channel) -> None:
    """Nothing more is sent from it, the network stops telling us; the credentials are forgotten, the talks stay."""
    _take_leave(channel)
    channel.status, channel.status_reason = ChannelStatus.DISCONNECTED, ""
    channel.credentials_json, channel.templates_due_at = "", None
    channel.save(update_fields=["status", "status_reason", "credentials_json", "templates_due_at"])
    storefront_changed(shop=channel.shop)
    wake(Job.SEND_MESSAGES)  # what waits for it may go another way


def _take_leave(channel: Channel) -> None:
    """Whether the network hears it or not: what it still tells finds no channel here."""
    waba = channel.options.get("waba_id")
    others = Channel.objects.filter(kind=channel.kind, options__waba_id=waba).exclude(pk=channel.pk)
    if waba and others.exclude(status=ChannelStatus.DISCONNECTED).exists():
        return  # another number of the account listens by the same subscription
    try:
        driver_for(channel.kind).take_leave(channel=channel)
    except ChannelError as error:
        log.warning("channel.still_subscribed", extra={"channel": channel.pk, "code": error.code})


def renew_credentials(*, until: Callable[[], bool]) -> int:
    """Tokens that run out, before they do. `until`: time is up. Returns how many were renewed."""
    renewed = 0
    for driver in DRIVERS.values():
        if driver.renew_after is None:
            continue
        old = Channel.objects.filter(kind=driver.kind, checked_at__lte=clock.now() - driver.renew_after)
        for channel in old.filter(status=ChannelStatus.ACTIVE).order_by("checked_at"):
            if until():
                return renewed
            renewed += _renew(channel)
    return renewed


def _renew(channel: Channel) -> bool:
    try:
        fresh = driver_for(channel.kind).renewed(channel=channel)
    except ChannelError as error:
        log.warning("channel.not_renewed", extra={"channel": channel.pk, "code": error.code})
        if error.outcome == Outcome.HALT_ACCOUNT:
            halt_channel(channel, str(error))
        return False
    if not fresh:
        return False
    before = channel.credentials_json
    channel.credentials = channel.credentials | fresh
    now = clock.now()
    mine = Channel.objects.filter(pk=channel.pk, checked_at=channel.checked_at, status=ChannelStatus.ACTIVE)
    return before != channel.credentials_json and bool(
        mine.update(credentials_json=channel.credentials_json, checked_at=now)
    )


def halt_channel(channel: Channel, reason: str) -> None:
    """The account as a whole has a problem that a person must mend; its messages wait."""
    halted = Channel.objects.filter(pk=channel.pk, status=ChannelStatus.ACTIVE)
    if halted.update(status=ChannelStatus.HALTED, status_reason=reason[:255]):
        storefront_changed(shop=channel.shop)
        log.warning("channel.halted", extra={"channel": channel.pk, "kind": channel.kind})


def resume_channel(channel: Channel) -> None:
    """A person says that it is mended; the next refusal halts it again."""
    driver = driver_for(channel.kind)
    due = clock.now() if driver.has_templates else None
    halted = Channel.objects.filter(pk=channel.pk, status=ChannelStatus.HALTED)
    if halted.update(status=ChannelStatus.ACTIVE, status_reason="", not_before=None, templates_due_at=due):
        storefront_changed(shop=channel.shop)
        wake(Job.SEND_MESSAGES)
        wake(Job.SUBMIT_TEMPLATES)
