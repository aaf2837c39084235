"""A condition that can never hold is told while it is written; what the ready flows ask can all hold."""

from typing import Any

import pytest

from post_purchase.flows import shelf
from post_purchase.flows.describing import FACTS
from post_purchase.flows.possible import COUNTRIES, NUMBERS, TIMES, YES_NO, impossible, impossible_parts


@pytest.mark.parametrize(
    ("path", "comparison", "value", "says"),
    [
        ("order.cancelled", "equals", "ja", "yes or no"),
        ("order.gift", "at_least", 1, "yes or no"),
        ("parcel.state", "equals", "deliverd", "Do you mean delivered?"),
        ("parcel.state", "one_of", ["delivered", "foo"], "There are: label"),
        ("order.total", "at_least", "fifty", "a number"),
        ("order.country", "one_of", ["DE", "France"], "not France"),
        ("order.country", "equals", "de", "two letters"),
        ("order.delivered_at", "at_least", 3, "is known"),
        ("guide.text", "equals", True, "is known"),
        ("seen.ask", "at_least", "often", "a number"),
    ],
)
def test_what_never_holds_says_what_to_write(path, comparison, value, says):
    assert says in impossible(path, comparison, value)


@pytest.mark.parametrize(
    ("path", "comparison", "value"),
    [
        ("order.cancelled", "equals", False),
        ("parcel.state", "one_of", ["delivered", "in_transit"]),
        ("order.total", "at_least", 49.5),
        ("order.country", "one_of", ["DE", "AT"]),
        ("order.delivered_at", "exists", True),
        ("order.tags", "contains", ["gift wrap"]),
        ("answers.size", "equals", "M"),
        ("answers.check_in", "equals", "good"),
    ],
)
def test_what_can_hold_is_left_alone(path, comparison, value):
    assert impossible(path, comparison, value) == ""


def conditions_in(part: Any) -> list[Any]:
    if isinstance(part, dict):
        own = [part[name] for name in ("if", "until") if isinstance(part.get(name), dict)]
        return own + [found for value in part.values() for found in conditions_in(value)]
    return [found for value in part for found in conditions_in(value)] if isinstance(part, list) else []


@pytest.mark.parametrize("key", list(shelf.library()))
def test_every_condition_of_the_ready_flows_can_hold(key):
    found = conditions_in({name: part for name, part in shelf.library()[key].items() if name != "texts"})
    assert [why for each in found for why in impossible_parts(each)] == []


def test_the_lists_name_facts_that_there_are():
    assert (YES_NO | NUMBERS | TIMES | COUNTRIES) - {"answers.rating"} <= set(FACTS)
