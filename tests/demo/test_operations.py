"""The pretend Admin API can answer whatever the app asks."""

import pytest
from graphql import parse, validate

from demo.shopify.graphql import SCHEMA
from shopapp.shopify import operations

OPERATIONS = operations.names()


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_operation_is_known_to_the_stand_in(name: str) -> None:
    assert [problem.message for problem in validate(SCHEMA, parse(operations.load(name)))] == []


def test_there_are_operations() -> None:
    assert OPERATIONS
