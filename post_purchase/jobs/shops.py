"""Shops that have just come, and tokens that must not run out."""

import logging
import time
from datetime import timedelta

from django.db.models import F, Q

from post_purchase.flows import editing
from post_purchase.services import channels, products, shops
from post_purchase.services.publications import publish_everything
from shopapp.lib import clock
from shopapp.models import Shop, ShopStatus
from shopapp.shopify import tokens
from shopapp.shopify.admin_api import AdminApiError

log = logging.getLogger("post_purchase.shops")
LEASE = timedelta(minutes=2)
LONGEST_WAIT = timedelta(hours=1)
RUN_SECONDS = 100.0


def set_up_shop(*shop_ids: int) -> None:
    """Everything that a new or returning shop needs. The rows say what is due; `shop_ids` is only a hint."""
    stop_at = time.monotonic() + RUN_SECONDS
    while time.monotonic() < stop_at:
        now = clock.now()
        due = Shop.objects.filter(next_attempt_at__lte=now).exclude(status=ShopStatus.UNINSTALLED)
        shop = due.order_by("next_attempt_at").first()
        if shop is None:
            return
        claim = Shop.objects.filter(pk=shop.pk, next_attempt_at=shop.next_attempt_at)
        if claim.update(next_attempt_at=now + LEASE, attempts=F("attempts") + 1):
            shop.refresh_from_db()
            _set_up(shop)


def _set_up(shop: Shop) -> None:
    mine = Shop.objects.filter(pk=shop.pk, next_attempt_at=shop.next_attempt_at)
    try:
        shops.set_up_shop(shop)
    except (AdminApiError, KeyError, TypeError, ValueError) as error:
        wait = min(timedelta(seconds=15) * 2 ** min(shop.attempts, 10), LONGEST_WAIT)
        if isinstance(error, AdminApiError) and error.retry_after:
            wait = max(wait, error.retry_after)
        reason = str(error) if isinstance(error, AdminApiError) else "Shopify's answer about the shop cannot be read"
        mine.update(next_attempt_at=clock.now() + wait, set_up_error=reason[:255])
        log.warning("shop.set_up_failed", extra={"shop": shop.pk, "attempt": shop.attempts})
        return
    editing.install_library(shop)
    shops.start_backfill(shop=shop)
    products.start_sync(shop=shop)
    publish_everything(shop=shop)
    mine.update(next_attempt_at=None, set_up_error="")
    log.info("shop.set_up", extra={"shop": shop.pk})


def keep_tokens_alive() -> None:
    """Renew pairs older than a week (refresh tokens die after 90 days), and the networks' own tokens that run out.

    Looks whether closed shops are open again.
    """
    stop_at = time.monotonic() + RUN_SECONDS
    channels.renew_credentials(until=lambda: time.monotonic() > stop_at)
    stale = Q(status=ShopStatus.INSTALLED, token_pair_saved_at__lte=clock.now() - tokens.KEEP_ALIVE_AFTER)
    for shop in Shop.objects.filter(stale | Q(status=ShopStatus.UNAVAILABLE)).order_by("token_pair_saved_at"):
        if time.monotonic() > stop_at:
            return
        try:
            if shop.status == ShopStatus.UNAVAILABLE:
                shops.read_shop(shop=shop)
            else:
                tokens.keep_alive(shop)
        except AdminApiError as error:
            log.warning("tokens.not_renewed", extra={"shop": shop.pk, "why": error.code})
