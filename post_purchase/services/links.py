"""Links: the codes behind /c/<code>. A code is derived from a secret, stored hashed, and holds nothing personal.

First use binds a link of one order to the contact point that used it (messaging.md, section 1.2). A shop-wide link (the
card in every parcel) is printed again and again, never expires and is never used up.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from post_purchase.models import ContactPoint, Link, Order, ShopSettings, Touchpoint
from post_purchase.touchpoints.codes import EMAIL_CODE_LENGTH
from post_purchase.touchpoints.registry import kind_of
from post_purchase.touchpoints.routes import page_url
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import derived_code, hash_code, hash_secret, new_code
from shopapp.models import Shop

SLIPS_BACK_TO = timedelta(days=30)
MOST_SLIPS = 5000
REVIEW = "review"  # Link.intent
ONE_SITTING = timedelta(hours=24)
LIFETIME = timedelta(days=60)  # of a page's link (messaging.md 1.2)
LASTING = timedelta(days=730)  # of what the shopper keeps, on paper or as a mail: the EU's guarantee is two years
RENEWED_AFTER = timedelta(days=1)  # printing again does not write the row each time
KEPT_KINDS = (TouchpointKind.PACKAGE_INSERT, TouchpointKind.PACKING_SLIP, TouchpointKind.EMAIL_BUTTON)


@dataclass(frozen=True)
class Redeemed:
    """`order` is None where the link belongs to no order, or to one that has not come from Shopify yet.

    `first` says that this point is the one which the code is for: only then may it be bound to the order.
    """

    order: Order | None
    first: bool


def link_url(code: str) -> str:
    return f"{settings.APP_URL}/c/{code}"


def touchpoint_of(*, shop: Shop, kind: TouchpointKind) -> Touchpoint:
    """The shop's own touchpoint of this kind, made when it is not there."""
    found = Touchpoint.objects.filter(shop=shop, kind=kind, archived_at=None).order_by("pk").first()
    if found:
        return found
    touchpoint, _ = Touchpoint.objects.get_or_create(
        shop=shop, kind=kind, name=kind_of(kind).default_name, defaults={"archived_at": None}
    )
    return touchpoint


def link_for_order(*, touchpoint: Touchpoint, order: Order, channel_kind: str = "") -> tuple[Link, str]:
    """The link of this touchpoint for this order, and its code. Repeating the call gives the same."""
    if touchpoint.kind == TouchpointKind.EMAIL_BUTTON and not channel_kind:
        code = email_code(shop=touchpoint.shop, order_shopify_id=order.shopify_id)
    elif touchpoint.kind == TouchpointKind.PACKING_SLIP:
        code = slip_code(shop=touchpoint.shop, order_shopify_id=order.shopify_id)
    else:
        code = derived_code("order", str(touchpoint.pk), str(order.pk), channel_kind)
    link = _save_link(
        touchpoint=touchpoint,
        code=code,
        order=order,
        order_shopify_id=order.shopify_id,
        channel_kind=channel_kind,
        language=order.language,
        country=order.shipping_country,
        expires_at=clock.now() + lifetime_of(touchpoint.kind),
    )
    return link, code


def review_link(order: Order) -> tuple[Link, str]:
    """The order's link for who wants to give a review now."""
    code = derived_code("review", str(order.pk))
    link = _save_link(
        touchpoint=touchpoint_of(shop=order.shop, kind=TouchpointKind.ORDER_STATUS_PAGE),
        code=code,
        order=order,
        order_shopify_id=order.shopify_id,
        intent=REVIEW,
        language=order.language,
        country=order.shipping_country,
        expires_at=clock.now() + LIFETIME,
    )
    return link, code


def lifetime_of(kind: str) -> timedelta:
    return LASTING if kind in KEPT_KINDS else LIFETIME


def renew(link: Link) -> None:
    """It is printed (again) now: it lives as long as one that is new."""
    until = clock.now() + lifetime_of(link.touchpoint.kind)
    if link.expires_at is not None and link.expires_at < until - RENEWED_AFTER:
        Link.objects.filter(pk=link.pk).update(expires_at=until)
        link.expires_at = until


