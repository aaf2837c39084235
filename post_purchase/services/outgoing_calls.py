"""Telling other systems: a merchant's address by signed POST, Shopify Flow by its mutation. Rows, leased and repeated.

The receiver checks `Doorstep-Signature: t=<unix seconds>,v1=<hex>`: HMAC-SHA256 of "<t>.<body>" with the shop's secret
(`secret_of`), and `Doorstep-Call`, which stays the same when a call is repeated.
"""

import hashlib
import hmac
import json
import logging
from datetime import timedelta
from typing import Any

from django.db.models import F

from post_purchase.models import Contact, FlowRun, OutgoingCall
from shopapp.lib import clock, http
from shopapp.lib.crypto import derived_code
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop
from shopapp.shopify.admin_api import AdminApi, AdminApiError
from shopapp.shopify.results import Result

log = logging.getLogger("post_purchase.outgoing_calls")
LEASE = timedelta(minutes=2)
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=6)
GIVE_UP_AFTER = timedelta(days=2)
BATCH = 20
TIMEOUT = 10.0  # seconds
MAX_ANSWER = 64 * 1024
SHOPIFY_FLOW_HANDLE = "doorstep-step"  # extensions/flow-trigger


class _Done(Result):
    pass


class Received(Result):
    flow_trigger_receive: _Done | None = None


def secret_of(shop: Shop) -> str:
    """What the merchant puts into the receiving system."""
    return derived_code("outgoing calls", str(shop.pk)) + derived_code("outgoing calls, second half", str(shop.pk))


def queue_call(
    *,
    shop: Shop,
    kind: OutgoingCall.Kind,
    body: dict[str, Any],
    dedupe_key: str,
    url: str = "",
    run: FlowRun | None = None,
    contact: Contact | None = None,
    step_id: str = "",
) -> OutgoingCall:
    """Have it told soon. Repeating the key tells nothing twice."""
    now = clock.now()
    call, created = OutgoingCall.objects.get_or_create(
        shop=shop,
        dedupe_key=dedupe_key,
        defaults={
            "kind": kind,
            "url": url,
            "body": body,
            "run": run,
            "contact": contact,
            "step_id": step_id,
            "created_at": now,
            "next_attempt_at": now,
        },
    )
    if created:
        wake(Job.CALL_OUT)
    return call


def try_again(*, call: OutgoingCall) -> bool:
    """A call that was given up is made again, for as long as a new one would be. False: it had not failed."""
    now = clock.now()
    failed = OutgoingCall.objects.filter(pk=call.pk, status=OutgoingCall.Status.FAILED).exclude(body={})
    again = failed.update(
        status=OutgoingCall.Status.PENDING, attempts=0, error="", created_at=now, next_attempt_at=now, finished_at=None
    )
    if again:
        wake(Job.CALL_OUT)
    return bool(again)


def call_due() -> int:
    """Make the calls that are due, oldest first; at most one batch. Returns how many were tried."""
    tried = 0
    while tried < BATCH and (call := _claim()) is not None:
        _call(call)
        tried += 1
    if tried == BATCH:
        wake(Job.CALL_OUT)
    return tried


def _claim() -> OutgoingCall | None:
    now = clock.now()
    due = OutgoingCall.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
    while (call := due.first()) is not None:
        mine = OutgoingCall.objects.filter(pk=call.pk, next_attempt_at=call.next_attempt_at, attempts=call.attempts)
        if mine.update(next_attempt_at=now + LEASE, attempts=F("attempts") + 1):
            return OutgoingCall.objects.select_related("shop").get(pk=call.pk)
    return None


def _call(call: OutgoingCall) -> None:
    if not call.shop.is_installed:
        _finish(call, OutgoingCall.Status.FAILED, "The app is no longer installed in this shop")
        return
    problem, lasting = _post(call) if call.kind == OutgoingCall.Kind.WEBHOOK else _trigger(call)
    if not problem:
        _finish(call, OutgoingCall.Status.DONE, "")
    elif lasting or clock.now() >= call.created_at + GIVE_UP_AFTER:
        _finish(call, OutgoingCall.Status.FAILED, problem)
    else:
        pause = min(FIRST_WAIT * 2 ** min(call.attempts - 1, 10), LONGEST_WAIT)
        _still_ours(call).update(next_attempt_at=clock.now() + pause, error=problem[:255])
        log.warning("outgoing_calls.waits", extra={"call": call.pk, "attempt": call.attempts})


def _post(call: OutgoingCall) -> tuple[str, bool]:
    """(what went wrong, whether it will stay so)"""
    content = json.dumps(call.body, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "Doorstep-Signature": signature(content, secret=secret_of(call.shop), at=int(clock.now().timestamp())),
        "Doorstep-Call": str(call.pk),
    }
    try:
        reply = http.request(
            "POST", call.url, content=content, headers=headers, timeout=TIMEOUT, max_bytes=MAX_ANSWER, trusted=False
        )
    except http.HttpError as error:
        return str(error), False
    if reply.status == 410:
        return "The address answered 410: it is gone", True
    return ("", False) if 200 <= reply.status < 300 else (f"The address answered {reply.status}", False)


def signature(content: bytes, *, secret: str, at: int) -> str:
    digest = hmac.new(secret.encode(), f"{at}.".encode() + content, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _trigger(call: OutgoingCall) -> tuple[str, bool]:
    variables = {"handle": SHOPIFY_FLOW_HANDLE, "payload": call.body}
    try:
        AdminApi(call.shop).run("TriggerShopifyFlow", variables, result=Received)
    except AdminApiError as error:
        return str(error), not error.retryable
    return "", False


def _finish(call: OutgoingCall, status: OutgoingCall.Status, problem: str) -> None:
    _still_ours(call).update(status=status, next_attempt_at=None, finished_at=clock.now(), error=problem[:255])
    if problem:
        log.warning("outgoing_calls.failed", extra={"call": call.pk, "attempt": call.attempts})


def _still_ours(call: OutgoingCall) -> Any:
    return OutgoingCall.objects.filter(pk=call.pk, attempts=call.attempts, status=OutgoingCall.Status.PENDING)
