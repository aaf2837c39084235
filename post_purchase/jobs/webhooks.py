"""Understands what was accepted at the door. Any row may be handled twice; every handler can bear it."""

import json
import logging
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import DatabaseError, connection, transaction
from django.db.models import F, Min, QuerySet

from post_purchase.channels.base import ChannelError
from post_purchase.intake import callbacks
from post_purchase.intake.registry import AFTER_UNINSTALL, TOPICS, WITHOUT_SHOP, subject_of
from shopapp.lib import clock
from shopapp.lib.http import HttpError
from shopapp.lib.queue import Job, push
from shopapp.lib.trouble import describe
from shopapp.models import IncomingWebhook, Shop, ShopStatus, WebhookSource
from shopapp.shopify.errors import AdminApiError, UserErrors

log = logging.getLogger("post_purchase.webhooks")
SECONDS = 100
BATCH = 50
LEASE = timedelta(seconds=60)
LEASE_USE = 40  # seconds of a lease that a batch may use up before the rest is given back
MAX_ATTEMPTS = 14  # over a day and a half: a fault of ours is mended by then, or /health/ready says that it waits
MAX_ENDLESS = 8  # tries that ended without any answer: the row itself stops its worker
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=6)
RENEW_AFTER = 15  # seconds of a lease that a long row may use before it is renewed

