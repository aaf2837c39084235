"""Each morning one mail with what waits for the team, where the merchant wants it and something waits."""

import logging
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Q

from post_purchase.models import ConversationState, ShopSettings
from shopapp.lib import clock
from shopapp.models import Shop
from shopapp.shopify.admin_links import admin_link

from . import team_mail
from .team_alerts import addresses_of

log = logging.getLogger("post_purchase.team_digest")
MORNING = time(8, 0)  # of the shop's clock
AGAIN = timedelta(minutes=15)
OLD_NEWS = timedelta(hours=3)  # after the morning: then rather the next day's
MOST_SHOPS = 50


def send_digests() -> int:
    """Returns how many mails were tried."""
    now = clock.now()
    wanted = ShopSettings.objects.filter(team_digest=True)
    due = wanted.filter(Q(digest_due_at=None) | Q(digest_due_at__lte=now)).select_related("shop")
    return sum(_digest(row, now) for row in due.order_by("pk")[:MOST_SHOPS])


def _digest(row: ShopSettings, now: datetime) -> bool:
    """Claimed by moving its time: whoever moved it sends. After trouble it is tried again in a while."""
    due, shop = row.digest_due_at, row.shop
    following = next_morning(now, zone=_zone(shop))
    mine = ShopSettings.objects.filter(pk=row.pk, digest_due_at=due)
    if not mine.update(digest_due_at=following) or due is None or due < now - OLD_NEWS or not shop.is_installed:
        return False
    facts = waiting(row, now)
    addresses = addresses_of(shop)
    if not facts["team"] or not addresses:
        return False
    count = facts["team"]
    subject = "1 shopper waits for you" if count == 1 else f"{count} shoppers wait for you"
    facts |= {
        "shop": shop,
        "inbox": admin_link(shop, "/app/conversations?view=team"),
        "settings": admin_link(shop, "/app/settings"),
    }
    try:
        team_mail.send(
            addresses=addresses,
            subject=subject,
            template="email/team_digest.txt",
            facts=facts,
            known_as=f"team-digest:{shop.pk}:{following.date()}",
        )
    except team_mail.TROUBLE as error:
        ShopSettings.objects.filter(pk=row.pk, digest_due_at=following).update(digest_due_at=now + AGAIN)
        log.warning("team_digest.waits", extra={"shop": shop.pk, "why": type(error).__name__})
    return True


def waiting(row: ShopSettings, now: datetime) -> dict[str, object]:
    """How many wait for the team, how many of them too long, and who of them is nobody's."""
    team = row.shop.conversations.filter(state=ConversationState.TEAM, contact__merged_into=None)
    late = now - timedelta(minutes=row.first_response_minutes)
    overdue = now - timedelta(hours=row.resolution_hours)
    return {
        "team": team.count(),
        "late": team.filter(waits_since__lt=late).count(),
        "overdue": team.filter(open_since__lt=overdue).count(),
        "unassigned": team.filter(assignee="").count(),
    }


def next_morning(now: datetime, *, zone: ZoneInfo) -> datetime:
    here = now.astimezone(zone)
    day = here.date() if here.time() < MORNING else here.date() + timedelta(days=1)
    return datetime.combine(day, MORNING, zone).astimezone(UTC)


def _zone(shop: Shop) -> ZoneInfo:
    try:
        return ZoneInfo(shop.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
