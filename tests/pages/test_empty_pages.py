"""A shop in which nothing has happened yet."""

import pytest

from tests.pages import polaris_lint
from tests.pages.doors import PAGES


@pytest.mark.npm
@pytest.mark.parametrize("name", [name for name in PAGES if "{" not in PAGES[name]])
def test_the_empty_page_says_what_will_be_here(owner, name):
    response = owner.get(PAGES[name])
    assert response.status_code == 200
    assert polaris_lint.problems(response.content.decode()) == []
