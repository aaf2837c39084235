"""A shop in which nothing has happened yet."""

import pytest

from post_purchase.flows.editing import install_library
from tests.pages import polaris_lint
from tests.pages.doors import PAGES
from tests.pages.seed import seed


@pytest.mark.npm
@pytest.mark.parametrize("name", [name for name in PAGES if "{" not in PAGES[name]])
def test_the_empty_page_says_what_will_be_here(owner, name):
    response = owner.get(PAGES[name])
    assert response.status_code == 200
    assert polaris_lint.problems(response.content.decode()) == []


def test_the_checklist_ticks_only_what_really_works(owner, shop):
    html = owner.get("/app").content.decode()
    assert "Set up: 0 of 4 done" in html
    install_library(shop)
    assert "Set up: 0 of 4 done" in owner.get("/app").content.decode()  # a draft that is off is not a flow that is on
    seed(shop)
    assert "You are live" in owner.get("/app").content.decode()
    assert owner.post("/app/set-up/dismiss").status_code == 200
    assert "You are live" not in owner.get("/app").content.decode()
