"""Guides to what was bought: which one fits an order, and keeping them."""

from collections.abc import Iterable
from typing import Any

from post_purchase.models import Order, OrderLine, Product, ProductGuide
from shopapp.lib import clock
from shopapp.models import Shop

from .guide_pictures import address_of, forget

RANK = {ProductGuide.Kind.PRODUCT: 0, ProductGuide.Kind.TAG: 1, ProductGuide.Kind.TYPE: 2}


def folded(name: str) -> str:
    """Merchants write tags and types as they like."""
    return " ".join(name.casefold().split())[:255]


def save_guide(
    *,
    shop: Shop,
    kind: str,
    value: str,
    name: str,
    language: str,
    text: str,
    title: str = "",
    picture_url: str = "",
    video_url: str = "",
) -> ProductGuide:
    """One for each thing and language: saving again replaces it."""
    guide, _ = ProductGuide.objects.update_or_create(
        shop=shop,
        kind=kind,
        value=value,
        language=language,
        defaults={
            "name": name[:255],
            "title": title,
            "text": text,
            "picture_url": picture_url,
            "video_url": video_url,
            "updated_at": clock.now(),
        },
    )
    return guide


def delete_guide(*, guide: ProductGuide) -> None:
    """With its picture, where no other guide shows it."""
    shop_id, digest = guide.shop_id, guide.picture_file
    guide.delete()
    forget(shop_id=shop_id, digest=digest)


def products_of(order: Order) -> dict[int, Product]:
    """What we know of the products of this order, by Shopify's id."""
    wanted = {line.product_id for line in order.lines.all() if line.product_id}
    rows = Product.objects.filter(shop=order.shop_id, shopify_id__in=wanted)
    return {row.shopify_id: row for row in rows}


def guide_for(
    *,
    order: Order,
    language: str,
    default: str,
    products: dict[int, Product] | None = None,
    guides: Iterable[ProductGuide] | None = None,
) -> dict[str, Any] | None:
    """The guide that fits best: of the dearest thing, for the product before its tags before its type, in the
    shopper's language before the shop's. `products` and `guides`: the shop's, where they are read already.
    """
    products = products_of(order) if products is None else products
    lines = sorted(
        (line for line in order.lines.all() if line.product_id and line.current_quantity > 0),
        key=lambda line: (-line.price * line.current_quantity, line.pk),
    )
    fits: dict[tuple[str, str], tuple[int, OrderLine]] = {}
    for place, line in enumerate(lines):
        for key in _keys(line, products.get(line.product_id or 0)):
            fits.setdefault(key, (place, line))
    if not fits:
        return None
    if guides is None:
        guides = ProductGuide.objects.filter(shop=order.shop_id, value__in={value for _, value in fits})
    found = [guide for guide in guides if (guide.kind, guide.value) in fits]
    if not found:
        return None
    chain = _languages(language, default)
    best = min(
        found,
        key=lambda guide: (
            chain.get(guide.language.lower(), len(chain)),
            fits[guide.kind, guide.value][0],
            RANK[ProductGuide.Kind(guide.kind)],
            guide.pk,
        ),
    )
    line = fits[best.kind, best.value][1]
    return {
        "title": best.title,
        "text": best.text,
        "picture_url": address_of(best),
        "video_url": best.video_url,
        "language": best.language,
        "product": line.title,
    }


def _keys(line: OrderLine, product: Product | None) -> list[tuple[str, str]]:
    keys = [(ProductGuide.Kind.PRODUCT.value, str(line.product_id))]
    if product is not None:
        keys += [(ProductGuide.Kind.TAG.value, folded(tag)) for tag in product.tags]
        keys += [(ProductGuide.Kind.TYPE.value, folded(product.product_type))] if product.product_type else []
    return keys


def _languages(language: str, default: str) -> dict[str, int]:
    wanted = [language, language.split("-")[0], default, default.split("-")[0], "en"]
    return {tag: place for place, tag in enumerate(dict.fromkeys(tag.lower() for tag in wanted))}
