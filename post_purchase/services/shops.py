"""A shop's own rows: its facts from Shopify, its settings, its first touchpoints; and the stop when it leaves."""

from datetime import datetime
from typing import Any

from django.db import transaction

from post_purchase.models import Message, ShopSettings
from post_purchase.touchpoints.registry import KINDS
from post_purchase.words import EventKind, MessageStatus
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop
from shopapp.shopify.admin_api import AdminApi
from shopapp.shopify.results import Result

from .events import record_event
from .links import touchpoint_of
from .shopify_values import gid_number, web_address

UNINSTALLED = "The shop removed the app"


class _Domain(Result):
    url: str


class _Plan(Result):
    public_display_name: str


class _Address(Result):
    country_code_v2: str | None = None


class _Shop(Result):
    id: str
    name: str
    contact_email: str | None = None
    currency_code: str
    iana_timezone: str
    primary_domain: _Domain | None = None
    plan: _Plan | None = None
    shop_address: _Address | None = None


class _GetShop(Result):
    shop: _Shop


def settings_of(shop: Shop) -> ShopSettings:
    settings, _ = ShopSettings.objects.get_or_create(shop=shop, defaults={"default_language": _base(shop.locale)})
    return settings


def set_up_shop(shop: Shop) -> None:
    """Ask Shopify who the shop is, make its settings and one touchpoint of each kind. Repeating changes nothing.

    Raises AdminApiError. Not inside a transaction.
    """
    read_shop(shop=shop)
    with transaction.atomic():
        settings_of(shop)
        for kind in (each.kind for each in KINDS.values() if each.made_with_shop):
            touchpoint_of(shop=shop, kind=kind)


def read_shop(*, shop: Shop) -> None:
    """Shopify's facts about the shop, by Admin GraphQL."""
    told = AdminApi(shop).run("GetShop", result=_GetShop).shop
    _save(
        shop,
        {
            "shopify_id": gid_number(told.id),
            "name": told.name,
            "contact_email": told.contact_email,
            "currency": told.currency_code,
            "timezone": told.iana_timezone,
            "primary_url": web_address(told.primary_domain.url if told.primary_domain else None),
            "plan": told.plan.public_display_name if told.plan else "",
            "country": told.shop_address.country_code_v2 if told.shop_address else "",
        },
    )


def save_shop_news(*, shop: Shop, payload: dict[str, Any]) -> None:
    """shop/update: REST-shaped. What it does not say stays."""
    domain = payload.get("domain")
    _save(
        shop,
        {
            "name": payload.get("name"),
            "contact_email": payload.get("customer_email") or payload.get("email"),
            "currency": payload.get("currency"),
            "timezone": payload.get("iana_timezone"),
            "country": payload.get("country_code"),
            "locale": payload.get("primary_locale"),
            "plan": payload.get("plan_display_name"),
            "primary_url": f"https://{domain}" if domain else None,
        },
    )


def start_backfill(*, shop: Shop) -> None:
    """From now on the last 60 days of orders are fetched by jobs.orders, page by page. A running one is left alone."""
    now = clock.now()
    started = Shop.objects.filter(pk=shop.pk, backfill_started_at=None).update(
        backfill_started_at=now,
        backfill_next_attempt_at=now,
        backfill_finished_at=None,
        backfill_cursor="",
        backfill_done=0,
        backfill_total=None,
        backfill_error="",
        orders_synced_to=now,
    )
    if started:
        shop.refresh_from_db()
        wake(Job.BACKFILL_ORDERS)


@transaction.atomic
def stop_shop(*, shop: Shop, happened_at: datetime) -> int:
    """After an uninstall: nothing more is sent, and the flows hear of it. Returns how many messages were stopped."""
    stopped = Message.objects.filter(shop=shop, status__in=(MessageStatus.QUEUED, MessageStatus.HELD)).update(
        status=MessageStatus.SUPPRESSED, reason=UNINSTALLED, next_attempt_at=None
    )
    Shop.objects.filter(pk=shop.pk).update(backfill_next_attempt_at=None)
    record_event(
        shop=shop,
        kind=EventKind.SHOP_UNINSTALLED,
        key=f"{EventKind.SHOP_UNINSTALLED}:{happened_at.isoformat()}",
        happened_at=happened_at,
    )
    return stopped


def _save(shop: Shop, facts: dict[str, Any]) -> None:
    told = {}
    for name, value in facts.items():
        if value not in (None, ""):
            limit = getattr(Shop._meta.get_field(name), "max_length", None)
            told[name] = value[:limit] if isinstance(value, str) else value
    Shop.objects.filter(pk=shop.pk).update(**told)
    for name, value in told.items():
        setattr(shop, name, value)


def _base(locale: str) -> str:
    return (locale or "en").split("-")[0][:8]