# What a handler may stumble over: the outside away, a payload unlike its documentation, the database.
STUMBLES = (
    AdminApiError,
    UserErrors,
    ChannelError,
    HttpError,
    DatabaseError,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def process_webhooks() -> None:
    """Handle what is due, oldest first, until nothing is or time is up."""
    started, turn = time.monotonic(), 0
    while time.monotonic() - started < SECONDS:
        turn += 1  # in a flood of fresh rows, those that failed before still get their turn
        rows = (claim_again() if turn % 5 == 0 else []) or claim_fresh() or claim_again()
        if not rows:
            return
        handle_batch(rows)
    push(Job.PROCESS_WEBHOOKS)


def claim_fresh() -> list[IncomingWebhook]:
    """Up to 50 rows that nobody tried yet. Where more wait, half of them are the first rows of other accounts."""
    with transaction.atomic():
        due = _due().filter(attempts=0)
        pks = list(_locked(due.order_by("id")).values_list("pk", "account")[:BATCH])
        if len(pks) == BATCH:
            head = pks[: BATCH // 2]
            others = due.exclude(account__in={account for _, account in head})
            firsts = others.order_by().values("account").annotate(first=Min("id")).order_by("first")
            others_first = {row["first"] for row in firsts[: BATCH // 2]}
            also = _locked(due.filter(pk__in=others_first)).values_list("pk", "account")
            pks = head + list(also) if others_first else pks
        return _lease([pk for pk, _ in pks])


def claim_again() -> list[IncomingWebhook]:
    """One row that was tried before: if it kills its worker, it takes no other row along."""
    with transaction.atomic():
        due = _due().filter(attempts__gt=0)
        return _lease(list(_locked(due.order_by("next_attempt_at", "id")).values_list("pk", flat=True)[:1]))


def _due() -> QuerySet[IncomingWebhook]:
    return IncomingWebhook.objects.filter(next_attempt_at__lte=clock.now())


def _locked(rows: QuerySet[IncomingWebhook]) -> QuerySet[IncomingWebhook]:
    """PostgreSQL: leave out what another worker is claiming. SQLite: the transaction holds the one write lock."""
    return rows.select_for_update(skip_locked=True) if connection.features.has_select_for_update_skip_locked else rows


def _lease(pks: list[int]) -> list[IncomingWebhook]:
    if not pks:
        return []
    rows = IncomingWebhook.objects.filter(pk__in=pks)
    rows.update(next_attempt_at=clock.now() + LEASE, attempts=F("attempts") + 1)
    return list(rows.order_by("id"))


def handle_batch(rows: list[IncomingWebhook]) -> None:
    started = time.monotonic()
    done: list[IncomingWebhook] = []
    left = [row.pk for row in rows]
    try:
        for row in rows:
            if time.monotonic() - started > LEASE_USE:
                break
            if row.pk not in left:  # a long row before it has given the rest back
                break
            left.remove(row.pk)
            note = handle_row(row, _Lease(row, left))
            if note is None:
                continue
            if note:
                _finish([row], note=note)
            else:
                done.append(row)
    finally:
        _finish(done)
        _give_back(left)


def _give_back(pks: list[int]) -> None:
    if pks:
        IncomingWebhook.objects.filter(pk__in=pks).update(next_attempt_at=clock.now(), attempts=F("attempts") - 1)
        pks.clear()


class _Lease:
    """Called now and then by a row that takes long: it stays ours, and those behind it go to other workers."""

    def __init__(self, row: IncomingWebhook, behind: list[int]):
        self.row, self.behind, self.renewed = row, behind, time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self.renewed < RENEW_AFTER:
            return
        self.renewed = time.monotonic()
        mine = IncomingWebhook.objects.filter(pk=self.row.pk, attempts=self.row.attempts)
        mine.update(next_attempt_at=clock.now() + LEASE)
        _give_back(self.behind)


def handle_row(row: IncomingWebhook, still_here: Callable[[], None]) -> str | None:
    """ "" when understood, a note when there is nothing to do, None when it failed and waits or is parked."""
    if row.attempts > MAX_ATTEMPTS or (row.attempts > MAX_ENDLESS and not row.error):
        _park(row, "Tried too often without an end: it may have stopped its worker")
        return None
    try:
        if row.source != WebhookSource.SHOPIFY:
            callbacks.handle(row, still_here=still_here)
            return ""
        return _handle_shopify(row)
    except STUMBLES as error:
        _fail(row, error)
        return None


def _handle_shopify(row: IncomingWebhook) -> str:
    handler = TOPICS.get(row.topic)
    if handler is None:
        return "Nobody here listens to this topic"
    shop = Shop.objects.filter(domain=row.account).first()
    if shop is None and row.topic not in WITHOUT_SHOP:
        return "This shop does not have the app"
    if shop is not None and shop.status == ShopStatus.UNINSTALLED and row.topic not in AFTER_UNINSTALL:
        return "The shop removed the app"
    payload = json.loads(bytes(row.body))
    if not isinstance(payload, dict):
        raise TypeError("The payload is not an object")
    row.subject = subject_of(row.topic, payload)
    handler(shop=shop, payload=payload, webhook=row)
    return ""


def _finish(rows: list[IncomingWebhook], *, note: str = "") -> None:
    """Done. What concerns nobody here, or a network's news that no one shop could be asked to erase, keeps no body."""
    if not rows:
        return
    found = [row for row in rows if row.subject or row.shop_id]
    IncomingWebhook.objects.bulk_update(found, ["subject", "shop"])
    done = {"done_at": clock.now(), "next_attempt_at": None, "error": note}
    emptied = [row.pk for row in rows if note or _is_nobodys(row)]
    IncomingWebhook.objects.filter(pk__in=emptied).update(body=b"", **done)
    kept = {row.pk for row in rows}.difference(emptied)
    IncomingWebhook.objects.filter(pk__in=kept).update(**done)


def _is_nobodys(row: IncomingWebhook) -> bool:
    """A mail is kept all the same: its photos are fetched out of it later."""
    return row.shop_id is None and row.source not in (WebhookSource.SHOPIFY, WebhookSource.EMAIL)


def _fail(row: IncomingWebhook, error: Exception) -> None:
    reason = describe(error)
    log.warning("webhook.failed", extra={"webhook": row.pk, "topic": row.topic, "attempt": row.attempts})
    if row.attempts >= MAX_ATTEMPTS:
        _park(row, reason)
        return
    wait = min(FIRST_WAIT * 3 ** (row.attempts - 1), LONGEST_WAIT)
    asked = getattr(error, "retry_after", None)
    wait = max(wait, asked) if asked else wait
    IncomingWebhook.objects.filter(pk=row.pk).update(
        next_attempt_at=clock.now() + wait, error=reason, subject=row.subject, shop=row.shop_id
    )


def _park(row: IncomingWebhook, reason: str) -> None:
    IncomingWebhook.objects.filter(pk=row.pk).update(
        parked_at=clock.now(), next_attempt_at=None, error=reason, subject=row.subject, shop=row.shop_id
    )
    log.error("webhook.parked", extra={"webhook": row.pk, "topic": row.topic})
