"""The team hears by mail that a shopper needs a person, also while nobody has the admin open; a member who gave an
address, that something was given to them or names them.

A row for each; one mail for all that wait for the team (or for that member), at most one in PACE. A mail that may have
gone is repeated with the same Message-ID: to be told twice is the lesser harm for a team. What a shopper wrote, or how
to reach them, is never in it.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from post_purchase.models import Conversation, ConversationState, Member, ShopSettings, TeamAlert, Unread
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop
from shopapp.shopify.admin_links import admin_link

from . import team_mail

log = logging.getLogger("post_purchase.team_alerts")
PACE = timedelta(minutes=10)
LEASE = timedelta(minutes=2)
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=1)
MOST_SHOPS, MOST_LINES = 50, 20
NO_ADDRESS = "No address: write one in Settings, When your team answers"


def alert_team(*, conversation: Conversation, reason: str, since: datetime) -> None:
    """In the transaction that asks for a person. `since`: the same question is told once."""
    chosen = ShopSettings.objects.filter(shop_id=conversation.shop_id).values_list("team_alerts", flat=True).first()
    if chosen is False:
        return
    _alert(conversation, None, reason, key=f"{conversation.pk}:{since.isoformat()}")


def alert_member(*, conversation: Conversation, member: Member, reason: str, key: str) -> None:
    """In the transaction that makes it theirs. Told unless they have opened it before the mail goes."""
    if member.email:
        _alert(conversation, member, reason, key=f"{conversation.pk}:{member.pk}:{key}"[:190])


def _alert(conversation: Conversation, member: Member | None, reason: str, *, key: str) -> None:
    now = clock.now()
    told = TeamAlert.objects.filter(shop_id=conversation.shop_id, member=member, told_at__isnull=False)
    newest = told.order_by("-told_at").first()
    told_at = newest.told_at if newest else None
    _, created = TeamAlert.objects.get_or_create(
        shop_id=conversation.shop_id,
        dedupe_key=key,
        defaults={
            "conversation": conversation,
            "member": member,
            "reason": reason[:255],
            "created_at": now,
            "next_attempt_at": max(now, told_at + PACE) if told_at else now,
        },
    )
    if created:
        wake(Job.TELL_TEAMS)


def addresses_of(shop: Shop) -> list[str]:
    row = ShopSettings.objects.filter(shop=shop).first()
    written = row.team_addresses if row else ""
    return [part for part in written.replace(",", " ").split() if part] or [
        part for part in [shop.contact_email] if part
    ]


def tell_teams() -> int:
    """One mail for each team and each member for whom an alert is due. Returns how many mails were tried."""
    due = TeamAlert.objects.filter(next_attempt_at__lte=clock.now())
    whom = list(due.order_by("shop_id", "member_id").values_list("shop_id", "member_id").distinct()[:MOST_SHOPS])
    return sum(_tell(shop_id, member_id) for shop_id, member_id in whom)


def _tell(shop_id: int, member_id: int | None) -> bool:
    alerts = _claim(shop_id, member_id)
    if not alerts:
        return False
    shop = Shop.objects.get(pk=shop_id)
    open_ones = [alert for alert in alerts if _still_waits(alert)]
    _end([alert for alert in alerts if alert not in open_ones], error="Answered before the mail went")
    if not open_ones:
        return False
    member = alerts[0].member
    addresses = ([member.email] if member.email else []) if member else addresses_of(shop)
    if not shop.is_installed or not addresses:
        _end(open_ones, error=NO_ADDRESS if shop.is_installed else "The app is no longer installed in this shop")
        return False
    try:
        _send(shop, addresses, open_ones)
    except team_mail.TROUBLE as error:
        _later(open_ones, f"The mail server said: {type(error).__name__}")
        return True
    _mine(open_ones).update(next_attempt_at=None, told_at=clock.now(), error="")
    return True


def _claim(shop_id: int, member_id: int | None) -> list[TeamAlert]:
    """All that wait for this team or member, once one of them is due."""
    now = clock.now()
    with transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=shop_id)  # one worker for a shop
        waiting = TeamAlert.objects.filter(shop_id=shop_id, member=member_id, next_attempt_at__isnull=False)
        if not waiting.filter(next_attempt_at__lte=now).exists():
            return []
        found = list(
            waiting.select_related("conversation__order", "conversation__contact", "member").order_by("pk")[:100]
        )
        waiting.filter(pk__in=[alert.pk for alert in found]).update(
            next_attempt_at=now + LEASE, attempts=F("attempts") + 1
        )
    for alert in found:
        alert.attempts += 1
    return found


def _still_waits(alert: TeamAlert) -> bool:
    if alert.member_id is not None:
        return Unread.objects.filter(member=alert.member_id, conversation=alert.conversation_id).exists()
    return alert.conversation.state == ConversationState.TEAM  # a hand-off goes on after a person has answered


def _send(shop: Shop, addresses: list[str], alerts: Sequence[TeamAlert]) -> None:
    newest = {alert.conversation_id: alert for alert in alerts}  # a person may have asked twice
    lines = [
        (alert, _about(alert), admin_link(shop, f"/app/conversations/{alert.conversation_id}"))
        for alert in newest.values()
    ]
    facts = {
        "shop": shop,
        "lines": lines[:MOST_LINES],
        "more": max(0, len(lines) - MOST_LINES),
        "member": alerts[0].member,
        "team": admin_link(shop, "/app/settings/team-members"),
        "inbox": admin_link(shop, "/app/conversations"),
        "settings": admin_link(shop, "/app/settings"),
    }
    if alerts[0].member:
        one, several = f"{lines[0][1]} is for you", f"{len(lines)} chats are for you"
    else:
        one, several = f"{lines[0][1]}: a shopper needs you", f"{len(lines)} shoppers need you"
    team_mail.send(
        addresses=addresses,
        subject=one if len(lines) == 1 else several,
        template="email/team_alert.txt",
        facts=facts,
        known_as=f"team-alert:{alerts[0].pk}",
    )


def _about(alert: TeamAlert) -> str:
    order = alert.conversation.order
    return f"Order {order.name}" if order else "A new chat"


def _later(alerts: Sequence[TeamAlert], error: str) -> None:
    now = clock.now()
    old = [alert for alert in alerts if now >= alert.created_at + GIVE_UP_AFTER]
    _end(old, error=error)
    again = [alert for alert in alerts if alert not in old]
    tries = max((alert.attempts for alert in again), default=1)
    _mine(again).update(next_attempt_at=now + min(FIRST_WAIT * 2 ** min(tries - 1, 8), LONGEST_WAIT), error=error[:255])
    log.warning("team_alerts.waits", extra={"alerts": len(again), "given_up": len(old)})


def _end(alerts: Sequence[TeamAlert], *, error: str) -> None:
    _mine(alerts).update(next_attempt_at=None, error=error[:255])


def _mine(alerts: Sequence[TeamAlert]) -> QuerySet[TeamAlert]:
    return TeamAlert.objects.filter(pk__in=[alert.pk for alert in alerts], next_attempt_at__isnull=False)


def last_trouble(shop: Shop) -> str:
    """Why the newest alert did not reach the team; empty where it did."""
    newest = (
        shop.team_alerts.filter(member=None).order_by("-pk").values_list("told_at", "error", "next_attempt_at").first()
    )
    if newest is None or newest[0] is not None or newest[2] is not None or newest[1].startswith("Answered"):
        return ""
    return str(newest[1])
