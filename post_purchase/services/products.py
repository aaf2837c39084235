"""A shop's products, as flows and recommendations need them: fetched page by page, kept fresh by Shopify's news.

The news (products/update) carries no metafields, and comes for every change of stock. So it changes the row by what it
says, and has the next page of changes fetched two minutes later, all that changed meanwhile together.
"""

import json
import logging
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F

from post_purchase.models import Product, ProductSync, ShopSettings
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop, ShopStatus
from shopapp.shopify.admin_api import AdminApi
from shopapp.shopify.errors import AdminApiError
from shopapp.shopify.results import PageInfo, Result

from .shopify_values import gid_number, web_address

log = logging.getLogger("post_purchase.products")
COMPLEMENTARY = "shopify--discovery--product_recommendation.complementary_products"  # Shopify Search & Discovery
MAX_METAFIELDS = 10  # named by the merchant
MAX_VALUES = 20  # of one metafield that is a list
MAX_VALUE = 200  # characters
MAX_TAGS = 250  # Shopify's limit
LEASE = timedelta(minutes=3)
SOON = timedelta(minutes=2)
AGAIN = timedelta(hours=6)  # what no news told of
RETRY = timedelta(minutes=2)
LONGEST_WAIT = timedelta(hours=6)
OVERLAP = timedelta(minutes=5)
RESERVE = 0.5  # of the shop's query budget


class _Image(Result):
    url: str


class _Preview(Result):
    image: _Image | None = None


class _Media(Result):
    preview: _Preview | None = None


class _Money(Result):
    amount: Decimal


class _Prices(Result):
    min_variant_price: _Money


class _Variant(Result):
    id: str
    available_for_sale: bool


class _Variants(Result):
    nodes: list[_Variant]


class _Collection(Result):
    id: str
    title: str


class _Collections(Result):
    nodes: list[_Collection]


class _Metafield(Result):
    namespace: str
    key: str
    value: str


class _Metafields(Result):
    nodes: list[_Metafield]


class _Product(Result):
    id: str
    title: str
    handle: str
    product_type: str = ""
    tags: list[str] = []
    status: str
    updated_at: datetime
    featured_media: _Media | None = None
    price_range_v2: _Prices | None = None
    collections: _Collections
    variants: _Variants
    metafields: _Metafields


class _Page(Result):
    nodes: list[_Product]
    page_info: PageInfo


class _ListProducts(Result):
    products: _Page


def start_sync(*, shop: Shop) -> None:
    """Fetch all products, from the beginning: after an installation, or when other metafields are wanted."""
    now = clock.now()
    ProductSync.objects.update_or_create(
        shop=shop,
        defaults={
            "synced_to": None,
            "walk_started_at": None,
            "cursor": "",
            "next_attempt_at": now,
            "attempts": 0,
            "error": "",
        },
    )
    wake(Job.SYNC_PRODUCTS)


def save_news(*, shop: Shop, payload: dict[str, Any]) -> None:
    """products/create, products/update: REST-shaped. An older payload than the row changes nothing."""
    now = clock.now()
    updated_at = datetime.fromisoformat(payload["updated_at"])
    facts = {
        "title": _short(payload.get("title"), 255),
        "handle": _short(payload.get("handle"), 255),
        "product_type": _short(payload.get("product_type"), 255),
        "tags": _tags((payload.get("tags") or "").split(",")),
        "shopify_updated_at": updated_at,
        "deleted_at": None,
    }
    if payload.get("status") != "active":
        facts["available"] = False  # True only by the sync, which sees what can be bought
    row, created = Product.objects.get_or_create(
        shop=shop, shopify_id=payload["id"], defaults=facts | {"available": False}
    )
    if not created:
        Product.objects.filter(pk=row.pk, shopify_updated_at__lte=updated_at).update(**facts)
    sync, _ = ProductSync.objects.get_or_create(shop=shop, defaults={"next_attempt_at": now})
    ProductSync.objects.filter(pk=sync.pk, next_attempt_at__gt=now + SOON).update(next_attempt_at=now + SOON)


def forget(*, shop: Shop, shopify_id: int) -> None:
    """products/delete. The row stays for what was bought; it is recommended no more."""
    Product.objects.filter(shop=shop, shopify_id=shopify_id, deleted_at=None).update(
        deleted_at=clock.now(), available=False
    )


def choose_companions(*, product: Product, others: list[Product]) -> None:
    """What the merchant says goes well with it, first things first."""
    product.chosen_ids = [other.shopify_id for other in others if other.pk != product.pk]
    product.save(update_fields=["chosen_ids"])


def collections_of(shop: Shop) -> list[tuple[int, str]]:
    """The collections that the shop's products are in, by title."""
    kept = Product.objects.filter(shop=shop, deleted_at=None).exclude(collections=[])
    rows = kept.order_by("pk").values_list("collections", flat=True)
    found = {each["id"]: each["title"] for collections in rows.iterator() for each in collections}
    return sorted(found.items(), key=lambda pair: pair[1].casefold())


def collections_with(*, shop: Shop, shopify_ids: set[int]) -> dict[int, set[int]]:
    """Product -> the collections that it is in."""
    rows = Product.objects.filter(shop=shop, shopify_id__in=shopify_ids).values_list("shopify_id", "collections")
    return {product: {each["id"] for each in collections} for product, collections in rows}