def link_for_checkout(
    *,
    shop: Shop,
    checkout_token: str,
    order_shopify_id: int | None,
    language: str = "",
    country: str = "",
    kind: TouchpointKind = TouchpointKind.THANK_YOU_PAGE,
) -> tuple[Link, str]:
    """The thank-you or order-status page's link. The order may come later: `join_order` finds it by the checkout token.

    `order_shopify_id` is what the page claims. Noted and never trusted: only the token, which nobody can guess, joins.
    """
    touchpoint = touchpoint_of(shop=shop, kind=kind)
    code = checkout_code(shop=shop, checkout_token=checkout_token, kind=kind)
    token_hash = hash_secret(checkout_token)
    order = Order.objects.filter(shop=shop, checkout_token_hash=token_hash).first()
    link = _save_link(
        touchpoint=touchpoint,
        code=code,
        order=order,
        order_shopify_id=order.shopify_id if order else order_shopify_id,
        checkout_token_hash=token_hash,
        language=language[:16],
        country=country[:2],
        expires_at=clock.now() + LIFETIME,
    )
    return link, code


def checkout_code(*, shop: Shop, checkout_token: str, kind: TouchpointKind) -> str:
    """One checkout has one code on each page, however often it asks."""
    place = "checkout" if kind == TouchpointKind.THANK_YOU_PAGE else str(kind)
    return derived_code(place, shop.domain, checkout_token)


def shop_link(*, touchpoint: Touchpoint) -> tuple[Link, str]:
    """The link that is the same for everybody. Its code can be shown again, also after SECRET_KEY has changed."""
    link = (
        Link.objects.filter(touchpoint=touchpoint, order=None, checkout_token_hash="", batch=None, continues=None)
        .exclude(code="")
        .order_by("pk")
    ).first()
    if link is None:
        code = derived_code("shop", touchpoint.shop.domain, str(touchpoint.pk))
        link = _save_link(touchpoint=touchpoint, code=code, shown_code=code)
    return link, link.code


def link_to_continue(*, touchpoint: Touchpoint, point: ContactPoint, order: Order | None) -> str:
    """The code of a new link that takes a talk along to another app. Good once, for a day, and never shown again."""
    code = new_code()
    _save_link(
        touchpoint=touchpoint,
        code=code,
        continues=point,
        order=order,
        order_shopify_id=order.shopify_id if order else None,
        language=point.contact.language,
        country=point.contact.country,
        expires_at=clock.now() + ONE_SITTING,
    )
    return code


def way_on(*, link_id: int) -> tuple[str, str]:
    """For who holds an expired link: the code that is the same for all at this touchpoint, and the shop's website.

    The chat behind that code asks for the order. Empty where there is none.
    """
    link = Link.objects.select_related("touchpoint__shop").get(pk=link_id)
    shop = link.touchpoint.shop
    website = page_url("/", primary_url=shop.primary_url, domain=shop.domain)
    everybody, code = shop_link(touchpoint=link.touchpoint)
    ended = everybody.expires_at is not None and everybody.expires_at <= clock.now()
    return "" if ended else code, website


def email_code(*, shop: Shop, order_shopify_id: int) -> str:
    """What the Liquid snippet computes: the first 20 hex digits of HMAC-SHA256(link key, order id), in capitals."""
    key = ShopSettings.objects.get_or_create(shop=shop)[0].link_key
    digest = hmac.new(key.encode(), str(order_shopify_id).encode(), hashlib.sha256).hexdigest()
    return digest[:EMAIL_CODE_LENGTH].upper()


def slip_code(*, shop: Shop, order_shopify_id: int) -> str:
    """As `email_code`, for the packing slip: another code, since who unpacks may not be who reads the e-mail."""
    key = ShopSettings.objects.get_or_create(shop=shop)[0].link_key
    return _slip_code(key, order_shopify_id)


