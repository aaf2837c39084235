"""A card that is packed belongs to its order, and a stranger who finds one learns nothing."""

import pytest

from post_purchase.flows.editing import install_library, switch_on
from post_purchase.jobs.flows import handle_events
from post_purchase.jobs.printing import make_prints
from post_purchase.models import (
    FlowEvent,
    FlowRun,
    Link,
    OrderBinding,
)
from post_purchase.services import bindings, packing, print_batches
from post_purchase.services.links import link_for_order, link_url, shop_link
from tests import factories
from tests.touchpoints.prints.runs import ordered

pytestmark = pytest.mark.django_db


def test_the_packer_binds_a_card_to_an_order_once(shop, card):
    batch = ordered(card)
    make_prints()
    order, other = factories.make_order(shop), factories.make_order(shop)
    scanned = link_url(print_batches.code_of(batch, 1)).upper()
    for _ in range(2):
        link = packing.bind_card(shop=shop, scanned=scanned, order=order)
    assert (link.order, link.language) == (order, "en")
    with pytest.raises(packing.CannotBind, match="tied to order"):
        packing.bind_card(shop=shop, scanned=scanned, order=other)
    with pytest.raises(packing.CannotBind, match="not one of your cards"):
        packing.bind_card(shop=shop, scanned="https://app.example.test/c/0000000000000000", order=other)
    _, everybody = shop_link(touchpoint=card)
    with pytest.raises(packing.CannotBind, match="same for everybody"):
        packing.bind_card(shop=shop, scanned=everybody, order=other)


def test_a_card_of_another_shop_cannot_be_bound(shop, card):
    batch = ordered(card)
    make_prints()
    rival = factories.make_shop("rival-goods.myshopify.com")
    with pytest.raises(packing.CannotBind, match="not one of your cards"):
        packing.bind_card(shop=rival, scanned=print_batches.code_of(batch, 1), order=factories.make_order(rival))


@pytest.mark.parametrize("text", ["#1001", "1001", " #1001 "])
def test_orders_are_found_as_they_stand_on_the_slip(shop, text):
    order = factories.make_order(shop, name="#1001", number=1001)
    factories.make_order(factories.make_shop("rival-goods.myshopify.com"), name="#1001", number=1001)
    assert packing.find_order(shop, text) == order
    assert packing.find_order(shop, "#9") is None


def test_the_first_who_uses_a_bound_card_hears_of_the_order_and_the_second_learns_nothing(shop, card):
    batch = ordered(card)
    make_prints()
    order = factories.make_order(shop)
    code = print_batches.code_of(batch, 1)
    packing.bind_card(shop=shop, scanned=code, order=order)
    first = factories.make_point(factories.make_contact(shop))
    second = factories.make_point(factories.make_contact(shop), address="DE.2")
    assert bindings.bind_by_code(point=first, code=code).order == order
    found = bindings.bind_by_code(point=second, code=code)
    assert (found.outcome, found.order) == ("second", None)
    assert not bindings.bound_orders(second).exists()


def test_an_unbound_card_asks_for_the_order_and_then_belongs_to_its_finder(shop, card):
    batch = ordered(card)
    make_prints()
    order = factories.make_order(shop, number=1001, shipping_zip="10115")
    code = print_batches.code_of(batch, 1)
    point = factories.make_point(factories.make_contact(shop))
    conversation = factories.make_conversation(point.contact)
    assert bindings.bind_by_code(point=point, code=code).outcome == "shop_wide"
    other = factories.make_point(factories.make_contact(shop), address="DE.2")
    assert bindings.bind_by_code(point=other, code=code).outcome == "second"
    message = factories.make_message(conversation, "1001 10115", direction="in", point=point)
    assert bindings.prove(point=point, text="1001 10115", message=message).order == order
    assert Link.objects.get(batch=batch, number=1).order == order
    assert not OrderBinding.objects.filter(point=other).exists()


def test_who_used_a_card_before_it_was_packed_never_gets_the_later_buyers_order(shop, card):
    batch = ordered(card)
    make_prints()
    code = print_batches.code_of(batch, 2)
    point = factories.make_point(factories.make_contact(shop))
    assert bindings.bind_by_code(point=point, code=code).outcome == "shop_wide"  # a plain chat
    order = factories.make_order(shop)
    with pytest.raises(packing.CannotBind, match=r"used before it was packed\. Throw it away and take a new one"):
        packing.bind_card(shop=shop, scanned=code, order=order)
    assert not bindings.bound_orders(point).exists()
    assert Link.objects.get(batch=batch, number=2).order is None
    assert bindings.bind_by_code(point=point, code=code).outcome == "shop_wide"
    packing.bind_card(shop=shop, scanned=print_batches.code_of(batch, 3), order=order)  # the new one


