"""One truth per order, from webhooks, reconciliation and backfill alike. The newest `updated_at` wins."""

from decimal import Decimal
from typing import Any

from django.db import transaction

from post_purchase.models import Order, OrderLine, Parcel
from post_purchase.words import EventKind
from shopapp.lib.crypto import hash_secret
from shopapp.models import Shop
from shopapp.shopify.admin_api import AdminApi

from .bindings import bind_late, bind_order_address
from .checkout_consent import apply_ticks
from .contacts import contact_for_order, e164
from .events import record_event
from .links import join_order
from .order_data import OrderData, RefundData, ReturnData
from .parcel_data import ParcelData, ScanData
from .parcels import apply_parcel, apply_scan, is_news, settle_order, tell, tell_delivered
from .shopify_values import MAX_MONEY
from .timezones import zone_for

MAX_LINE_PAGES = 10


@transaction.atomic
def save_order(*, shop: Shop, data: OrderData, news: bool = True) -> Order:
    """Save the order with its lines, parcels and refunds, and record what is new for the flows.

    Repeating the call, or an older payload, changes nothing but what it alone knew (a parcel, a refund).
    `news=False` (backfill): the rows are written and no flow hears of it.
    The order is locked before every contact (bindings.lock_orders says why).
    """
    order = Order.objects.select_for_update(no_key=True).filter(shop=shop, shopify_id=data.shopify_id).first()
    created = order is None
    if order is None:
        order, created = Order.objects.get_or_create(
            shop=shop,
            shopify_id=data.shopify_id,
            defaults=_facts(data) | _personal(shop, data) | {"contact": contact_for_order(shop, data)},
        )
    order.shop = shop
    if not created and data.updated_at >= order.shopify_updated_at:
        _update(order, data)
    if created or data.updated_at >= order.shopify_updated_at:
        _save_lines(order, data)
    if data.paid and order.paid_at is None:
        order.paid_at = data.placed_at if created else data.updated_at
    order.is_gift = order.is_gift or data.gift
    order.is_cash_on_delivery = order.is_cash_on_delivery or data.cash_on_delivery
    new_refunds = _add_refunds(order, data.refunds)
    new_returns = _add_returns(order, data.returns)
    order.save()
    was_delivered, before = order.delivered_at is not None, _states(order)
    parcels = {each.shopify_id: apply_parcel(order=order, data=each, news=news) for each in data.parcels}
    settle_order(order=order)
    if created:
        bind_order_address(order=order)
    if order.checkout_token_hash or created:
        for link in join_order(order=order):  # a shopper was faster than the webhook
            bind_late(link=link)
        apply_ticks(order=order)  # the tick on the thank-you page came before the order
    _tell(order, created=created, news=news, new_refunds=new_refunds)
    _tell_returns(order, new_returns, news=news)
    for parcel in parcels.values():
        tell(order=order, parcel=parcel, news=news)
    stood_still = not created and before == _states(order)
    tell_delivered(
        order=order, was_delivered=was_delivered, happened_at=data.updated_at if stood_still else None, news=news
    )
    return order


def _states(order: Order) -> dict[int, str]:
    return dict(order.parcels.values_list("pk", "state"))


def save_parcel(*, shop: Shop, data: ParcelData, news: bool = True) -> Parcel | None:
    """Save a fulfillment. One that comes before its order has the order fetched: not inside a transaction.

    None: Shopify does not know the order. Raises AdminApiError where Shopify cannot be asked now.
    """
    if not _known(shop, data.order_shopify_id):
        order = fetch_order(shop=shop, shopify_id=data.order_shopify_id, news=news, parcel=data)
        return order.parcels.get(shopify_id=data.shopify_id) if order else None
    with transaction.atomic():
        order = _locked(shop, data.order_shopify_id)
        was_delivered = order.delivered_at is not None
        parcel = apply_parcel(order=order, data=data, news=news)
        settle_order(order=order)
        tell(order=order, parcel=parcel, news=news)
        tell_delivered(order=order, was_delivered=was_delivered, happened_at=None, news=news)
    return parcel


def save_scan(*, shop: Shop, data: ScanData, news: bool = True) -> Parcel | None:
    """Save a carrier's scan. One that comes before its parcel has the order fetched: not inside a transaction.

    None: Shopify does not know the parcel, or we do not know the status. Raises AdminApiError as above.
    """
    if data.state is None:
        return None
    parcels = Parcel.objects.filter(order__shop=shop, shopify_id=data.parcel_shopify_id)
    if not parcels.exists():
        fetch_order(shop=shop, shopify_id=data.order_shopify_id, news=news, scan=data)
    with transaction.atomic():
        parcel = parcels.first()
        if parcel is None:
            return None
        order = Order.objects.select_for_update(no_key=True).get(pk=parcel.order_id)
        order.shop = shop
        parcel = parcels.get()  # as it is now that the order is ours
        was_delivered = order.delivered_at is not None
        apply_scan(parcel=parcel, data=data)
        settle_order(order=order)
        tell(order=order, parcel=parcel, news=news)
        tell_delivered(order=order, was_delivered=was_delivered, happened_at=None, news=news)
    return parcel


