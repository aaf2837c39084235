"""The alarms of print_health for who is on call: a mark at each touchpoint, which /metrics counts, and a log line."""

import logging
import time
from datetime import timedelta

from django.db.models import F, Q

from post_purchase.models import Touchpoint
from shopapp.lib import clock
from shopapp.models import Shop, ShopStatus

from .print_health import PRINTED, troubles_of

log = logging.getLogger("post_purchase.print_watch")
EVERY = timedelta(hours=1)
SECONDS = 60.0


def watch() -> int:
    """Look at every shop that has not been looked at for an hour. Returns how many."""
    stop_at = time.monotonic() + SECONDS
    looked = 0
    while time.monotonic() < stop_at:
        old = Q(watched_at=None) | Q(watched_at__lte=clock.now() - EVERY)
        due = Touchpoint.objects.filter(old, kind__in=PRINTED, shop__status=ShopStatus.INSTALLED)
        row = due.select_related("shop").order_by(F("watched_at").asc(nulls_first=True), "pk").first()
        if row is None:
            return looked
        watch_shop(row.shop)
        looked += 1
    return looked


def watch_shop(shop: Shop) -> None:
    now = clock.now()
    severe = {trouble.touchpoint.pk for trouble in troubles_of(shop) if trouble.severe}
    printed = Touchpoint.objects.filter(shop=shop, kind__in=PRINTED)
    new = list(printed.filter(pk__in=severe, alarmed_at=None).values_list("pk", flat=True))
    printed.update(watched_at=now)
    printed.exclude(pk__in=severe).exclude(alarmed_at=None).update(alarmed_at=None)
    for pk in new:
        printed.filter(pk=pk).update(alarmed_at=now)
        log.warning("printed.leads_nowhere", extra={"shop": shop.pk, "touchpoint": pk})
