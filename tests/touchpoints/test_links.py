"""Codes: made, joined to an order, found however they are typed, good for one person."""

from datetime import timedelta

import pytest
from django.utils import timezone

from post_purchase.models import Link, Touchpoint
from post_purchase.services import links
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import hash_secret
from tests.factories import make_contact, make_order, make_point, make_shop

pytestmark = pytest.mark.django_db
TOKEN = "3f2c1a9be7d84d2f9d3f8b7a6c5e4d3c"


def thank_you(shop, **extra):
    return links.link_for_checkout(shop=shop, checkout_token=TOKEN, order_shopify_id=77, **extra)


def test_the_code_is_not_in_the_database_and_the_same_call_gives_the_same_link():
    link, code = thank_you(make_shop())
    again, same_code = thank_you(link.shop)
    assert (again.pk, same_code) == (link.pk, code)
    assert len(code) == 16
    stored = Link.objects.values().get(pk=link.pk)
    assert code not in str(stored)
    assert TOKEN not in str(stored)


def test_a_page_that_comes_before_its_order_is_joined_by_the_checkout_token():
    shop = make_shop()
    link, _ = thank_you(shop)
    order = make_order(shop, checkout_token_hash=hash_secret(TOKEN))
    assert links.join_order(order=order) == []
    link.refresh_from_db()
    assert (link.order, link.order_shopify_id) == (order, order.shopify_id)


def test_a_claimed_order_id_alone_joins_nothing():
    shop = make_shop()
    other = make_order(shop, shopify_id=77, checkout_token_hash=hash_secret("another-checkout-token"))
    link, _ = thank_you(shop)
    links.join_order(order=other)
    link.refresh_from_db()
    assert link.order is None


def test_the_same_checkout_token_in_another_shop_joins_nothing():
    link, code = thank_you(make_shop())
    rival = make_shop("rival.myshopify.com")
    links.join_order(order=make_order(rival, checkout_token_hash=hash_secret(TOKEN)))
    link.refresh_from_db()
    assert link.order is None
    assert links.find_link(rival, code) is None


def test_joining_tells_of_links_that_a_shopper_has_used_already():
    shop = make_shop()
    point = make_point(make_contact(shop))
    link, _ = thank_you(shop)
    assert links.redeem(link=link, point=point) == links.Redeemed(order=None, first=True)
    used = links.join_order(order=make_order(shop, checkout_token_hash=hash_secret(TOKEN)))
    assert [(found.pk, found.used_by) for found in used] == [(link.pk, point)]


def test_a_link_and_an_order_that_did_not_see_each_other_are_joined_at_the_first_look():
    shop = make_shop()
    _, code = thank_you(shop)
    order = make_order(shop, checkout_token_hash=hash_secret(TOKEN))
    assert links.find_link(shop, code).order == order


def test_the_first_point_is_the_only_one_that_a_code_is_good_for():
    shop = make_shop()
    order = make_order(shop)
    touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE)
    link, _ = links.link_for_order(touchpoint=touchpoint, order=order)
    first, second = make_point(make_contact(shop)), make_point(make_contact(shop), address="DE.999")
    assert links.redeem(link=link, point=first) == links.Redeemed(order=order, first=True)
    assert links.redeem(link=link, point=first) == links.Redeemed(order=order, first=True)
    assert links.redeem(link=link, point=second) == links.Redeemed(order=order, first=False)
    link.refresh_from_db()
    assert link.used_by == first


def test_a_shop_wide_link_is_never_used_up_and_gives_no_order():
    shop = make_shop()
    touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)
    link, code = links.shop_link(touchpoint=touchpoint)
    assert links.shop_link(touchpoint=touchpoint) == (link, code)
    for address in ("DE.1", "DE.2"):
        point = make_point(make_contact(shop), address=address)
        assert links.redeem(link=link, point=point) == links.Redeemed(order=None, first=False)
    link.refresh_from_db()
    assert (link.used_by, link.expires_at, link.code) == (None, None, code)


def test_a_printed_code_stays_the_same_when_the_secret_key_changes(settings):
    shop = make_shop()
    touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)
    _, code = links.shop_link(touchpoint=touchpoint)
    settings.SECRET_KEY = "another-secret-key-0123456789abcdefghijklmnopqrstuv"
    assert links.shop_link(touchpoint=touchpoint)[1] == code
    assert Link.objects.filter(touchpoint=touchpoint).count() == 1


@pytest.mark.parametrize(
    "typed", [str.lower, str.upper, lambda code: " ".join(code), lambda code: code.replace("0", "O")]
)
def test_a_code_is_found_however_it_is_typed(typed):
    shop = make_shop()
    link, code = thank_you(shop)
    assert links.find_link(shop, typed(code)) == link


def test_a_link_ends_after_sixty_days():
    now = timezone.now()
    with clock.frozen(now) as at:
        shop = make_shop()
        link, code = thank_you(shop)
        assert link.expires_at == now + timedelta(days=60)
        at.move(days=59, hours=23)
        assert links.find_link(shop, code) == link
        at.move(hours=1)
        assert links.find_link(shop, code) is None


def test_a_new_order_has_its_email_link_and_two_joins_make_one():
    shop = make_shop()
    order = make_order(shop)
    links.join_order(order=order)
    links.join_order(order=order)
    link = Link.objects.get(order=order)
    assert link.touchpoint.kind == TouchpointKind.EMAIL_BUTTON
    assert links.find_link(shop, links.email_code(shop=shop, order_shopify_id=order.shopify_id)) == link


def test_a_touchpoint_is_made_once():
    shop = make_shop()
    kind = TouchpointKind.EMAIL_BUTTON
    assert links.touchpoint_of(shop=shop, kind=kind) == links.touchpoint_of(shop=shop, kind=kind)
    assert Touchpoint.objects.filter(shop=shop, kind=kind).count() == 1
