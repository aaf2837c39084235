"""Every ready-made flow as it is before anybody has published it: each of its pages opens."""

from typing import Any

import pytest

from post_purchase.flows import editing, shelf
from post_purchase.models import Flow
from shopapp.lib import clock
from tests.factories import make_shop
from tests.pages.conftest import NOW
from tests.pages.visitor import Visitor

pytestmark = pytest.mark.django_db
PAGES = ["?step=@start", "/publishing", "/versions", "/rehearsal", "/texts", "/file"]


@pytest.fixture(scope="module")
def flows(writing_once: Any) -> dict[str, Flow]:
    with writing_once(), clock.frozen(NOW):
        return {flow.key: flow for flow in editing.install_library(make_shop())}


@pytest.mark.parametrize("key", shelf.library())
def test_every_page_of_a_flow_that_was_never_published_opens(flows, key, at):
    flow = flows[key]
    assert not flow.versions.exists()
    owner = Visitor(flow.shop.domain)
    opened = {page: owner.get(f"/app/flows/{flow.pk}{page}").status_code for page in PAGES}
    assert opened == dict.fromkeys(PAGES, 200)
