import logging
import time

from post_purchase.services.order_sync import backfill_page, claim_backfill, reconcile_shop
from shopapp.lib.queue import Job, push
from shopapp.models import Shop, ShopStatus
from shopapp.shopify.errors import AdminApiError

log = logging.getLogger("post_purchase.orders")
SECONDS = 100


def backfill_orders() -> None:
    """One page per shop in turn, so that a large shop does not keep a small one waiting."""
    started = time.monotonic()
    while time.monotonic() - started < SECONDS:
        shop = claim_backfill()
        if shop is None:
            return
        backfill_page(shop=shop)
    push(Job.BACKFILL_ORDERS)


def reconcile_orders() -> None:
    """Every installed shop, the one longest not looked at first."""
    started = time.monotonic()
    shops = Shop.objects.filter(status=ShopStatus.INSTALLED, orders_synced_to__isnull=False)
    for shop in shops.order_by("orders_synced_to").iterator(chunk_size=100):
        if time.monotonic() - started > SECONDS:
            return
        try:
            found = reconcile_shop(shop=shop)
        except AdminApiError as error:
            log.warning("reconcile.waits", extra={"shop": shop.pk, "code": error.code})
            continue
        if found:
            log.info("reconcile.found", extra={"shop": shop.pk, "orders": found})
