"""Offers by e-mail, SMS and WhatsApp: our ledger and Shopify's customer say the same. Any unsubscribe wins.

News on either side only makes a row due. The job reads the customer anew, decides for each network, writes the ledger
and then Shopify. What we wrote comes back as news and agrees, so nothing goes in circles. Killed anywhere, it decides
once more and writes the same.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction

from post_purchase.models import ConsentEntry, ConsentState, ConsentSync, Contact, ContactPoint
from post_purchase.words import ChannelKind, EventKind, Purpose
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop
from shopapp.shopify.admin_api import AdminApi, AdminApiError, UserErrors
from shopapp.shopify.results import Result

from .consent import record_consent
from .contacts import e164
from .due_rows import claim_one
from .events import record_event

log = logging.getLogger("post_purchase.consent_sync")
SCOPE = "write_customers"  # optional: protected, so a merchant may keep it
NO_SCOPE = "The shop has not allowed this app to write customers, so Shopify's consent is only read"
METHOD = "shopify"
LEASE = timedelta(minutes=2)  # longer than four calls may take
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(hours=1)
MAX_ATTEMPTS = 60
SECONDS = 90.0
STATES = {True: "SUBSCRIBED", False: "UNSUBSCRIBED"}


class Decision(StrEnum):
    NOTHING = "nothing"
    TAKE_YES = "take_yes"  # into our ledger
    TAKE_NO = "take_no"
    TELL_YES = "tell_yes"  # to Shopify
    TELL_NO = "tell_no"


@dataclass(frozen=True)
class Ours:
    granted: bool
    at: datetime
    from_shopify: bool
    stopped: bool  # STOP was said: no purpose is left, and only START ends it


@dataclass(frozen=True)
class Theirs:
    state: str
    at: datetime | None
    seen: bool  # dealt with before


def decide(ours: Ours | None, theirs: Theirs) -> Decision:
    """Pure. An unsubscribe that is news wins whatever its time; else the newer word counts."""
    if theirs.state == "UNSUBSCRIBED":
        if ours is not None and not ours.granted:
            return Decision.NOTHING
        if ours is None or not theirs.seen:
            return Decision.TAKE_NO
        newer = theirs.at is None or ours.at > theirs.at
        return Decision.TELL_YES if newer and not ours.from_shopify else Decision.NOTHING
    if theirs.state == "SUBSCRIBED":
        if ours is None:
            return Decision.TAKE_YES
        if ours.granted:
            return Decision.NOTHING
        if theirs.at is None or theirs.at <= ours.at:
            return Decision.TELL_NO
        return Decision.NOTHING if ours.stopped else Decision.TAKE_YES
    if ours is None or ours.from_shopify or theirs.state in ("REDACTED", "INVALID"):
        return Decision.NOTHING
    if theirs.state == "PENDING":  # the merchant's own confirmation is under way: our yes does not replace it
        return Decision.NOTHING if ours.granted else Decision.TELL_NO
    return Decision.TELL_YES if ours.granted else Decision.TELL_NO


class _Email(Result):
    email_address: str | None = None
    marketing_state: str
    marketing_updated_at: datetime | None = None


class _Consent(Result):
    state: str
    updated_at: datetime | None = None


class _Phone(Result):
    phone_number: str | None = None
    sms_marketing_consent: _Consent | None = None
    whats_app_marketing_consent: _Consent | None = None


class _Customer(Result):
    id: str
    default_email_address: _Email | None = None
    default_phone_number: _Phone | None = None


class _GetCustomer(Result):
    customer: _Customer | None = None


def sync_due() -> int:
    """Everything that is due, oldest first. Returns how many were tried."""
    stop_at = time.monotonic() + SECONDS
    tried = 0
    while time.monotonic() < stop_at:
        row = _claim()
        if row is None:
            return tried
        _sync(row)
        tried += 1
    wake(Job.SYNC_CONSENT)
    return tried


def allowed_now(*, shop: Shop) -> int:
    """The merchant has granted the scope: tell Shopify what waited for it."""
    waiting = ConsentSync.objects.filter(shop=shop, error=NO_SCOPE)
    count = waiting.update(next_attempt_at=clock.now(), attempts=0) if SCOPE in shop.scope_set else 0
    if count:
        wake(Job.SYNC_CONSENT)
    return count


def _claim() -> ConsentSync | None:
    row: ConsentSync | None = claim_one(ConsentSync.objects.all(), lease=LEASE)
    return row


def _sync(row: ConsentSync) -> None:
    if not row.shop.is_installed:
        _settle(row, "The app is no longer installed in this shop")
        return
    if row.attempts > MAX_ATTEMPTS:
        _settle(row, "Given up: no try came to an end")
        return
    try:
        error = _reconcile(row)
    except UserErrors as refused:
        _settle(row, f"Shopify refused it: {', '.join(sorted(refused.codes)) or 'see its log'}")
    except AdminApiError as failed:
        if failed.retryable and row.attempts < MAX_ATTEMPTS:
            _wait(row, str(failed), failed.retry_after)
        else:
            _settle(row, str(failed))
    else:
        _settle(row, error)


def _reconcile(row: ConsentSync) -> str:
    """Returns why something could not be told; "" when all is the same."""
    api, gid = AdminApi(row.shop, reserve=0.3), f"gid://shopify/Customer/{row.customer_id}"
    customer = api.run("GetCustomerConsent", {"id": gid}, result=_GetCustomer).customer
    contact = Contact.objects.filter(shop=row.shop, shopify_customer_id=row.customer_id).first()
    if customer is None or contact is None:
        return ""
    contact = contact.merged_into or contact
    problem = ""
    for kind, address, state, at in _theirs(customer):
        point = _point(contact, kind, address)
        if point is None:
            continue
        told = [state, at.isoformat() if at else ""]
        ours = _ours(point)
        decision = decide(ours, Theirs(state, at, seen=row.seen.get(kind) == told))
        if decision in (Decision.TAKE_YES, Decision.TAKE_NO):
            _take(point, row.customer_id, state, told[1], granted=decision == Decision.TAKE_YES)
        elif decision in (Decision.TELL_YES, Decision.TELL_NO) and ours is not None:
            if SCOPE not in row.shop.scope_set:
                problem = NO_SCOPE
                continue
            _tell(api, gid, kind, ours)
            told = [STATES[ours.granted], ours.at.isoformat()]
        row.seen = row.seen | {str(kind): told}
        ConsentSync.objects.filter(pk=row.pk).update(seen=row.seen)
    return problem


def _theirs(customer: _Customer) -> list[tuple[ChannelKind, str, str, datetime | None]]:
    found: list[tuple[ChannelKind, str, str, datetime | None]] = []
    mail, phone = customer.default_email_address, customer.default_phone_number
    if mail is not None and mail.email_address:
        found.append((ChannelKind.EMAIL, mail.email_address, mail.marketing_state, mail.marketing_updated_at))
    if phone is not None and phone.phone_number:
        for kind, told in (
            (ChannelKind.SMS, phone.sms_marketing_consent),
            (ChannelKind.WHATSAPP, phone.whats_app_marketing_consent),
        ):
            found.append((kind, phone.phone_number, told.state if told else "", told.updated_at if told else None))
    return found


def _point(contact: Contact, kind: ChannelKind, address: str) -> ContactPoint | None:
    """Theirs only where it is the same address: another number's consent says nothing of this one."""
    points = contact.points.filter(kind=kind)
    if kind == ChannelKind.EMAIL:
        return points.filter(address__iexact=address.strip()).first()
    number = e164(address)
    same = [each for each in points if number and number in (each.phone, f"+{each.address.lstrip('+')}")]
    return same[0] if same else None


