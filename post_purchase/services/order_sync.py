"""Orders that no webhook told us of: the 60 days before the installation, and what got lost on the way."""

import logging
from datetime import datetime, timedelta

from django.db.models import F

from post_purchase.models import Order
from shopapp.lib import clock
from shopapp.models import Shop, ShopStatus
from shopapp.shopify.admin_api import AdminApi
from shopapp.shopify.errors import AdminApiError
from shopapp.shopify.results import PageInfo, Result

from .order_data import gid_number
from .orders import fetch_order

log = logging.getLogger("post_purchase.orders")
BACKFILL_DAYS = 60  # Shopify shows no older orders without read_all_orders (Admin API 2026-10)
LEASE = timedelta(minutes=3)
RETRY = timedelta(minutes=2)
REFUSED_RETRY = timedelta(hours=6)
OVERLAP = timedelta(minutes=5)  # clocks differ, and a row may be indexed a little late


class _Count(Result):
    count: int


class _CountOrders(Result):
    orders_count: _Count | None = None


class _Changed(Result):
    id: str
    updated_at: datetime


class _Orders(Result):
    nodes: list[_Changed]
    page_info: PageInfo


class _ListOrders(Result):
    orders: _Orders


def claim_backfill() -> Shop | None:
    """A shop whose backfill is due, leased to the caller."""
    now = clock.now()
    due = Shop.objects.filter(status=ShopStatus.INSTALLED, backfill_next_attempt_at__lte=now)
    for shop in due.order_by("backfill_next_attempt_at")[:10]:
        if due.filter(pk=shop.pk).update(backfill_next_attempt_at=now + LEASE):
            return shop
    return None


def backfill_page(*, shop: Shop) -> bool:
    """Fetch one page of old orders; they start no flows. True when all are here.

    The cursor moves after the page is saved, so a killed worker's page is fetched again, which changes nothing.
    """
    assert shop.backfill_started_at is not None
    since, until = shop.backfill_started_at - timedelta(days=BACKFILL_DAYS), shop.backfill_started_at
    query = f"created_at:>='{_stamp(since)}' AND created_at:<='{_stamp(until)}'"
    api = AdminApi(shop)
    try:
        if shop.backfill_total is None:
            counted = api.run("CountOrders", {"query": query}, result=_CountOrders).orders_count
            Shop.objects.filter(pk=shop.pk).update(backfill_total=counted.count if counted else None)
        variables = {"query": query, "sortKey": "CREATED_AT", "after": shop.backfill_cursor or None}
        page = api.run("ListOrders", variables, result=_ListOrders).orders
        for node in page.nodes:
            fetch_order(shop=shop, shopify_id=gid_number(node.id), news=False)
    except AdminApiError as error:
        wait = error.retry_after or (RETRY if error.retryable else REFUSED_RETRY)
        Shop.objects.filter(pk=shop.pk).update(
            backfill_error=str(error)[:255], backfill_next_attempt_at=clock.now() + wait
        )
        log.warning("backfill.waits", extra={"shop": shop.pk, "code": error.code})
        return False
    more = page.page_info.has_next_page
    now = clock.now()
    Shop.objects.filter(pk=shop.pk, backfill_cursor=shop.backfill_cursor).update(
        backfill_cursor=page.page_info.end_cursor or shop.backfill_cursor,
        backfill_done=F("backfill_done") + len(page.nodes),
        backfill_error="",
        backfill_next_attempt_at=now if more else None,
        backfill_finished_at=None if more else now,
    )
    shop.refresh_from_db()
    return not more


def reconcile_shop(*, shop: Shop) -> int:
    """Fetch every order that changed since the last look, news included. Returns how many were not as we had them.

    The watermark moves only when all pages were read. Raises AdminApiError.
    """
    looked_at = clock.now()
    since = (shop.orders_synced_to or shop.installed_at) - OVERLAP
    api = AdminApi(shop)
    cursor, found = None, 0
    while True:
        variables = {"query": f"updated_at:>='{_stamp(since)}'", "sortKey": "UPDATED_AT", "after": cursor}
        page = api.run("ListOrders", variables, result=_ListOrders).orders
        changed = {gid_number(node.id): node.updated_at for node in page.nodes}
        have = dict(
            Order.objects.filter(shop=shop, shopify_id__in=changed).values_list("shopify_id", "shopify_updated_at")
        )
        for shopify_id, updated_at in changed.items():
            if shopify_id not in have or have[shopify_id] < updated_at:
                fetch_order(shop=shop, shopify_id=shopify_id)
                found += 1
        if not page.page_info.has_next_page:
            break
        cursor = page.page_info.end_cursor
    Shop.objects.filter(pk=shop.pk).update(orders_synced_to=looked_at)
    shop.orders_synced_to = looked_at
    return found


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
