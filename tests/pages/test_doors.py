"""Each page and each write, tried by the owner, a rival, with a bad id, a wrong method, and without a token."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from post_purchase.models import Review, Touchpoint
from shopapp.lib import clock
from tests import factories
from tests.pages import polaris_lint
from tests.pages.seed import NASTY, Seed, seed
from tests.shopapp.pretend import SHOP

PAGES = {
    "home": "/app",
    "conversations": "/app/conversations",
    "conversations, closed": "/app/conversations?view=closed",
    "conversations, searched": "/app/conversations?q=Maria",
    "conversations, nothing found": "/app/conversations?q=nobody",
    "conversations, filtered": "/app/conversations?view=team&channel=whatsapp&language=en&flow={flow}&product=mug",
    "team": "/app/settings/team-members",
    "thread": "/app/conversations/{conversation}",
    "choose a flow": "/app/conversations/{conversation}/flows",
    "flows": "/app/flows",
    "flow": "/app/flows/{flow}",
    "flow, a step in German": "/app/flows/{flow}?step=review&language=de",
    "flow, a branch": "/app/flows/{flow}?step=is_rewarded",
    "flow, start and end": "/app/flows/{flow}?step=@start",
    "flow, a path for news": "/app/flows/{flow}?step=@path.0",
    "flow, a new step": "/app/flows/{flow}?add=start",
    "a new flow": "/app/flows/new",
    "publish a flow": "/app/flows/{flow}/publishing",
    "versions of a flow": "/app/flows/{flow}/versions",
    "texts of a flow": "/app/flows/{flow}/texts?language=de",
    "rehearsal": "/app/flows/{flow}/rehearsal",
    "rehearsed messages": "/app/rehearsals/{rehearsal}/messages",
    "rehearsed messages, searched": "/app/rehearsals/{rehearsal}/messages?q=Maria&outcome=sent&flow=photo_review",
    "rehearsed journey": "/app/rehearsals/{rehearsal}/journey/contact-{contact}",
    "touchpoints": "/app/touchpoints",
    "touchpoint": "/app/touchpoints/{card}",
    "touchpoint, a week": "/app/touchpoints/{card}?days=7",
    "card studio": "/app/touchpoints/{card}/card",
    "card studio in Arabic": "/app/touchpoints/{card}/card?language=ar",
    "print runs": "/app/touchpoints/{card}/prints",
    "packing": "/app/pack",
    "packing, searched": "/app/pack?q=1001",
    "packed cards": "/app/prints/{batch}/packed",
    "route": "/app/touchpoints/{card}/route",
    "e-mails": "/app/touchpoints/{email}",
    "e-mail button": "/app/touchpoints/{email}/emails/order_confirmation",
    "e-mail button, Arabic and simple": "/app/touchpoints/{email}/emails/delivered?language=ar&simple=1&sample=large",
    "reviews": "/app/reviews",
    "reviews, five stars": "/app/reviews?rating=5&photo=1",
    "guides": "/app/guides",
    "guides, nothing found": "/app/guides?q=nothing",
    "new guide": "/app/guides/new?product={product}",
    "guide": "/app/guides/{guide}",
    "products": "/app/products",
    "product": "/app/products/{product}",
    "settings": "/app/settings",
    "channels": "/app/settings/channels",
    "connect WhatsApp": "/app/settings/channels/whatsapp",
    "connect Messenger": "/app/settings/channels/messenger",
    "connect e-mail": "/app/settings/channels/email",
    "connections": "/app/settings/connections",
    "connections, failed calls": "/app/settings/connections?state=failed",
    "privacy": "/app/privacy",
}
READS_OF_A_ROW = {
    "rehearsal": "/app/flows/{flow}/rehearsal",
    "live rehearsal": "/app/rehearsals/{rehearsal}/live",
    "rehearsed messages": "/app/rehearsals/{rehearsal}/messages",
    "rehearsed journey": "/app/rehearsals/{rehearsal}/journey/contact-1",
    "thread": "/app/conversations/{conversation}",
    "live thread": "/app/conversations/{conversation}/live",
    "flow": "/app/flows/{flow}",
    "texts": "/app/flows/{flow}/texts",
    "publishing": "/app/flows/{flow}/publishing",
    "versions": "/app/flows/{flow}/versions",
    "a flow as a file": "/app/flows/{flow}/file",
    "touchpoint": "/app/touchpoints/{card}",
    "e-mail button": "/app/touchpoints/{email}/emails/refund",
    "QR code": "/app/touchpoints/{card}/download/png",
    "card studio": "/app/touchpoints/{card}/card",
    "printed card": "/app/touchpoints/{card}/card/print",
    "print runs": "/app/touchpoints/{card}/prints",
    "live print runs": "/app/touchpoints/{card}/prints/live",
    "print file": "/app/prints/files/{file}",
    "packed cards": "/app/prints/{batch}/packed",
    "route": "/app/touchpoints/{card}/route",
    "export": "/app/privacy/{request}/export",
    "guide": "/app/guides/{guide}",
    "product": "/app/products/{product}",
}
WRITES_OF_A_ROW = {
    "reply": "/app/conversations/{conversation}/reply",
    "template": "/app/conversations/{conversation}/template",
    "take over": "/app/conversations/{conversation}/take-over",
    "give back": "/app/conversations/{conversation}/give-back",
    "close": "/app/conversations/{conversation}/close",
    "reopen": "/app/conversations/{conversation}/reopen",
    "assign": "/app/conversations/{conversation}/assign",
    "snooze": "/app/conversations/{conversation}/snooze",
    "note": "/app/conversations/{conversation}/note",
    "change a member": "/app/settings/team-members/{member}",
    "start a flow": "/app/conversations/{conversation}/start-flow",
    "save a guide": "/app/guides/{guide}/save",
    "delete a guide": "/app/guides/{guide}/delete",
    "goes well with": "/app/products/{product}/companions",
    "call again": "/app/calls/{call}/again",
    "revoke a token": "/app/settings/connections/tokens/{token}/revoke",
    "save all texts": "/app/flows/{flow}/texts",
    "save a step": "/app/flows/{flow}/steps/review",
    "preview of a step": "/app/flows/{flow}/steps/review/preview",
    "change the path": "/app/flows/{flow}/change",
    "publish with people inside": "/app/flows/{flow}/publishing",
    "share": "/app/flows/{flow}/share",
    "roll back": "/app/flows/{flow}/versions/1/live",
    "preview": "/app/flows/{flow}/preview",
    "publish": "/app/flows/{flow}/publish",
    "switch": "/app/flows/{flow}/switch",
    "rehearse": "/app/flows/{flow}/rehearsal/start",
    "stop a rehearsal": "/app/rehearsals/{rehearsal}/cancel",
    "restore": "/app/flows/{flow}/versions/1/restore",
    "e-mail words": "/app/touchpoints/{email}/emails/refund/save",
    "bring back": "/app/touchpoints/{card}/restore",
    "archive": "/app/touchpoints/{card}/archive",
    "save a card": "/app/touchpoints/{card}/card/save",
    "preview a card": "/app/touchpoints/{card}/card/preview",
    "logo": "/app/touchpoints/{card}/card/logo",
    "route": "/app/touchpoints/{card}/card/route",
    "order a print run": "/app/touchpoints/{card}/prints/order",
    "route of a print run": "/app/prints/{batch}/route",
    "another file": "/app/prints/{batch}/file",
    "untie a card": "/app/pack/{packed}/unbind",
    "stop a file": "/app/prints/files/{file}/stop",
    "make a file again": "/app/prints/files/{file}/resume",
    "hide": "/app/reviews/{review}/hide",
    "show": "/app/reviews/{review}/show",
    "disconnect": "/app/channels/{channel}/disconnect",
    "resume": "/app/channels/{channel}/resume",
}
WRITES = {
    "publish reviews": "/app/reviews/publish",
    "pack": "/app/pack/bind",
    "packing slip": "/app/touchpoints/packing-slip",
    "dismiss": "/app/set-up/dismiss",
    "add a card": "/app/touchpoints/add",
    "add a guide": "/app/guides/add",
    "preview a guide": "/app/guides/preview",
    "metafields": "/app/products/metafields",
    "fetch products": "/app/products/fetch",
    "make a token": "/app/settings/connections/tokens",
    "add a flow": "/app/flows/add",
    "brand": "/app/settings/brand",
}
MOST_QUERIES = {"thread": 24}  # everything about one person; else 12, and the shop itself
ROWS = (
    "conversation",
    "flow",
    "card",
    "email",
    "review",
    "channel",
    "request",
    "batch",
    "file",
    "packed",
    "rehearsal",
    "call",
    "token",
    "guide",
    "product",
    "member",
)


@pytest.fixture
def rows(shop) -> Seed:
    return seed(shop)


def address(path: str, rows: Seed) -> str:
    return path.format(contact=rows.conversation.contact_id, **{name: getattr(rows, name).pk for name in ROWS})


@pytest.mark.parametrize("name", PAGES)
def test_the_owner_sees_the_page_within_its_queries(owner, rows, name):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = owner.get(address(PAGES[name], rows))
    assert response.status_code == 200, name
    assert len(queries) <= MOST_QUERIES.get(name, 13), [query["sql"][:120] for query in queries]
    html = response.content.decode()
    assert f"frame-ancestors https://{SHOP} https://admin.shopify.com" in response["Content-Security-Policy"]
    assert html.index("app-bridge.js") < html.index("polaris-1.js")
    assert NASTY not in html
    assert "<img src=x" not in html


@pytest.mark.parametrize("name", ["home", "conversations", "thread", "flows", "touchpoints", "reviews", "privacy"])
def test_more_rows_cost_no_more_queries(owner, rows, name):
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
def test_a_first_page_is_light(owner, rows, name):
    """HTML, our style and our script, uncompressed; what Shopify serves itself is not counted."""
    files = [finders.find(name) for name in ("app.css", "app.js", "flow.css", "flow.js")]
    size = sum(Path(str(file)).stat().st_size for file in files) + len(owner.get(address(PAGES[name], rows)).content)
    assert size <= 120_000


@pytest.mark.npm
@pytest.mark.parametrize("name", PAGES)
def test_the_page_uses_only_components_that_shopify_has(owner, rows, name):
    assert polaris_lint.problems(owner.get(address(PAGES[name], rows)).content.decode()) == []


@pytest.mark.npm
@pytest.mark.parametrize("name", [name for name in PAGES if "{" not in PAGES[name]])
def test_the_empty_page_says_what_will_be_here(owner, name):
    response = owner.get(PAGES[name])
    assert response.status_code == 200
    assert polaris_lint.problems(response.content.decode()) == []


@pytest.mark.parametrize("name", PAGES)
def test_internal_links_keep_shopifys_parameters(owner, rows, name):
    html = owner.get(address(PAGES[name], rows)).content.decode()
    links = re.findall(r'href="(/app[^"]*)"', html)
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