def _ours(point: ContactPoint) -> Ours | None:
    lines = ConsentEntry.objects.filter(point=point).order_by("-recorded_at", "-pk")
    line = lines.filter(purpose=Purpose.MARKETING).first()
    if line is None:
        return None
    service = lines.filter(purpose=Purpose.SERVICE).values_list("state", flat=True).first()
    return Ours(
        granted=line.state == ConsentState.GRANTED,
        at=line.recorded_at,
        from_shopify=line.method == METHOD,
        stopped=service == ConsentState.WITHDRAWN,
    )


@transaction.atomic
def _take(point: ContactPoint, customer_id: int, state: str, at: str, *, granted: bool) -> None:
    key = f"{METHOD}:{customer_id}:{point.pk}:{state}:{at}"
    record_consent(
        point=point,
        purpose=Purpose.MARKETING,
        state=ConsentState.GRANTED if granted else ConsentState.WITHDRAWN,
        method=METHOD,
        proof={"customer": customer_id, "state": state, "at": at},
        dedupe_key=key,
    )
    if not granted:
        record_event(
            shop=point.shop,
            kind=EventKind.OPTED_OUT,
            key=f"opted_out:{key}",
            contact=point.contact,
            data={"point": point.pk, "purposes": [str(Purpose.MARKETING)]},
        )


def _tell(api: AdminApi, gid: str, kind: ChannelKind, ours: Ours) -> None:
    state, at, level = STATES[ours.granted], ours.at.isoformat(), "SINGLE_OPT_IN"
    older: dict[str, Any] = {"marketingState": state, "marketingOptInLevel": level, "consentUpdatedAt": at}
    name, consent = {
        ChannelKind.EMAIL: ("SetEmailConsent", {"emailMarketingConsent": older}),
        ChannelKind.SMS: ("SetSmsConsent", {"smsMarketingConsent": older}),
        ChannelKind.WHATSAPP: (
            "SetWhatsAppConsent",
            {"whatsAppMarketingConsent": {"state": state, "optInLevel": level, "updatedAt": at}},
        ),
    }[kind]
    api.run(name, {"input": {"customerId": gid} | consent})


def _settle(row: ConsentSync, error: str) -> None:
    """Done with this revision. A newer one stays due."""
    same = ConsentSync.objects.filter(pk=row.pk, revision=row.revision)
    same.update(next_attempt_at=None, attempts=0, error=error[:255])
    if error:
        log.warning("consent_sync.stopped", extra={"row": row.pk})


def _wait(row: ConsentSync, why: str, retry_after: timedelta | None) -> None:
    pause = min(FIRST_WAIT * 2 ** min(row.attempts - 1, 10), LONGEST_WAIT)
    until = clock.now() + max(pause, retry_after or timedelta(0))
    ConsentSync.objects.filter(pk=row.pk, revision=row.revision).update(next_attempt_at=until, error=why[:255])
