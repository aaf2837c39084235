"""Shopify's legal duties (customers/data_request, customers/redact, shop/redact): kept, answered by a job, recorded.

Term: 30 days (Shopify's privacy law compliance page). Ours: minutes.
"""

import json
import logging
from datetime import timedelta
from typing import Any

from post_purchase.models import ContactPoint, PrivacyRequest, PrivacyRequestKind
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.models import IncomingWebhook, Shop

from .contact_points import set_apart
from .exports import export_person
from .privacy import Person, erase_person, erase_shop

log = logging.getLogger("post_purchase.privacy")
LEASE = timedelta(minutes=10)
PAUSE = timedelta(hours=1)
LAST_WORD = timedelta(minutes=2)  # a message to the shopper goes before their address is forgotten


def save_request(
    *, kind: PrivacyRequestKind, shop: Shop | None, payload: dict[str, Any], webhook: IncomingWebhook
) -> PrivacyRequest:
    """Keep the duty and wake its job. The customer's address and phone stay encrypted, and only until it is done."""
    customer = payload.get("customer") or {}
    now = clock.now()
    request, created = PrivacyRequest.objects.get_or_create(
        webhook_key=f"{webhook.account}:{webhook.topic}:{webhook.event_id}"[:190],
        defaults={
            "shop": shop,
            "shop_domain": webhook.account,
            "kind": kind,
            "customer_id": customer.get("id"),
            "order_ids": payload.get("orders_requested") or payload.get("orders_to_redact") or [],
            "export": json.dumps({"email": customer.get("email") or "", "phone": customer.get("phone") or ""}),
            "requested_at": webhook.triggered_at or webhook.received_at,
            "next_attempt_at": now,
        },
    )
    if created:
        wake(Job.ANSWER_PRIVACY_REQUESTS)
    return request


def ask_for_erasure(*, point: ContactPoint, whole: bool, key: str) -> PrivacyRequest:
    """The shopper wants to be forgotten: all that is theirs, or only what this chat holds. Done when the last word
    to them had time to go. The same key asks once.
    """
    now = clock.now()
    request, created = PrivacyRequest.objects.get_or_create(
        webhook_key=f"shopper:{key}"[:190],
        defaults={
            "shop_id": point.shop_id,
            "shop_domain": point.shop.domain,
            "kind": PrivacyRequestKind.SHOPPER_ERASE,
            "export": json.dumps({"contact": point.contact_id} if whole else {"point": point.pk}),
            "requested_at": now,
            "next_attempt_at": now + LAST_WORD,
        },
    )
    if created:
        wake(Job.ANSWER_PRIVACY_REQUESTS)
    return request


def _contacts_to_erase(asked: dict[str, Any]) -> tuple[int, ...]:
    """Of a shopper's own wish. Who proved only this chat is made a contact of its own first, so nothing else goes."""
    if "point" not in asked:
        return (asked["contact"],) if "contact" in asked else ()
    point = ContactPoint.objects.filter(pk=asked["point"]).first()
    return (set_apart(point).pk,) if point is not None else ()


def claim_request() -> PrivacyRequest | None:
    now = clock.now()
    due = PrivacyRequest.objects.filter(next_attempt_at__lte=now)
    for request in due.order_by("next_attempt_at")[:10]:
        claimed = due.filter(pk=request.pk).update(next_attempt_at=now + LEASE, attempts=request.attempts + 1)
        if claimed:
            request.refresh_from_db()
            return request
    return None


def answer_request(*, request: PrivacyRequest) -> None:
    """Do the duty and record how. Repeating a half-done one is harmless."""
    asked = json.loads(request.export) if request.export else {}
    export, outcome = "", "Nothing is stored about this shop"
    if request.shop is not None:
        person = Person(
            shop=request.shop,
            customer_id=request.customer_id,
            order_ids=tuple(request.order_ids),
            email=asked.get("email", ""),
            phone=asked.get("phone", ""),
            contact_ids=_contacts_to_erase(asked),
        )
        if request.kind == PrivacyRequestKind.DATA_REQUEST:
            data = export_person(person)
            export = json.dumps(data, ensure_ascii=False, default=str)
            outcome = f"Export ready: {len(data['orders'])} orders, {len(data['messages'])} messages"
        elif request.kind in (PrivacyRequestKind.CUSTOMER_REDACT, PrivacyRequestKind.SHOPPER_ERASE):
            contacts, orders = erase_person(person)
            _forget_exports(request)
            outcome = f"Erased: {contacts} contacts, {orders} orders"
        else:
            outcome = erase_shop(shop=request.shop, requested_at=request.requested_at)
    PrivacyRequest.objects.filter(pk=request.pk).update(
        export=export, outcome=outcome, done_at=clock.now(), next_attempt_at=None
    )
    log.info("privacy.done", extra={"request": request.pk, "kind": request.kind})


def _forget_exports(request: PrivacyRequest) -> None:
    """What was collected for the same customer earlier is their data as well."""
    if request.customer_id is not None:
        earlier = PrivacyRequest.objects.filter(shop=request.shop, customer_id=request.customer_id)
        earlier.filter(kind=PrivacyRequestKind.DATA_REQUEST, next_attempt_at=None).update(export="")


def put_off(*, request: PrivacyRequest, error: Exception) -> None:
    """It did not come to an end: again in an hour, said on the page, and no other duty waits for it."""
    PrivacyRequest.objects.filter(pk=request.pk).update(
        outcome=f"Not done yet ({type(error).__name__}); tried {request.attempts} times, next in an hour",
        next_attempt_at=clock.now() + PAUSE,
    )
    log.error("privacy.not_done", extra={"request": request.pk, "attempt": request.attempts}, exc_info=error)
