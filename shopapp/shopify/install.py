"""A shop comes, comes back, changes what it grants, and goes. (Managed installation: Shopify asks.)"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop, ShopStatus
from shopapp.shopify import tokens

log = logging.getLogger("shopapp.install")
CLOCK_SKEW = timedelta(seconds=30)  # ours against Shopify's, and the time that a refresh under way may take

NOT_SET_UP: dict[str, Any] = {
    "attempts": 0,
    "set_up_error": "",
    "orders_synced_to": None,
    "orders_lease_until": None,
    "backfill_cursor": "",
    "backfill_done": 0,
    "backfill_total": None,
    "backfill_started_at": None,
    "backfill_finished_at": None,
    "backfill_error": "",
    "backfill_next_attempt_at": None,
}


def needs_exchange(shop: Shop | None) -> bool:
    """Must the ID token of this page load be exchanged? First load, reinstall, a spent pair, or hourly."""
    return shop is None or shop.status != ShopStatus.INSTALLED or not shop.token_is_fresh(now=clock.now())


def install_or_refresh(shop_domain: str, id_token: str) -> Shop:
    """Exchange the token, save the shop with its pair; a new or returning shop is set up by a job.

    The caller has verified the token for this very domain. Raises InvalidIdToken (ask for a fresh one), AdminApiError.
    """
    pair = tokens.exchange(shop_domain=shop_domain, id_token=id_token)
    with transaction.atomic():
        now = clock.now()
        shop, created = Shop.objects.get_or_create(domain=shop_domain, defaults={"installed_at": now})
        fields = pair.fields(saved_at=now) | {"status": ShopStatus.INSTALLED, "status_reason": ""}
        returned = shop.status == ShopStatus.UNINSTALLED
        if created or returned:
            fields |= NOT_SET_UP | {"installed_at": now, "uninstalled_at": None, "next_attempt_at": now}
        Shop.objects.filter(pk=shop.pk).update(**fields)
        if created or returned:
            wake(Job.SET_UP_SHOP)
            log.info("shop.installed", extra={"shop": shop.pk, "again": returned})
    shop.refresh_from_db()
    return shop


def mark_uninstalled(*, shop: Shop, happened_at: datetime) -> bool:
    """Drop the tokens and stop. False when the news is of an earlier installation: webhooks may come hours late.

    Tokens that were obtained well after `happened_at` prove that the shop has the app again.
    """
    earlier = Q(installed_at__lte=happened_at) & (
        Q(token_pair_saved_at=None) | Q(token_pair_saved_at__lte=happened_at + CLOCK_SKEW)
    )
    gone = Shop.objects.filter(earlier, pk=shop.pk).exclude(status=ShopStatus.UNINSTALLED)
    done = gone.update(
        status=ShopStatus.UNINSTALLED,
        status_reason="The app was removed in Shopify",
        uninstalled_at=happened_at,
        access_token="",
        access_token_expires_at=None,
        refresh_token="",
        refresh_token_expires_at=None,
        refresh_lease_until=None,
        scopes="",
        next_attempt_at=None,
    )
    shop.refresh_from_db()
    log.info("shop.uninstalled" if done else "shop.uninstall_ignored", extra={"shop": shop.pk})
    return bool(done)


def save_scopes(*, shop: Shop, scopes: list[str]) -> None:
    """What the merchant grants now (webhook app/scopes_update, `current`)."""
    shop.scopes = ",".join(sorted(scopes))
    shop.save(update_fields=["scopes"])
    log.info("shop.scopes", extra={"shop": shop.pk, "count": len(scopes)})
