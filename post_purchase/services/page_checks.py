"""Are the pages still there that printed codes lead to? The shop's own website is asked, daily and at saving a route.

Only a clear "not found" counts as missing: a website that is slow, asks for a password or keeps robots out is there.
"""

import logging
import time
from datetime import timedelta

from post_purchase.models import PageCheck, PrintBatch, Touchpoint
from post_purchase.touchpoints.routes import page_url
from shopapp.lib import clock, http
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop

log = logging.getLogger("post_purchase.page_checks")
EVERY = timedelta(days=1)
AGAIN = timedelta(hours=1)  # where no answer came
TIMEOUT = 10.0  # seconds
MOST_BYTES = 4 * 1024 * 1024
SECONDS = 60.0
NOT_FOUND = (404, 410)


def paths_of(shop: Shop) -> set[str]:
    """Every page of the website that a route of this shop names, now or after a campaign."""
    routes = [*Touchpoint.objects.filter(shop=shop).values_list("options", flat=True)]
    routes += PrintBatch.objects.filter(touchpoint__shop=shop).exclude(route={}).values_list("route", flat=True)
    return {str(route[key]) for route in routes for key in ("page", "page_after") if route.get(key)}


def look_soon(*, shop: Shop, paths: set[str]) -> None:
    """A route was saved: look at its pages now, and forget those that no route names any more."""
    now = clock.now()
    wanted = paths_of(shop)
    PageCheck.objects.filter(shop=shop).exclude(path__in=wanted).delete()
    rows = [PageCheck(shop=shop, path=path, next_attempt_at=now) for path in sorted(wanted)]
    PageCheck.objects.bulk_create(rows, ignore_conflicts=True)
    if PageCheck.objects.filter(shop=shop, path__in=paths & wanted).update(next_attempt_at=now):
        wake(Job.CHECK_PAGES)


def check_due() -> int:
    """Look at every page that is due. Returns how many were looked at."""
    stop_at = time.monotonic() + SECONDS
    looked = 0
    while time.monotonic() < stop_at:
        row = _claim()
        if row is None:
            return looked
        _check(row)
        looked += 1
    wake(Job.CHECK_PAGES)
    return looked


def _claim() -> PageCheck | None:
    now = clock.now()
    while (
        row := PageCheck.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk").first()
    ) is not None:
        mine = PageCheck.objects.filter(pk=row.pk, next_attempt_at=row.next_attempt_at)
        if mine.update(next_attempt_at=now + AGAIN):
            return PageCheck.objects.select_related("shop").get(pk=row.pk)
    return None


def _check(row: PageCheck) -> None:
    mine = PageCheck.objects.filter(pk=row.pk)
    if not row.shop.is_installed or row.path not in paths_of(row.shop):
        mine.delete()
        return
    url = page_url(row.path, primary_url=row.shop.primary_url, domain=row.shop.domain)
    now = clock.now()
    if not url:  # such a route leads to no page; print_health says so
        mine.update(next_attempt_at=now + EVERY)
        return
    try:
        status = http.request("GET", url, timeout=TIMEOUT, max_bytes=MOST_BYTES, trusted=False).status
    except http.HttpError:
        mine.update(status=None, checked_at=now)  # what was known stays; the lease is the next look
        return
    missing = status in NOT_FOUND
    mine.update(status=status, missing=missing, checked_at=now, next_attempt_at=now + EVERY)
    if missing and not row.missing:
        log.warning("printed.page_missing", extra={"shop": row.shop_id, "page_check": row.pk, "status": status})
