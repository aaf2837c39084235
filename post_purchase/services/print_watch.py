"""The alarms of print_health: a mark at each touchpoint, which /metrics counts, a log line, and a mail to the team.

The mail may come twice after a kill, with the same Message-ID; one that could not be sent is tried again each time.
"""

import logging
import time
from datetime import timedelta

from django.db.models import F, Q

from post_purchase.models import ShopSettings, Touchpoint
from shopapp.lib import clock
from shopapp.models import Shop, ShopStatus
from shopapp.shopify.admin_links import admin_link

from . import team_mail
from .print_health import PRINTED, troubles_of
from .team_alerts import addresses_of

log = logging.getLogger("post_purchase.print_watch")
EVERY = timedelta(hours=1)
SECONDS = 60.0
MOST_SHOPS = 50


def watch() -> int:
    """Look at every shop that has not been looked at for an hour, then tell who was not told. Returns how many."""
    stop_at = time.monotonic() + SECONDS
    looked = 0
    while time.monotonic() < stop_at:
        old = Q(watched_at=None) | Q(watched_at__lte=clock.now() - EVERY)
        due = Touchpoint.objects.filter(old, kind__in=PRINTED, shop__status=ShopStatus.INSTALLED)
        row = due.select_related("shop").order_by(F("watched_at").asc(nulls_first=True), "pk").first()
        if row is None:
            break
        watch_shop(row.shop)
        looked += 1
    tell_teams()
    return looked


def watch_shop(shop: Shop) -> None:
    now = clock.now()
    severe = {trouble.touchpoint.pk for trouble in troubles_of(shop) if trouble.severe}
    printed = Touchpoint.objects.filter(shop=shop, kind__in=PRINTED)
    new = list(printed.filter(pk__in=severe, alarmed_at=None).values_list("pk", flat=True))
    printed.update(watched_at=now)
    printed.exclude(pk__in=severe).exclude(alarmed_at=None).update(alarmed_at=None, alarm_told_at=None)
    for pk in new:
        printed.filter(pk=pk).update(alarmed_at=now)
        log.warning("printed.leads_nowhere", extra={"shop": shop.pk, "touchpoint": pk})


def tell_teams() -> None:
    """One mail for all of a shop's codes that lead nowhere and that its team has not heard of."""
    untold = Touchpoint.objects.filter(alarmed_at__isnull=False, alarm_told_at=None, shop__status=ShopStatus.INSTALLED)
    for shop in Shop.objects.filter(pk__in=untold.values("shop_id")).order_by("pk")[:MOST_SHOPS]:
        _tell(shop, list(untold.filter(shop=shop).order_by("pk")))


def _tell(shop: Shop, touchpoints: list[Touchpoint]) -> None:
    wanted = ShopSettings.objects.filter(shop=shop).values_list("team_alerts", flat=True).first()
    addresses = addresses_of(shop) if wanted is not False else []
    troubles = [trouble for trouble in troubles_of(shop) if trouble.severe]
    if addresses and troubles:
        first = touchpoints[0]
        try:
            team_mail.send(
                addresses=addresses,
                subject=f"The code on “{first.name}” leads nowhere",
                template="email/print_alarm.txt",
                facts={
                    "shop": shop,
                    "troubles": troubles,
                    "touchpoints": admin_link(shop, "/app/touchpoints"),
                    "settings": admin_link(shop, "/app/settings"),
                },
                known_as=f"print-alarm:{first.pk}:{first.alarmed_at}",
            )
        except team_mail.TROUBLE as error:
            log.warning("printed.not_told", extra={"shop": shop.pk, "error": type(error).__name__})
            return
    Touchpoint.objects.filter(pk__in=[row.pk for row in touchpoints]).update(alarm_told_at=clock.now())
