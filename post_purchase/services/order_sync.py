"""Orders that no webhook told us of: the 60 days before the installation, and what got lost on the way."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet

from post_purchase.models import Order
from shopapp.lib import clock
from shopapp.models import Shop, ShopStatus
from shopapp.shopify.admin_api import AdminApi
from shopapp.shopify.errors import AdminApiError
from shopapp.shopify.results import PageInfo, Result

from .order_data import OrderData
from .orders import fetch_order, save_order
from .shopify_values import gid_number

log = logging.getLogger("post_purchase.orders")
BACKFILL_DAYS = 60  # Shopify shows no older orders without read_all_orders (Admin API 2026-10)
LEASE = timedelta(minutes=3)
RETRY = timedelta(minutes=2)
REFUSED_RETRY = timedelta(hours=6)
PAGE_SIZES = (20, 10, 5, 2, 1)  # orders in one query; smaller where Shopify finds it too costly (1,000 points at most)
RESERVE = 0.5  # of the shop's query budget: a new merchant's backfill keeps no shopper waiting
RECONCILE_LEASE = timedelta(minutes=5)
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
    api = AdminApi(shop, reserve=RESERVE)
    try:
        if shop.backfill_total is None:
            counted = api.run("CountOrders", {"query": query}, result=_CountOrders).orders_count
            Shop.objects.filter(pk=shop.pk).update(backfill_total=counted.count if counted else None)
        page = _whole_page(api, {"query": query, "sortKey": "CREATED_AT", "after": shop.backfill_cursor or None})
        for node in page["nodes"]:
            if _is_whole(node):
                save_order(shop=shop, data=OrderData.from_graphql(node), news=False)
            else:
                fetch_order(shop=shop, shopify_id=gid_number(node["id"]), news=False, reserve=RESERVE)
    except AdminApiError as error:
        wait = error.retry_after or (RETRY if error.retryable else REFUSED_RETRY)
        trouble = "" if error.code == "THROTTLED" else str(error)[:255]  # to wait one's turn is no trouble
        Shop.objects.filter(pk=shop.pk).update(backfill_error=trouble, backfill_next_attempt_at=clock.now() + wait)
        log.warning("backfill.waits", extra={"shop": shop.pk, "code": error.code})
        return False
    more = page["pageInfo"]["hasNextPage"]
    now = clock.now()
    Shop.objects.filter(pk=shop.pk, backfill_cursor=shop.backfill_cursor).update(
        backfill_cursor=page["pageInfo"]["endCursor"] or shop.backfill_cursor,
        backfill_done=F("backfill_done") + len(page["nodes"]),
        backfill_error="",
        backfill_next_attempt_at=now if more else None,
        backfill_finished_at=None if more else now,
    )
    shop.refresh_from_db()
    return not more


def _whole_page(api: AdminApi, variables: dict[str, Any]) -> dict[str, Any]:
    """As many orders as Shopify lets one query ask for. What a query costs is Shopify's word, so it is tried out."""
    for size in PAGE_SIZES[:-1]:
        try:
            return _orders_of(api.run("ListWholeOrders", variables | {"first": size}))
        except AdminApiError as error:
            if error.code != "MAX_COST_EXCEEDED":
                raise
    return _orders_of(api.run("ListWholeOrders", variables | {"first": PAGE_SIZES[-1]}))


def _orders_of(answer: dict[str, Any]) -> dict[str, Any]:
    orders: dict[str, Any] = answer["orders"]
    return orders


def _is_whole(node: dict[str, Any]) -> bool:
    """False where an order has more lines, parcels, scans, refunds or returns than ListWholeOrders asks for."""
    if (node.get("returnStatus") or "NO_RETURN") != "NO_RETURN":
        return False
    parcels, refunds = node.get("fulfillments") or [], node.get("refunds") or []
    pages = [node["lineItems"], *(each[name] for each in parcels for name in ("fulfillmentLineItems", "events"))]
    return len(parcels) < 5 and len(refunds) < 5 and not any(page["pageInfo"]["hasNextPage"] for page in pages)


def reconcile_shop(*, shop: Shop) -> int:
    """Fetch every order that changed since the last look, news included. Returns how many were not as we had them.

    The watermark moves only when all pages were read. 0 where another worker is at it, or has just done it.
    Raises AdminApiError.
    """
    looked_at = clock.now()
    if not _lease_reconcile(shop):
        return 0
    try:
        found = _reconcile(shop)
    except BaseException:
        _mine(shop).update(orders_lease_until=None)
        raise
    _mine(shop).update(orders_synced_to=looked_at, orders_lease_until=None)
    shop.refresh_from_db(fields=["orders_synced_to", "orders_lease_until"])
    return found


def _lease_reconcile(shop: Shop) -> bool:
    """`shop` may have been read a while ago: a watermark that has moved since says that the look is done."""
    until = clock.now() + RECONCILE_LEASE
    free = Q(orders_lease_until=None) | Q(orders_lease_until__lte=clock.now())
    if not Shop.objects.filter(free, pk=shop.pk, orders_synced_to=shop.orders_synced_to).update(
        orders_lease_until=until
    ):
        return False
    shop.orders_lease_until = until
    return True


def _mine(shop: Shop) -> QuerySet[Shop]:
    return Shop.objects.filter(pk=shop.pk, orders_lease_until=shop.orders_lease_until)


def _reconcile(shop: Shop) -> int:
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
            return found
        cursor = page.page_info.end_cursor
        until = clock.now() + RECONCILE_LEASE
        if not _mine(shop).update(orders_lease_until=until):
            raise AdminApiError("Another worker looks after these orders now", retryable=True, code="LEASE_LOST")
        shop.orders_lease_until = until


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
