"""Whose number the network hides is asked for it; a number that they share by the button proves their orders."""

from datetime import timedelta

import pytest

from post_purchase.models import Message, OrderBinding
from post_purchase.services.phrases import load
from post_purchase.words import Direction
from shopapp.lib import clock
from tests.talk.test_receiving import MARIA, NOON, OTTO, Door

pytestmark = pytest.mark.django_db


@pytest.fixture
def door():
    with clock.frozen(NOON):
        yield Door()


def test_who_has_no_number_here_is_asked_for_it_and_their_own_number_proves_their_orders(door: Door):
    type(door.order).objects.filter(pk=door.order.pk).update(phone="+4917012345678")
    door.hear("Hello there, I have a question")
    [asked] = Message.objects.filter(point__address=MARIA, direction=Direction.OUT)
    assert asked.content["asks_phone"] is True
    assert asked.text.endswith("\n\nOr tap the button to share your phone number, and we look for your order with it.")
    door.hear("[Contact] Maria", phone="+4917012345678", aliases=("4917012345678",), shares_phone=True)
    [binding] = OrderBinding.objects.filter(point=door.point())
    assert (binding.order, binding.method) == (door.order, "order_phone")
    assert door.point().contact == door.contact
    assert list(door.point().aliases.values_list("address", flat=True)) == ["4917012345678"]


def test_a_number_without_an_order_and_a_number_that_was_only_typed_prove_nothing(door: Door):
    type(door.order).objects.filter(pk=door.order.pk).update(phone="+4917012345678")
    door.hear("[Contact] Otto", OTTO, phone="+4915100000000", shares_phone=True)
    door.hear("My number is +4917012345678", OTTO)
    door.hear("Hello", "4917012345678", phone="+4917012345678")  # nobody asked for it
    assert not OrderBinding.objects.exists()
    assert door.answers(OTTO)[0] == load("phrases")["not_proved"]["de"]
    asked = Message.objects.filter(direction=Direction.OUT).values_list("content__asks_phone", flat=True)
    assert list(asked) == [False] * len(asked)  # both numbers are known


def test_an_order_of_long_ago_is_not_found_by_its_number(door: Door):
    old = clock.now() - timedelta(days=61)
    type(door.order).objects.filter(pk=door.order.pk).update(phone="+4917012345678", placed_at=old)
    door.hear("[Contact] Maria", phone="+4917012345678", shares_phone=True)
    assert not OrderBinding.objects.exists()
