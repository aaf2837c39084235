"""The fact that a message tells: what makes two flows' messages one."""

import pytest

from post_purchase.flows import shelf
from post_purchase.flows.definition import MessageSpec
from post_purchase.flows.effects import Say
from post_purchase.flows.wording import fact_of
from post_purchase.words import Purpose

ONE = {"order": {"id": 5}, "parcels": {"7": {}}}
TWO = {"order": {"id": 5}, "parcels": {"7": {}, "8": {}}}
SHIPPED = MessageSpec(purpose=Purpose.UTILITY, tells="shipped")


def say(**more) -> Say:
    return Say(key="a:1:1", step="a", message="m", **more)


@pytest.mark.parametrize(
    ("spec", "effect", "facts", "expected"),
    [
        (SHIPPED, say(parcel=7), TWO, "shipped:parcel:7"),
        (SHIPPED, say(), ONE, "shipped:parcel:7"),  # of the order's only parcel
        (SHIPPED, say(), TWO, "shipped:order:5"),
        (SHIPPED, say(parcel=8, parcels=(8, 7)), TWO, "shipped:parcel:7,8"),
        (SHIPPED, say(), {"order": None, "parcels": {}}, ""),
        (MessageSpec(purpose=Purpose.UTILITY), say(parcel=7), ONE, ""),
        (MessageSpec(purpose=Purpose.MARKETING, tells="shipped"), say(parcel=7), ONE, ""),
    ],
)
def test_a_fact_is_named_by_what_is_told_and_of_what(spec, effect, facts, expected):
    assert fact_of(spec, effect, facts) == expected


def test_the_ready_flows_name_each_fact_in_one_message_only():
    told = [spec.tells for key in shelf.library() for spec in shelf.ready_made(key).messages.values() if spec.tells]
    assert len(told) == len(set(told))
    assert {"shipped", "delivered", "out_for_delivery", "delayed", "receipt"} <= set(told)