def test_a_card_used_by_somebody_whose_data_is_gone_is_refused_too(shop, card):
    batch = ordered(card)
    make_prints()
    code = print_batches.code_of(batch, 2)
    point = factories.make_point(factories.make_contact(shop))
    bindings.bind_by_code(point=point, code=code)
    point.delete()
    with pytest.raises(packing.CannotBind, match="used before it was packed"):
        packing.bind_card(shop=shop, scanned=code, order=factories.make_order(shop))


def test_a_card_whose_finder_has_proved_this_very_order_may_be_packed(shop, card):
    batch = ordered(card)
    make_prints()
    code, order = print_batches.code_of(batch, 2), factories.make_order(shop)
    point = factories.make_point(factories.make_contact(shop))
    bindings.bind_by_code(point=point, code=code)
    factories.bind(point, order, "proof")
    assert packing.bind_card(shop=shop, scanned=code, order=order).order == order


def test_one_person_cannot_use_up_a_stack_of_cards(shop, card, at):
    batch = ordered(card, 6)
    make_prints()
    point = factories.make_point(factories.make_contact(shop))
    codes = [print_batches.code_of(batch, number) for number in range(1, 7)]
    outcomes = [bindings.bind_by_code(point=point, code=code).outcome for code in codes[:5]]
    assert outcomes == ["shop_wide"] * 3 + ["too_many"] * 2
    assert bindings.bind_by_code(point=point, code=codes[0]).outcome == "shop_wide"  # their own goes on
    order = factories.make_order(shop)
    packing.bind_card(shop=shop, scanned=codes[4], order=order)  # what was refused is still good for a parcel
    other = factories.make_point(factories.make_contact(shop), address="DE.2")
    assert bindings.bind_by_code(point=other, code=codes[4]).order == order
    at.move(days=1, minutes=1)
    assert bindings.bind_by_code(point=point, code=codes[5]).outcome == "shop_wide"


def test_a_wrong_scan_is_taken_back_and_the_card_goes_with_another_order(shop, card):
    batch = ordered(card)
    make_prints()
    wrong, right = factories.make_order(shop), factories.make_order(shop, language="de")
    code = print_batches.code_of(batch, 1)
    link = packing.bind_card(shop=shop, scanned=code, order=wrong)
    for _ in range(2):
        packing.unbind_card(link=link)
    link.refresh_from_db()
    assert (link.order, link.order_shopify_id, link.language, link.packed_at) == (None, None, "", None)
    packing.bind_card(shop=shop, scanned=code, order=right)
    point = factories.make_point(factories.make_contact(shop))
    assert bindings.bind_by_code(point=point, code=code).order == right


def test_a_card_that_was_used_cannot_be_untied_and_it_says_who_must_be_told(shop, card):
    batch = ordered(card)
    make_prints()
    order = factories.make_order(shop, name="#1001")
    code = print_batches.code_of(batch, 1)
    link = packing.bind_card(shop=shop, scanned=code, order=order)
    point = factories.make_point(factories.make_contact(shop, first_name="Jo", last_name="Fox"))
    bindings.bind_by_code(point=point, code=code)
    with pytest.raises(
        packing.CannotBind, match=r"Jo Fox has used it and can see order #1001.*tell the buyer of #1001"
    ):
        packing.unbind_card(link=link)
    link.refresh_from_db()
    assert link.order == order


def test_the_flow_of_a_card_starts_once_for_an_order(shop, card):
    flow = next(one for one in install_library(shop) if one.key == "photo_review")
    switch_on(flow, "42")
    card.options = {"flow": "photo_review"}
    card.save()
    order = factories.make_order(shop)
    _, code = link_for_order(touchpoint=card, order=order)
    point = factories.make_point(factories.make_contact(shop))
    for _ in range(2):
        bindings.bind_by_code(point=point, code=code)
    _, everybody = shop_link(touchpoint=card)
    bindings.bind_by_code(point=point, code=everybody)
    started = FlowEvent.objects.filter(kind="started_by_hand")
    assert [event.data for event in started] == [{"flow": "photo_review", "touchpoint": card.pk}]
    handle_events()
    assert [(run.flow, run.order) for run in FlowRun.objects.filter(flow=flow)] == [(flow, order)]