def save_refund(*, shop: Shop, order_shopify_id: int, data: RefundData) -> Order | None:
    """refunds/create: add one refund. The order is fetched where it is not known (not inside a transaction)."""
    if not _known(shop, order_shopify_id):
        return fetch_order(shop=shop, shopify_id=order_shopify_id)
    with transaction.atomic():
        order = _locked(shop, order_shopify_id)
        new_refunds = _add_refunds(order, [data])
        order.save(update_fields=["refunds", "refunded"])
        _tell(order, created=False, news=True, new_refunds=new_refunds)
    return order


def record_edit(*, order: Order, edit_id: int) -> None:
    """orders/edited: the merchant changed lines of a placed order."""
    record_event(
        shop=order.shop,
        kind=EventKind.ORDER_EDITED,
        key=f"{EventKind.ORDER_EDITED}:{order.pk}:{edit_id}",
        order=order,
        contact=order.contact,
    )


def fetch_order(
    *,
    shop: Shop,
    shopify_id: int,
    news: bool = True,
    parcel: ParcelData | None = None,
    scan: ScanData | None = None,
    reserve: float = 0.0,
) -> Order | None:
    """Ask Shopify for the order as it is now and save it. None: Shopify has no such order. Not inside a transaction.

    `parcel` and `scan`: the news that made us ask; counted in, so that nothing older is told before it.
    Raises AdminApiError where Shopify cannot be asked now.
    """
    api = AdminApi(shop, reserve=reserve)
    gid = f"gid://shopify/Order/{shopify_id}"
    node = api.run("GetOrder", {"id": gid})["order"]
    if node is None:
        return None
    lines: dict[str, Any] = node["lineItems"]
    for _ in range(MAX_LINE_PAGES):
        if not lines["pageInfo"]["hasNextPage"]:
            break
        lines = api.run("GetOrderLines", {"id": gid, "after": lines["pageInfo"]["endCursor"]})["order"]["lineItems"]
        node["lineItems"]["nodes"] += lines["nodes"]
    data = OrderData.from_graphql(node)
    parcels = [*data.parcels, *([parcel] if parcel else [])]
    if scan:
        parcels = [
            each.model_copy(update={"scans": [*each.scans, scan]})
            if each.shopify_id == scan.parcel_shopify_id
            else each
            for each in parcels
        ]
    return save_order(shop=shop, data=data.model_copy(update={"parcels": parcels}), news=news)


def is_fully_refunded(order: Order) -> bool:
    return order.financial_status == "refunded" or (order.total > 0 and order.refunded >= order.total)


def _known(shop: Shop, shopify_id: int) -> bool:
    return Order.objects.filter(shop=shop, shopify_id=shopify_id).exists()


def _locked(shop: Shop, shopify_id: int) -> Order:
    order = Order.objects.select_for_update(no_key=True).get(shop=shop, shopify_id=shopify_id)
    order.shop = shop
    return order


def _facts(data: OrderData) -> dict[str, Any]:
    """What names nobody."""
    return {
        "name": data.name[:64],
        "number": data.number,
        "confirmation_number": data.confirmation_number[:64],
        "checkout_token_hash": hash_secret(data.checkout_token) if data.checkout_token else "",
        "language": data.language,
        "currency": data.currency,
        "subtotal": data.subtotal,
        "total": data.total,
        "shipping_country": data.country,
        "shipping_province": data.province,
        "timezone": zone_for(data.country, data.province),
        "financial_status": data.financial_status[:32],
        "fulfillment_status": data.fulfillment_status[:32],
        "source_name": data.source_name,
        "tags": data.tags,
        "test": data.test,
        "requires_shipping": data.requires_shipping,
        "placed_at": data.placed_at,
        "cancelled_at": data.cancelled_at,
        "cancel_reason": data.cancel_reason[:64],
        "shopify_updated_at": data.updated_at,
    }


def _personal(shop: Shop, data: OrderData) -> dict[str, Any]:
    return {
        "email": data.email if "@" in data.email and len(data.email) <= 254 else "",
        "phone": e164(data.phone, country=data.country or shop.country) if data.phone else "",
        "shipping_city": data.city,
        "shipping_zip": data.zip,
        "status_url": data.status_url,
    }


