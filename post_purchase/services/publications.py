"""What a shop's own pages show of our rows: reviews of a product, where the chat bubble leads.

Each is one metafield that only this app can write: Shopify serves it with the page, also while our server is away.
Whoever changes a row says so here (`reviews_changed`); the job writes the value anew from the rows, so that a repeated,
late or killed write ends with the same value. Nothing left to show: the metafield is deleted.
"""

import hashlib
import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Q

from post_purchase.models import Publication, PublicationKind
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop
from shopapp.shopify.admin_api import AdminApi, AdminApiError, UserErrors

from .checkout_config import checkout_value
from .due_rows import claim_one
from .review_page import review_page
from .scopes import GetInstallation, read_scopes
from .storefront import storefront_value

log = logging.getLogger("post_purchase.publications")
LEASE = timedelta(minutes=2)  # longer than two calls may take
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)
MAX_ATTEMPTS = 60
SECONDS = 90.0  # of one run; RQ's limit is 120
PRODUCT_SCOPE = "write_products"  # optional: the merchant grants it on the page of reviews
NO_SCOPE = "The shop has not allowed this app to write product metafields"
OWN = "$app"
STOREFRONT_NAMESPACE = "doorstep"  # app-data metafields (on the installation) are ours whatever the namespace


@dataclass(frozen=True)
class Standing:
    allowed: bool  # the shop has granted the scope
    products: int  # whose pages have reviews
    waiting: int
    problem: str  # why one of them could not be written


def reviews_changed(*, shop: Shop, product_id: int | None) -> None:
    """A review of this product was given, grew, was hidden, shown or erased. Call it in the same transaction."""
    if product_id:
        _due(shop, PublicationKind.REVIEWS, product_id)


def storefront_changed(*, shop: Shop) -> None:
    """Channels, their order, name, colour, words: what the chat bubble and the checkout's blocks show may be others."""
    _due(shop, PublicationKind.STOREFRONT, 0)
    _due(shop, PublicationKind.CHECKOUT, 0)


@transaction.atomic
def publish_everything(*, shop: Shop) -> int:
    """All of this shop's publications are due now: it has just allowed them, or come back. Returns how many."""
    products = set(shop.reviews.exclude(product_id=None).values_list("product_id", flat=True).distinct())
    for product_id in products:
        reviews_changed(shop=shop, product_id=product_id)
    storefront_changed(shop=shop)
    # Shopify may have dropped what it held, so that what we remember of it is worth nothing.
    return Publication.objects.filter(shop=shop).update(value_hash="", published_at=None)


def look_again(*, shop: Shop) -> bool:
    """The merchant may just have allowed it: ask Shopify, and publish everything if so. Raises AdminApiError."""
    read_scopes(shop=shop)
    if may_publish_reviews(shop):
        publish_everything(shop=shop)
    return may_publish_reviews(shop)


def standing(shop: Shop) -> Standing:
    """For the page of reviews: how far publishing has come."""
    rows = Publication.objects.filter(shop=shop, kind=PublicationKind.REVIEWS)
    counted = rows.aggregate(
        shown=Count("pk", filter=~Q(value_hash="")),
        waiting=Count("pk", filter=Q(next_attempt_at__isnull=False)),
        problem=Max("error", filter=Q(next_attempt_at=None) & ~Q(error=NO_SCOPE)),
    )
    return Standing(
        allowed=may_publish_reviews(shop),
        products=counted["shown"],
        waiting=counted["waiting"],
        problem=counted["problem"] or "",
    )


def may_publish_reviews(shop: Shop) -> bool:
    return PRODUCT_SCOPE in shop.scope_set


def publish_due() -> int:
    """Write every due metafield, oldest first. Returns how many were tried."""
    stop_at = time.monotonic() + SECONDS
    tried = 0
    while time.monotonic() < stop_at:
        publication = _claim()
        if publication is None:
            return tried
        _publish(publication)
        tried += 1
    wake(Job.PUBLISH_METAFIELDS)
    return tried