def name_metafields(*, shop: Shop, names: list[str]) -> None:
    """Which metafields flows may ask about ("custom.material"). All products are fetched anew."""
    changed = ShopSettings.objects.filter(shop=shop).exclude(product_metafields=names).update(product_metafields=names)
    if changed:
        start_sync(shop=shop)


def claim_sync() -> ProductSync | None:
    """A shop whose products are due, leased to the caller."""
    now = clock.now()
    due = ProductSync.objects.filter(next_attempt_at__lte=now, shop__status=ShopStatus.INSTALLED)
    for row in due.select_related("shop").order_by("next_attempt_at")[:10]:
        mine = ProductSync.objects.filter(pk=row.pk, next_attempt_at=row.next_attempt_at)
        if mine.update(next_attempt_at=now + LEASE, attempts=F("attempts") + 1):
            row.next_attempt_at, row.attempts = now + LEASE, row.attempts + 1
            return row
    return None


def sync_page(row: ProductSync) -> None:
    """Fetch one page of what changed (or of everything). The cursor moves after the rows are saved."""
    shop, now = row.shop, clock.now()
    leased = ProductSync.objects.filter(pk=row.pk, next_attempt_at=row.next_attempt_at)
    started = row.walk_started_at or now
    names = _wanted_metafields(shop)
    variables = {
        "query": f"updated_at:>='{_stamp(row.synced_to - OVERLAP)}'" if row.synced_to else "",
        "keys": [COMPLEMENTARY, *names],
        "after": row.cursor or None,
    }
    try:
        page = AdminApi(shop, reserve=RESERVE).run("ListProducts", variables, result=_ListProducts).products
    except AdminApiError as error:
        wait = error.retry_after or min(RETRY * 2 ** min(row.attempts - 1, 10), LONGEST_WAIT)
        leased.update(next_attempt_at=now + wait, error="" if error.code == "THROTTLED" else str(error)[:255])
        log.warning("products.wait", extra={"shop": shop.pk, "code": error.code})
        return
    for node in page.nodes:
        _save(shop, node, names, now)
    more = page.page_info.has_next_page and bool(page.page_info.end_cursor)
    here = ProductSync.objects.filter(pk=row.pk, cursor=row.cursor, synced_to=row.synced_to)
    if more:
        here.update(cursor=page.page_info.end_cursor, walk_started_at=started, attempts=0, error="")
    else:
        if row.synced_to is None:  # a walk over all: what it did not meet is gone
            lost = Product.objects.filter(shop=shop, deleted_at=None).exclude(seen_at__gte=started)
            lost.filter(shopify_updated_at__lt=started).update(deleted_at=now, available=False)
        here.update(synced_to=started, cursor="", walk_started_at=None, attempts=0, error="")
    leased.update(next_attempt_at=now if more else now + AGAIN)  # news may have asked for an earlier look meanwhile


def _save(shop: Shop, node: _Product, names: list[str], now: datetime) -> None:
    image = node.featured_media.preview.image if node.featured_media and node.featured_media.preview else None
    variants = sorted(node.variants.nodes, key=lambda variant: not variant.available_for_sale)
    fields = {f"{each.namespace}.{each.key}": each.value for each in node.metafields.nodes}
    facts: dict[str, Any] = {
        "title": _short(node.title, 255),
        "handle": _short(node.handle, 255),
        "product_type": _short(node.product_type, 255),
        "tags": _tags(node.tags),
        "image_url": web_address(image.url if image else None),
        "price": node.price_range_v2.min_variant_price.amount if node.price_range_v2 else None,
        "variant_ids": [gid_number(variant.id) for variant in variants],
        "collections": [
            {"id": gid_number(each.id), "title": _short(each.title, 255)} for each in node.collections.nodes
        ],
        "complementary_ids": [
            gid_number(gid) for gid in _values(fields.get(COMPLEMENTARY, "[]")) if "/Product/" in gid
        ],
        "metafields": {name: _values(fields[name]) for name in names if name in fields},
        "available": node.status == "ACTIVE" and any(variant.available_for_sale for variant in variants),
        "shopify_updated_at": node.updated_at,
        "deleted_at": None,
    }
    row, created = Product.objects.get_or_create(
        shop=shop, shopify_id=gid_number(node.id), defaults=facts | {"seen_at": now}
    )
    if not created:
        Product.objects.filter(pk=row.pk).update(seen_at=now)
        Product.objects.filter(pk=row.pk, shopify_updated_at__lte=node.updated_at).update(**facts)


def _wanted_metafields(shop: Shop) -> list[str]:
    named = ShopSettings.objects.filter(shop=shop).values_list("product_metafields", flat=True).first()
    return list(named or [])[:MAX_METAFIELDS]


def _values(text: str) -> list[str]:
    """A metafield is text; a list is JSON. Always a list here, so that `contains` fits both."""
    try:
        parsed = json.loads(text) if text.startswith("[") else text
    except ValueError:
        parsed = text
    found = parsed if isinstance(parsed, list) else [parsed]
    return [_short(each, MAX_VALUE) for each in found if isinstance(each, str | int | float)][:MAX_VALUES]


def _tags(found: list[str]) -> list[str]:
    return [_short(tag.strip(), 255) for tag in found if tag.strip()][:MAX_TAGS]


def _short(value: Any, longest: int) -> str:
    return str(value if value is not None else "").replace("\0", "")[:longest]


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