def _update(order: Order, data: OrderData) -> None:
    """Take over a newer payload. What it leaves out (by `include_fields`, or redacted) stays as it was."""
    fields = _facts(data)
    for name in ("checkout_token_hash", "confirmation_number", "language", "source_name", "timezone"):
        fields[name] = fields[name] or getattr(order, name)
    for name in ("shipping_country", "shipping_province"):
        fields[name] = fields[name] or getattr(order, name)
    fields["cancelled_at"] = fields["cancelled_at"] or order.cancelled_at
    if order.redacted_at:
        fields |= {"confirmation_number": "", "checkout_token_hash": ""}
    else:
        fields |= {name: value for name, value in _personal(order.shop, data).items() if value}
        contact = contact_for_order(order.shop, data)
        if order.contact is None:
            fields["contact"] = contact
    for name, value in fields.items():
        setattr(order, name, value)


def _save_lines(order: Order, data: OrderData) -> None:
    known = {line.shopify_id: line for line in order.lines.all()}
    for line in data.lines:
        fields = line.model_dump(exclude={"shopify_id"})
        row = known.pop(line.shopify_id, None)
        if row is None:
            OrderLine.objects.create(order=order, shopify_id=line.shopify_id, **fields)
            continue
        fields["image_url"] = fields["image_url"] or row.image_url  # webhooks carry no picture
        changed = [name for name, value in fields.items() if getattr(row, name) != value]
        for name in changed:
            setattr(row, name, fields[name])
        if changed:
            row.save(update_fields=changed)
    if data.lines and known:
        OrderLine.objects.filter(pk__in=[row.pk for row in known.values()]).update(current_quantity=0)


def _add_refunds(order: Order, refunds: list[RefundData]) -> list[RefundData]:
    new = [refund for refund in refunds if str(refund.shopify_id) not in order.refunds]
    for refund in refunds:
        before = Decimal(order.refunds.get(str(refund.shopify_id), "0"))
        order.refunds[str(refund.shopify_id)] = str(max(before, refund.amount))  # a pending payment settles later
    order.refunded = min(sum((Decimal(amount) for amount in order.refunds.values()), Decimal(0)), MAX_MONEY)
    return new


def _add_returns(order: Order, returns: list[ReturnData]) -> list[ReturnData]:
    """Take over what Shopify says now; those that we had not heard of come back."""
    new = [each for each in returns if str(each.shopify_id) not in order.returns]
    order.returns = order.returns | {str(each.shopify_id): each.state for each in returns}
    return new


def _tell_returns(order: Order, returns: list[ReturnData], *, news: bool) -> None:
    for each in returns:
        if each.state in ("requested", "open") and is_news(order, each.happened_at, news=news):
            _record(
                order,
                EventKind.RETURN_REQUESTED,
                suffix=f":{each.shopify_id}",
                data={"state": each.state},
                happened_at=each.happened_at,
            )


def _tell(order: Order, *, created: bool, news: bool, new_refunds: list[RefundData]) -> None:
    """Record what is true now and was not told. The keys make each fact heard once; old facts start nothing."""
    over = order.cancelled_at is not None or is_fully_refunded(order)
    if not over and is_news(order, order.placed_at, news=news):
        _record(order, EventKind.ORDER_PLACED, happened_at=order.placed_at)
    if not over and order.paid_at and is_news(order, order.paid_at, news=news):
        _record(order, EventKind.ORDER_PAID, happened_at=order.paid_at)
    if not news:
        return
    if order.cancelled_at and (not created or is_news(order, order.cancelled_at, news=news)):
        _record(order, EventKind.ORDER_CANCELLED, happened_at=order.cancelled_at)
    full = is_fully_refunded(order)
    for refund in new_refunds:
        if created and not is_news(order, refund.happened_at, news=news):
            continue
        _record(
            order,
            EventKind.ORDER_REFUNDED,
            suffix=f":{refund.shopify_id}",
            data={"full": full, "amount": str(refund.amount), "currency": order.currency},
            happened_at=refund.happened_at,
        )
    if full and not created and not new_refunds:
        _record(order, EventKind.ORDER_REFUNDED, suffix=":full", data={"full": True, "amount": str(order.refunded)})


def _record(
    order: Order, kind: EventKind, *, suffix: str = "", data: dict[str, Any] | None = None, **more: Any
) -> None:
    record_event(
        shop=order.shop,
        kind=kind,
        key=f"{kind}:{order.pk}{suffix}",
        order=order,
        contact=order.contact,
        data=data,
        **more,
    )