def _due(shop: Shop, kind: PublicationKind, product_id: int) -> None:
    now = clock.now()
    Publication.objects.get_or_create(shop=shop, kind=kind, product_id=product_id)
    Publication.objects.filter(shop=shop, kind=kind, product_id=product_id).update(
        revision=F("revision") + 1, next_attempt_at=now, attempts=0
    )
    wake(Job.PUBLISH_METAFIELDS)


def _claim() -> Publication | None:
    row: Publication | None = claim_one(Publication.objects.all(), lease=LEASE)
    return row


def _publish(publication: Publication) -> None:
    obstacle = _obstacle(publication)
    if obstacle:
        _settle(publication, error=obstacle)
        return
    value = _value(publication)
    digest = hashlib.sha256(value.encode()).hexdigest() if value else ""
    if digest == publication.value_hash and (publication.published_at or not digest):
        _settle(publication, error="")
        return
    try:
        _write(publication, value)
    except UserErrors as refused:
        _settle(publication, error=f"Shopify refused it: {refused}")
    except AdminApiError as error:
        if error.retryable and publication.attempts < MAX_ATTEMPTS:
            _wait(publication, str(error), error.retry_after)
        else:
            _settle(publication, error=str(error))
    else:
        _settle(publication, error="", value_hash=digest, published_at=clock.now() if digest else None)
        log.info("publications.written", extra={"publication": publication.pk, "bytes": len(value)})


def _obstacle(publication: Publication) -> str:
    shop = publication.shop
    if not shop.is_installed:
        return "The app is no longer installed in this shop"
    if publication.kind == PublicationKind.REVIEWS and not may_publish_reviews(shop):
        return NO_SCOPE
    if publication.kind == PublicationKind.CHECKOUT and not shop.shopify_id:
        return "The shop is not set up yet"  # set-up publishes everything once more
    if publication.attempts > MAX_ATTEMPTS:
        return "Given up: no try came to an end"
    return ""


def _value(publication: Publication) -> str:
    """The JSON that the page reads; "" where there is nothing to show."""
    if publication.kind == PublicationKind.STOREFRONT:
        return storefront_value(publication.shop)
    if publication.kind == PublicationKind.CHECKOUT:
        return checkout_value(publication.shop)
    return review_page(publication.shop, publication.product_id)


def _write(publication: Publication, value: str) -> None:
    api = AdminApi(publication.shop)
    field: dict[str, Any]
    if publication.kind == PublicationKind.STOREFRONT:
        owner = api.run("GetAppInstallation", result=GetInstallation).current_app_installation.id
        field = {"ownerId": owner, "namespace": STOREFRONT_NAMESPACE, "key": "storefront"}
    elif publication.kind == PublicationKind.CHECKOUT:  # extensions read the shop's, not the installation's
        field = {"ownerId": f"gid://shopify/Shop/{publication.shop.shopify_id}", "namespace": OWN, "key": "checkout"}
    else:
        field = {"ownerId": f"gid://shopify/Product/{publication.product_id}", "namespace": OWN, "key": "reviews"}
    if value:
        api.run("SetMetafield", {"metafields": [field | {"type": "json", "value": value}]})
    else:
        api.run("DeleteMetafield", {"metafields": [field]})


def _settle(publication: Publication, *, error: str, **fields: object) -> None:
    """Done with this revision. A newer one stays due."""
    row = Publication.objects.filter(pk=publication.pk)
    if fields:
        row.update(**fields)
    row.filter(revision=publication.revision).update(next_attempt_at=None, attempts=0, error=error[:255])
    if error:
        log.warning("publications.stopped", extra={"publication": publication.pk})


def _wait(publication: Publication, why: str, retry_after: timedelta | None) -> None:
    pause = min(FIRST_WAIT * 2 ** min(publication.attempts - 1, 10), LONGEST_WAIT)
    until = clock.now() + max(pause, retry_after or timedelta(0))
    Publication.objects.filter(pk=publication.pk, revision=publication.revision).update(
        next_attempt_at=until, error=why[:255]
    )
    log.warning("publications.waits", extra={"publication": publication.pk, "attempt": publication.attempts})