@transaction.atomic
def add_packing_slip(*, shop: Shop) -> Touchpoint:
    """The slip's touchpoint, and a code for each order of late: it may still be packed. Later orders get theirs."""
    slip = touchpoint_of(shop=shop, kind=TouchpointKind.PACKING_SLIP)
    if slip.archived_at is not None:
        slip.archived_at = None
        slip.save(update_fields=["archived_at"])
    late = Order.objects.filter(shop=shop, redacted_at=None, placed_at__gt=clock.now() - SLIPS_BACK_TO)
    key = ShopSettings.objects.get_or_create(shop=shop)[0].link_key
    rows = [
        Link(
            shop=shop,
            touchpoint=slip,
            code_hash=hash_code(_slip_code(key, order.shopify_id)),
            order=order,
            order_shopify_id=order.shopify_id,
            language=order.language,
            country=order.shipping_country,
            expires_at=clock.now() + LASTING,
        )
        for order in late.order_by("-placed_at")[:MOST_SLIPS]
    ]
    Link.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return slip


def _slip_code(key: str, order_shopify_id: int) -> str:
    digest = hmac.new(key.encode(), f"slip{order_shopify_id}".encode(), hashlib.sha256).hexdigest()
    return digest[:EMAIL_CODE_LENGTH].upper()


@transaction.atomic
def join_order(*, order: Order) -> list[Link]:
    """Give an order its waiting thank-you links and its e-mail link. Returns those that a shopper has used already."""
    joined: list[Link] = []
    if order.checkout_token_hash:
        waiting = Link.objects.filter(
            shop_id=order.shop_id, checkout_token_hash=order.checkout_token_hash, order__isnull=True
        )
        joined = list(waiting.select_related("used_by"))
        waiting.update(order=order, order_shopify_id=order.shopify_id)
        for link in joined:
            link.order = order
    link_for_order(touchpoint=touchpoint_of(shop=order.shop, kind=TouchpointKind.EMAIL_BUTTON), order=order)
    slip = Touchpoint.objects.filter(shop=order.shop, kind=TouchpointKind.PACKING_SLIP, archived_at=None).first()
    if slip is not None:
        link_for_order(touchpoint=slip, order=order)
    return [link for link in joined if link.used_by_id]


def find_link(shop: Shop, code: str) -> Link | None:
    """The shop's link with this code, however it was typed, unless it has expired."""
    links = Link.objects.select_related("order", "touchpoint")
    alive = Q(expires_at=None) | Q(expires_at__gt=clock.now())
    link = links.filter(alive, shop=shop, code_hash=hash_code(code)).first()
    if link:
        _join_late(link)
    return link


def is_shop_wide(link: Link) -> bool:
    """The same for everybody. A card of a batch is not: it is one person's, also before it is bound to an order."""
    one_persons = link.checkout_token_hash or link.batch_id is not None or link.continues_id is not None
    return link.order_id is None and not one_persons


def redeem(*, link: Link, point: ContactPoint) -> Redeemed:
    """First use binds: the point that uses a link of one order first is the only one it is good for.

    A shop-wide link gives no order and is not used up. The same point may repeat the call and gets the same answer.
    """
    if is_shop_wide(link):
        return Redeemed(order=None, first=False)
    won = Link.objects.filter(pk=link.pk, used_by=None, used_at=None).update(used_by=point, used_at=clock.now())
    link.refresh_from_db(fields=["used_by", "used_at", "order"])
    _join_late(link)
    return Redeemed(order=link.order, first=bool(won) or link.used_by_id == point.pk)


def _join_late(link: Link) -> None:
    """The page's link and the order saved at the same moment may not see each other: the first look joins them."""
    if link.order_id is None and link.checkout_token_hash:
        order = Order.objects.filter(shop_id=link.shop_id, checkout_token_hash=link.checkout_token_hash).first()
        if order:
            Link.objects.filter(pk=link.pk, order=None).update(order=order, order_shopify_id=order.shopify_id)
            link.order, link.order_shopify_id = order, order.shopify_id


def _save_link(*, touchpoint: Touchpoint, code: str, shown_code: str = "", **fields: object) -> Link:
    """Insert unless the code is there already: two callers at once get one row."""
    code_hash = hash_code(code)
    found = Link.objects.filter(code_hash=code_hash).first()
    if found:
        return found
    try:
        with transaction.atomic():
            return Link.objects.create(
                shop_id=touchpoint.shop_id, touchpoint=touchpoint, code_hash=code_hash, code=shown_code, **fields
            )
    except IntegrityError:
        return Link.objects.get(code_hash=code_hash)
