"""Each page and each write, tried by the owner, a rival, with a bad id, a wrong method, and without a token."""

import copy
import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from post_purchase.models import Review, Touchpoint
from shopapp.lib import clock
from tests import factories
from tests.pages import polaris_lint
from tests.pages.doors import INBOX, INBOX_PAGES, MOST_QUERIES, PAGES, READS_OF_A_ROW, WRITES, WRITES_OF_A_ROW, address
from tests.pages.seed import NASTY, Seed
from tests.pages.visitor import RIVAL, Visitor
from tests.shopapp.pretend import SHOP


@pytest.fixture
def rows(kept_rows, db, at) -> Seed:
    return kept_rows


@pytest.fixture
def owner(rows) -> Visitor:
    return Visitor(SHOP)


@pytest.fixture
def rival(rows) -> Visitor:
    return Visitor(RIVAL)


@pytest.fixture(scope="module")
def read_before() -> dict[str, str]:
    return {}


@pytest.fixture
def html_of(owner, rows, read_before) -> Callable[[str], str]:
    """The page as its owner sees it, asked for once."""

    def html(name: str) -> str:
        if name not in read_before:
            read_before[name] = owner.get(address(PAGES[name], rows)).content.decode()
        return read_before[name]

    return html


@pytest.mark.parametrize("name", PAGES)
def test_the_owner_sees_the_page_within_its_queries(owner, rows, read_before, name):
    with CaptureQueriesContext(connection) as queries:
        response = owner.get(address(PAGES[name], rows))
    assert response.status_code == 200, name
    assert len(queries) <= MOST_QUERIES.get(name, 13), [query["sql"][:120] for query in queries]
    html = read_before[name] = response.content.decode()
    assert f"frame-ancestors https://{SHOP} https://admin.shopify.com" in response["Content-Security-Policy"]
    assert html.index("app-bridge.js") < html.index("polaris-1.js")
    assert NASTY not in html
    assert "<img src=x" not in html


@pytest.mark.parametrize("name", ["home", "conversations", "thread", "flows", "touchpoints", "reviews", "privacy"])
def test_more_rows_cost_no_more_queries(owner, rows, name):
    rows = copy.deepcopy(rows)  # what is changed below is changed for this test alone
    for number in range(30):
        contact = factories.make_contact(rows.shop, first_name=f"No {number}")
        order = factories.make_order(rows.shop, contact, lines=2)
        talk = factories.make_conversation(
            contact, order=order, last_message_at=clock.now(), answer_promised_at=clock.now()
        )
        factories.make_message(talk, "Hello", direction="in")
        factories.make_message(rows.conversation, f"Line {number}", direction="in", channel=rows.channel)
        Review.objects.create(
            shop=rows.shop,
            contact=contact,
            order=order,
            rating=4,
            dedupe_key=f"review{number}",
            submitted_at=clock.now(),
        )
        touchpoint = Touchpoint.objects.create(shop=rows.shop, kind="package_insert", name=f"Card {number}")
        assert touchpoint.pk
    with CaptureQueriesContext(connection) as queries:
        assert owner.get(address(PAGES[name], rows)).status_code == 200
    assert len(queries) <= MOST_QUERIES.get(name, 13), [query["sql"][:120] for query in queries]


@pytest.mark.parametrize("name", PAGES)
def test_a_first_page_is_light(html_of, name):
    """HTML, our style and our script, uncompressed; what Shopify serves itself is not counted."""
    more = INBOX if name in INBOX_PAGES else ()
    files = [finders.find(file) for file in ("app.css", "app.js", "flow.css", "flow.js", *more)]
    size = sum(Path(str(file)).stat().st_size for file in files) + len(html_of(name).encode())
    assert size <= 120_000


@pytest.mark.npm
@pytest.mark.parametrize("name", PAGES)
def test_the_page_uses_only_components_that_shopify_has(html_of, name):
    assert polaris_lint.problems(html_of(name)) == []


@pytest.mark.parametrize("name", PAGES)
def test_internal_links_keep_shopifys_parameters(html_of, name):
    links = re.findall(r'href="(/app[^"]*)"', html_of(name))
    assert links
    assert all(f"shop={SHOP}" in link for link in links), links


@pytest.mark.parametrize("name", READS_OF_A_ROW)
def test_a_rival_finds_nothing_to_read(rival, rows, name):
    assert rival.get(address(READS_OF_A_ROW[name], rows)).status_code == 404


@pytest.mark.parametrize("name", WRITES_OF_A_ROW)
def test_a_rival_finds_nothing_to_change(rival, rows, name):
    assert rival.post(address(WRITES_OF_A_ROW[name], rows)).status_code == 404


@pytest.mark.parametrize("path", [*READS_OF_A_ROW.values()])
def test_a_bad_id_is_not_found(owner, rows, path):
    assert owner.get(re.sub(r"\{\w+\}", "999999999", path)).status_code == 404
    assert owner.get(re.sub(r"\{\w+\}", "abc", path)).status_code == 404


@pytest.mark.parametrize("path", [*WRITES_OF_A_ROW.values()])
def test_a_write_of_a_bad_id_is_not_found(owner, rows, path):
    assert owner.post(re.sub(r"\{\w+\}", "999999999", path)).status_code == 404


@pytest.mark.parametrize("path", [*WRITES_OF_A_ROW.values(), *WRITES.values()])
def test_a_write_by_get_is_refused(owner, rows, path):
    if path in ("/app/flows/{flow}/texts", "/app/flows/{flow}/publishing"):
        pytest.skip("this address shows the page")
    assert owner.get(address(path, rows)).status_code == 405


@pytest.mark.parametrize("path", sorted({*PAGES.values()} - {"/app/flows/{flow}"}))
def test_a_page_by_post_is_refused(owner, rows, path):
    assert owner.post(address(path.split("?")[0], rows)).status_code in (405,) or "flows" in path


@pytest.mark.parametrize("path", [*WRITES_OF_A_ROW.values(), *WRITES.values()])
def test_a_write_without_a_token_changes_nothing_and_asks_for_one(rows, path):
    response = Client().post(address(path, rows) + f"?shop={SHOP}")
    assert response.status_code == 401
    assert response["X-Shopify-Retry-Invalid-Session-Request"] == "1"
    assert "Set-Cookie" not in response


@pytest.mark.parametrize("path", [*PAGES.values()])
def test_a_page_without_a_token_is_bounced(rows, path):
    where = address(path, rows)
    response = Client().get(f"{where}{'&' if '?' in where else '?'}shop={SHOP}")
    assert response.status_code == 302
    assert response["Location"].startswith("/app/patch-id-token?")
    assert "Set-Cookie" not in response


def test_every_block_for_the_store_can_be_placed_from_home(owner):
    page = html.unescape(owner.get("/app").content.decode())
    key = settings.SHOPIFY_API_KEY
    editor = f"https://{SHOP}/admin/themes/current/editor?"
    links = {
        "chat-bubble": f"{editor}context=apps&template=index&activateAppId={key}/chat-bubble",
        "reviews": f"{editor}template=product&addAppBlockId={key}/reviews&target=newAppsSection",
    }
    folder = Path(__file__).parents[2] / "extensions" / "theme" / "blocks"
    assert {file.stem for file in folder.glob("*.liquid")} == set(links)
    for name, link in links.items():
        row = page.split(f'data-block="theme:{name}"')[1].split("</s-grid>")[0]
        assert f'href="{link}"' in row
