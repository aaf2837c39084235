"""The shop's own policies, read from Shopify once a day: titles and addresses are facts, the words the merchant's."""

import logging
from datetime import datetime, timedelta

from django.db.models import Q

from post_purchase.models import ShopSettings
from shopapp.lib import clock
from shopapp.models import Shop, ShopStatus
from shopapp.shopify.admin_api import AdminApi, AdminApiError
from shopapp.shopify.results import Result

from .action_rules import POLICY_SCOPE
from .action_words import said
from .shopify_values import web_address

log = logging.getLogger("post_purchase.policies")
EVERY = timedelta(days=1)
AT_ONCE = 100  # shops in one run
RETURNS = "REFUND_POLICY"


class _Policy(Result):
    type: str
    title: str
    url: str
    updated_at: datetime


class _Shop(Result):
    shop_policies: list[_Policy]


class _GetPolicies(Result):
    shop: _Shop


def read_policies(*, shop: Shop) -> None:
    """Raises AdminApiError. Not inside a transaction."""
    told = AdminApi(shop).run("GetShopPolicies", result=_GetPolicies).shop.shop_policies
    kept = {
        each.type: {"title": each.title[:120], "url": web_address(each.url), "updated_at": each.updated_at.isoformat()}
        for each in told
        if web_address(each.url)
    }
    ShopSettings.objects.filter(shop=shop).update(policies=kept, policies_read_at=clock.now())


def read_due() -> None:
    """Of the shops that have allowed it."""
    old = Q(policies_read_at=None) | Q(policies_read_at__lt=clock.now() - EVERY)
    rows = ShopSettings.objects.filter(old, shop__status=ShopStatus.INSTALLED, shop__scopes__contains=POLICY_SCOPE)
    for row in rows.select_related("shop").order_by("policies_read_at", "pk")[:AT_ONCE]:
        ShopSettings.objects.filter(pk=row.pk).update(policies_read_at=clock.now())  # trouble holds up no other
        try:
            read_policies(shop=row.shop)
        except AdminApiError as error:
            log.warning("policies.not_read", extra={"shop": row.shop_id, "code": error.code})


def about_returns(settings: ShopSettings, language: str) -> str:
    """ "Our policy: Return policy, https://…". Empty: Shopify has none, or we may not read it."""
    known = settings.policies.get(RETURNS)
    return said("policy", language, title=known["title"], url=known["url"]) if known else ""
