"""The pretend Admin API can answer whatever the app asks."""

from pathlib import Path

import pytest
from graphql import parse, validate

from demo.shopify.graphql import SCHEMA

OPERATIONS = sorted(
    (Path(__file__).resolve().parent.parent.parent / "shopapp" / "shopify" / "operations").glob("*.graphql")
)


@pytest.mark.parametrize("file", OPERATIONS, ids=lambda file: file.stem)
def test_the_operation_is_known_to_the_stand_in(file: Path) -> None:
    assert [problem.message for problem in validate(SCHEMA, parse(file.read_text("utf-8")))] == []


def test_there_are_operations() -> None:
    assert OPERATIONS
