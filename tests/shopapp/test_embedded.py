"""Who gets into the pages inside Shopify's admin, and who into the calls of the checkout."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse, JsonResponse
from django.test import Client, override_settings
from django.urls import path

from shopapp.lib import clock
from shopapp.models import Shop
from shopapp.urls import urlpatterns as real
from shopapp.web.embedded import buyer_required, shop_required
from tests.factories import make_shop
from tests.shopapp.pretend import SHOP, admin_claims, buyer_claims, pair, sign

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RETRY = "X-Shopify-Retry-Invalid-Session-Request"
ANCESTORS = f"frame-ancestors https://{SHOP} https://admin.shopify.com;"


@shop_required
def page(request):
    return HttpResponse(f"{request.shop.domain} {request.shop_user} {request.frame_query}")


@buyer_required
def call(request):
    return JsonResponse({"shop": request.shop.domain, "customer": request.buyer.customer_id})


urlpatterns = [path("app/test-page", page), path("api/test-call", call), *real]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def at():
    with clock.frozen(NOW) as at:
        yield at


def bearer(claims) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {sign(claims)}"}


def test_a_document_with_an_id_token_is_shown_in_this_shops_frame_only():
    make_shop()
    answer = Client().get("/app/test-page", {"id_token": sign(admin_claims()), "shop": SHOP, "host": "aG9zdA"})
    assert answer.content.decode() == f"{SHOP} 42 shop={SHOP}&host=aG9zdA"
    assert answer["Content-Security-Policy"].startswith(ANCESTORS)
    assert answer["Cache-Control"] == "private, no-store"
    assert "X-Frame-Options" not in answer
    assert not answer.cookies


def test_the_first_document_installs_the_shop(shopify):
    shopify.will(pair())
    token = sign(admin_claims())
    assert Client().get("/app/test-page", {"id_token": token}).status_code == 200
    assert shopify.bodies()[0]["subject_token"] == token
    assert Shop.objects.get(domain=SHOP).access_token == "shpat_1"
    assert Client().get("/app/test-page", {"id_token": token}).status_code == 200
    assert len(shopify.asked) == 1


def test_the_shop_is_the_tokens_and_never_the_querys():
    make_shop()
    make_shop("rival.myshopify.com")
    answer = Client().get("/app/test-page", {"id_token": sign(admin_claims()), "shop": "rival.myshopify.com"})
    assert answer.content.decode().startswith(f"{SHOP} ")
    assert "rival" not in answer["Content-Security-Policy"]


@pytest.mark.parametrize("query", [{}, {"id_token": "stale"}])
def test_a_document_without_a_good_token_is_bounced_and_comes_back_to_the_same_place(query):
    answer = Client().get("/app/test-page", {"shop": SHOP, "host": "aG9zdA", "tab": "2"} | query)
    where = urlsplit(answer["Location"])
    assert (answer.status_code, where.path) == (302, "/app/patch-id-token")
    told = {name: values[0] for name, values in parse_qs(where.query).items()}
    assert told == {
        "shop": SHOP,
        "host": "aG9zdA",
        "shopify-reload": f"/app/test-page?shop={SHOP}&host=aG9zdA&tab=2",
    }
    patch = Client().get(answer["Location"])
    assert patch.status_code == 200
    assert patch["Content-Security-Policy"].startswith(ANCESTORS)
    assert b'src="https://cdn.shopify.com/shopifycloud/app-bridge.js"' in patch.content
    assert b'data-api-key="test-client-id"' in patch.content
    assert not patch.cookies


@pytest.mark.parametrize("shop", ["", "evil.example", f"{SHOP}.evil.example", f"{SHOP};x", '"><script>'])
def test_a_shop_that_is_none_is_never_written_into_a_header(shop):
    for answer in (
        Client().get("/app/test-page", {"shop": shop}),
        Client().get("/app/patch-id-token", {"shop": shop, "shopify-reload": "/app"}),
    ):
        assert answer.status_code == 400
        assert answer["Content-Security-Policy"] == "frame-ancestors 'none'"
        assert b"Shopify admin" in answer.content


@pytest.mark.parametrize("wanted", ["", "https://evil.example/", "//evil.example", "/webhooks/shopify", "/application"])
def test_the_bounce_leads_only_to_pages_of_the_app(wanted):
    assert Client().get("/app/patch-id-token", {"shop": SHOP, "shopify-reload": wanted}).status_code == 400


def test_a_write_needs_the_bearer_header_and_is_tried_again_with_a_fresh_token():
    make_shop()
    for answer in (
        Client().post("/app/test-page"),
        Client().post(f"/app/test-page?id_token={sign(admin_claims())}"),
        Client().post("/app/test-page", **bearer(admin_claims(exp=1))),
        Client().get("/app/test-page", {"shop": SHOP}, **bearer(admin_claims(exp=1))),
    ):
        assert (answer.status_code, answer[RETRY]) == (401, "1")
    assert Client().post("/app/test-page", **bearer(admin_claims())).status_code == 200


def test_a_shoppers_token_opens_no_page_of_the_merchant():
    make_shop()
    buyer = buyer_claims(sub="gid://shopify/Customer/1")
    assert Client().post("/app/test-page", **bearer(buyer)).status_code == 401
    assert Client().get("/app/test-page", {"id_token": sign(buyer), "shop": SHOP}).status_code == 302


def test_while_shopify_gives_no_tokens_a_known_shop_is_shown_and_a_new_one_is_asked_to_wait(shopify):
    shopify.will((503, {}, {}))
    assert Client().get("/app/test-page", {"id_token": sign(admin_claims())}).status_code == 503
    make_shop(access_token_expires_at=NOW - timedelta(minutes=1))
    assert Client().get("/app/test-page", {"id_token": sign(admin_claims())}).status_code == 200


def test_an_id_token_that_shopify_refuses_is_bounced(shopify):
    shopify.will((400, {}, {"error": "invalid_subject_token"}))
    answer = Client().get("/app/test-page", {"id_token": sign(admin_claims()), "shop": SHOP})
    assert answer.status_code == 302
    assert not Shop.objects.exists()


def test_the_checkout_is_answered_at_any_origin_and_without_cookies():
    make_shop()
    answer = Client().post("/api/test-call", **bearer(buyer_claims(sub="gid://shopify/Customer/7")))
    assert answer.json() == {"shop": SHOP, "customer": 7}
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert not answer.cookies


def test_the_browsers_question_before_the_call_needs_no_token():
    answer = Client().options("/api/test-call")
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (204, "*")
    assert answer["Access-Control-Allow-Headers"] == "Authorization, Content-Type"


def test_errors_too_can_be_read_by_the_extension():
    refused = Client().post("/api/test-call", **bearer(admin_claims()))
    unknown = Client().post("/api/test-call", **bearer(buyer_claims()))
    large = Client().post("/api/test-call", "x" * 17000, content_type="application/json", **bearer(buyer_claims()))
    assert [answer.status_code for answer in (refused, unknown, large)] == [401, 404, 413]
    assert all(answer["Access-Control-Allow-Origin"] == "*" for answer in (refused, unknown, large))
    make_shop(status="uninstalled")
    assert Client().post("/api/test-call", **bearer(buyer_claims())).status_code == 404


@override_settings(DEMO=True, DEMO_WORLD_URL="http://127.0.0.1:9000/world")
def test_the_demos_admin_may_frame_pages_only_in_the_demo():
    make_shop()
    answer = Client().get("/app/test-page", {"id_token": sign(admin_claims())})
    assert "https://admin.shopify.com http://127.0.0.1:9000;" in answer["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("asked", "led_to"),
    [
        ("/conversations/12?id_token=t&shop=s", "/app/conversations/12?id_token=t&shop=s"),
        ("/app/app/conversations/12", "/app/conversations/12"),
        ("/reviews", "/app/reviews"),
        ("/app/app", "/app"),
    ],
)
def test_links_from_outside_may_be_counted_from_either_root(client, asked, led_to):
    answer = client.get(asked)
    assert (answer.status_code, answer["Location"]) == (302, led_to)


@pytest.mark.parametrize(
    "asked", ["//evil.example.com/conversations", "/conversations//evil.example.com", "/app/app//evil.example.com/"]
)
def test_such_a_link_leads_nowhere_else(client, asked):
    answer = client.get(asked)
    assert answer.status_code == 404 or answer["Location"].startswith("/app/")
