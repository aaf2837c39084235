"""Whatever is sent to a page or a form of the admin, the answer is one: never a fault of ours."""

import importlib
import pkgutil

import pytest
from django import forms
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from post_purchase.web import forms as folder
from tests.pages.doors import PAGES, WRITES, WRITES_OF_A_ROW, address
from tests.pages.seed import Seed
from tests.pages.visitor import Visitor
from tests.shopapp.pretend import SHOP


def field_names() -> list[str]:
    found = {"step", "language", "view", "page", "days", "before", "place", "mark", "do", "order", "content", "id"}
    for module in pkgutil.iter_modules(folder.__path__):
        loaded = importlib.import_module(f"{folder.__name__}.{module.name}")
        for value in vars(loaded).values():
            if isinstance(value, type) and issubclass(value, forms.BaseForm):
                found |= set(value.base_fields)
    return sorted(found)


NUMBERS = ["", "0", "-1", "1e999", "9" * 40, "١٢", "2026-13-45"]
SIGNS = ["\0", "a\0b", "<b>", "{{ x", "{% if", "[]", '{"a":', "\ud83d", "de", "on"]
ODD = st.sampled_from(NUMBERS + SIGNS)
FIELDS = st.dictionaries(st.sampled_from(field_names()), ODD | st.text(max_size=12), max_size=8)
whatever = effort(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def rows(kept_rows: Seed, db: None, at: object) -> Seed:
    return kept_rows


@pytest.fixture
def owner(rows: Seed) -> Visitor:
    visitor = Visitor(SHOP)
    visitor.client.raise_request_exception = False
    return visitor


def storable(fields: dict[str, str]) -> dict[str, str]:
    """Half of a surrogate pair cannot be sent at all."""
    return {name: value.encode("utf-8", "replace").decode() for name, value in fields.items()}


@pytest.mark.parametrize("name", [*WRITES, *WRITES_OF_A_ROW])
@given(fields=FIELDS)
@whatever
def test_no_form_can_break_a_write(owner: Visitor, rows: Seed, name: str, fields: dict[str, str]) -> None:
    path = (WRITES | WRITES_OF_A_ROW)[name]
    assert owner.post(address(path, rows), storable(fields)).status_code < 500, fields


@pytest.mark.parametrize("name", PAGES)
@given(fields=FIELDS)
@whatever
def test_no_question_can_break_a_page(owner: Visitor, rows: Seed, name: str, fields: dict[str, str]) -> None:
    path = address(PAGES[name].partition("?")[0], rows)
    response = owner.client.get(path, storable(fields) | {"shop": SHOP}, **owner._token())
    assert response.status_code < 500, fields
