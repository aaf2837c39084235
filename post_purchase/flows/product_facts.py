"""What Shopify's catalogue says of what was bought, and the merchant's guide to it: facts that cost queries."""

from collections.abc import Iterable
from typing import Any

from post_purchase.models import Order, Product, ProductGuide
from post_purchase.services.guides import guide_for, products_of


def of_products(
    order: Order | None,
    language: str,
    default: str,
    more: frozenset[str],
    *,
    products: dict[int, Product] | None = None,
    guides: Iterable[ProductGuide] | None = None,
) -> dict[str, Any]:
    """{"bought": ..., "guide": ...}, as far as `more` asks for them. `products`, `guides`: read already."""
    wanted = more & {"bought", "guide"}
    if not wanted or order is None:
        return dict.fromkeys(wanted)
    products = products_of(order) if products is None else products
    facts: dict[str, Any] = {}
    if "bought" in wanted:
        facts["bought"] = _bought(order, products)
    if "guide" in wanted:
        facts["guide"] = guide_for(order=order, language=language, default=default, products=products, guides=guides)
    return facts


def _bought(order: Order, products: dict[int, Product]) -> dict[str, Any]:
    """{"tags": [...], "types": [...], "metafields": {"custom": {"material": ["linen"]}}, "lines": [each by itself]}"""
    lines: list[dict[str, Any]] = []
    metafields: dict[str, dict[str, list[str]]] = {}
    for line in order.lines.all():
        product = products.get(line.product_id or 0)
        if line.current_quantity < 1:
            continue
        lines.append(
            {
                "title": line.title,
                "product_id": line.product_id,
                "tags": list(product.tags) if product else [],
                "type": product.product_type if product else "",
            }
        )
        for name, values in (product.metafields if product else {}).items():
            namespace, _, key = name.rpartition(".")
            known = metafields.setdefault(namespace, {}).setdefault(key, [])
            known.extend(value for value in values if value not in known)
    return {
        "lines": lines,
        "tags": sorted({tag for line in lines for tag in line["tags"]}),
        "types": sorted({line["type"] for line in lines if line["type"]}),
        "metafields": metafields,
    }
