"""Every way in which Shopify says no, told apart; the budget kept; one refresh on 401."""

import logging
import time
import traceback
from datetime import UTC, datetime, timedelta

import pytest

from shopapp.lib import queue
from shopapp.models import Shop
from shopapp.shopify import admin_api, cost
from shopapp.shopify.admin_api import AdminApi, AdminApiError, UserErrors
from shopapp.shopify.operations import UnknownOperation
from shopapp.shopify.results import Result
from tests.factories import make_shop
from tests.shopapp.pretend import SHOP, pair, result

pytestmark = pytest.mark.django_db
DATA = {"shop": {"id": "gid://shopify/Shop/1"}}


class Mail(Result):
    contact_email: int
    opened_at: datetime


class Shape(Result):
    shop: Mail


@pytest.fixture
def naps(monkeypatch):
    """What was slept, in seconds; really slept only as far as the bucket in Redis needs to see time pass."""
    slept: list[float] = []
    really = time.sleep

    def nap(seconds: float) -> None:
        slept.append(seconds)
        really(min(seconds, 0.3))

    monkeypatch.setattr(admin_api.time, "sleep", nap)
    return slept


def coded(code: str) -> list[dict]:
    return [{"message": "x", "extensions": {"code": code}}]


def refusal(shop: Shop) -> AdminApiError:
    with pytest.raises(AdminApiError) as refused:
        AdminApi(shop).run("GetShop")
    return refused.value


def test_an_operation_goes_by_name_with_the_shops_token(shopify):
    shopify.will(result(DATA))
    assert AdminApi(make_shop()).run("GetShop", {"first": 5}) == DATA
    assert shopify.asked[0]["path"] == f"/shops/{SHOP}/admin/api/2026-10/graphql.json"
    assert shopify.asked[0]["token"] == "test-access-token"
    assert shopify.bodies()[0]["operationName"] == "GetShop"
    assert shopify.bodies()[0]["variables"] == {"first": 5}
    assert shopify.bodies()[0]["query"].startswith("query GetShop {")


def test_a_result_comes_as_the_type_that_was_asked_for(shopify):
    shopify.will(result({"shop": {"contactEmail": 7, "openedAt": "2026-11-24T12:00:00Z", "unheardOf": True}}))
    got = AdminApi(make_shop()).run("GetShop", result=Shape)
    assert got == Shape(shop=Mail(contactEmail=7, openedAt=datetime(2026, 11, 24, 12, tzinfo=UTC)))


def test_a_result_of_another_shape_names_the_places_and_never_the_values(shopify):
    shopify.will(result({"shop": {"contactEmail": "maria@example.com"}}))
    with pytest.raises(AdminApiError) as refused:
        AdminApi(make_shop()).run("GetShop", result=Shape)
    assert (refused.value.code, refused.value.retryable) == ("ODD_RESULT", False)
    assert str(refused.value) == (
        "Shopify's answer to GetShop does not fit: shop.contactEmail: Input should be a valid integer, "
        "unable to parse string as an integer; shop.openedAt: Field required"
    )
    told = "".join(traceback.format_exception(refused.value))
    assert "maria" not in told


def test_user_errors_come_before_the_shape(shopify):
    shopify.will(result({"x": {"userErrors": [{"field": None, "message": "No", "code": "NO"}]}}))
    with pytest.raises(UserErrors):
        AdminApi(make_shop()).run("GetShop", result=Shape)


@pytest.mark.parametrize("name", ["Nothing", "../settings", "shop_details", "", "GetShop.graphql"])
def test_what_is_not_an_operation_of_ours_is_never_sent(shopify, name):
    with pytest.raises(UnknownOperation):
        AdminApi(make_shop()).run(name)
    assert shopify.asked == []


def test_throttled_inside_a_200_is_waited_for(shopify, naps):
    throttled = result(
        None, available=40, cost=60, rate=100, errors=[{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
    )
    shopify.will(throttled, result(DATA))
    assert AdminApi(make_shop()).run("GetShop") == DATA
    assert naps[0] == pytest.approx(0.2)
    assert len(shopify.asked) == 2


def test_a_long_wait_is_handed_to_the_caller(shopify, naps):
    shopify.will(
        result(None, available=0, cost=900, rate=50, errors=[{"message": "x", "extensions": {"code": "THROTTLED"}}])
    )
    error = refusal(make_shop())
    assert (error.code, error.retryable, error.retry_after) == ("THROTTLED", True, timedelta(seconds=18))
    assert naps == []


def test_an_empty_bucket_holds_the_next_call_of_any_process_back(shopify, naps):
    shop = make_shop()
    shopify.will(result(DATA, available=0, cost=600, rate=1))
    AdminApi(shop).run("GetShop")
    error = refusal(Shop.objects.get())
    assert error.code == "THROTTLED"
    assert timedelta(seconds=590) < error.retry_after <= timedelta(seconds=600)
    assert len(shopify.asked) == 1
    assert cost.take(shop.pk + 1, "GetShop") == 0  # another shop has its own bucket


def test_points_are_taken_before_shopify_tells():
    cost.learn(
        1,
        "GetShop",
        {
            "requestedQueryCost": 30,
            "throttleStatus": {"maximumAvailable": 100, "currentlyAvailable": 65, "restoreRate": 0.001},
        },
    )
    assert [cost.take(1, "GetShop") > 0 for _ in range(3)] == [False, False, True]


def test_without_redis_the_call_goes_out(shopify, monkeypatch):
    def away():
        raise queue.RedisError("away")

    monkeypatch.setattr(queue, "redis", away)
    shopify.will(result(DATA))
    assert AdminApi(make_shop()).run("GetShop") == DATA


def test_retry_after_with_a_fraction_is_understood(shopify, naps):
    shopify.will((429, {"Retry-After": "2.0"}, {}), result(DATA))
    assert AdminApi(make_shop()).run("GetShop") == DATA
    assert naps == [2.0]


def test_a_refused_token_is_refreshed_once(shopify):
    shopify.will((401, {}, {}), pair(7), result(DATA))
    assert AdminApi(make_shop()).run("GetShop") == DATA
    assert [asked["token"] for asked in shopify.asked] == ["test-access-token", None, "shpat_7"]


def test_a_refused_fresh_token_needs_the_merchant(shopify):
    shopify.will((401, {}, {}), pair(7), (401, {}, {}))
    error = refusal(make_shop())
    assert (error.code, len(shopify.asked)) == ("UNAUTHORIZED", 3)
    assert Shop.objects.get().status == "needs_opening"


@pytest.mark.parametrize(("status", "retryable"), [(402, True), (403, False), (423, True)])
def test_a_closed_shop_is_marked_and_opens_again_with_the_first_answer(shopify, status, retryable):
    shopify.will((status, {}, {}))
    shop = make_shop()
    error = refusal(shop)
    assert (error.code, error.retryable) == (f"HTTP_{status}", retryable)
    assert Shop.objects.get().status == "unavailable"
    assert Shop.objects.get().status_reason != ""
    shopify.will(result(DATA))
    AdminApi(Shop.objects.get()).run("GetShop")
    assert (Shop.objects.get().status, Shop.objects.get().status_reason) == ("installed", "")


def test_user_errors_are_never_a_success(shopify):
    errors = [{"field": ["basicCodeDiscount", "code"], "message": "Code must be unique", "code": "TAKEN"}]
    shopify.will(result({"discountCodeBasicCreate": {"codeDiscountNode": None, "userErrors": errors}}))
    with pytest.raises(UserErrors, match=r"basicCodeDiscount\.code: Code must be unique") as refused:
        AdminApi(make_shop()).run("GetShop")
    assert refused.value.codes == {"TAKEN"}


def test_fields_that_we_may_not_read_come_empty_beside_the_rest(shopify):
    denied = [{"message": "not approved", "extensions": {"code": "ACCESS_DENIED"}, "path": ["shop", "contactEmail"]}]
    data = {"shop": {"id": "gid://shopify/Shop/1", "contactEmail": None}}
    shopify.will(result(data, errors=denied))
    assert AdminApi(make_shop()).run("GetShop") == data


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (result({"order": None}, errors=coded("ACCESS_DENIED")), "ACCESS_DENIED", False),
        (result(None, errors=coded("MAX_COST_EXCEEDED")), "MAX_COST_EXCEEDED", False),
        (result(None, errors=coded("INTERNAL_SERVER_ERROR")), "INTERNAL_SERVER_ERROR", True),
        ((200, {}, {"errors": "Not Found"}), "ERROR", False),
        ((200, {}, {"errors": [{"message": "Field 'x' does not exist"}]}), "GRAPHQL_ERROR", False),
        ((200, {}, {"data": None}), "NO_DATA", True),
        ((200, {}, b"<html>"), "HTTP_200", True),
        ((502, {}, b"bad gateway"), "HTTP_502", True),
        ((404, {}, {}), "HTTP_404", False),
    ],
)  # fmt: skip
def test_other_refusals_say_whether_trying_again_can_help(shopify, answer, code, retryable):
    shopify.will(answer)
    error = refusal(make_shop())
    assert (error.code, error.retryable) == (code, retryable)


def test_nobody_at_home_is_worth_another_try(settings):
    settings.SHOPIFY_ADMIN_ORIGIN = "http://127.0.0.1:9/{shop}"
    error = refusal(make_shop())
    assert (error.code, error.retryable) == ("UNREACHABLE", True)


def test_the_log_holds_the_operation_and_its_cost_and_nothing_private(shopify, caplog):
    shopify.will(result(DATA))
    with caplog.at_level(logging.INFO, "shopapp"):
        AdminApi(make_shop()).run("GetShop", {"email": "maria@example.com"})
    told = [record.__dict__ for record in caplog.records]
    assert any(line.get("operation") == "GetShop" and line.get("request_id") == "request-1" for line in told)
    assert any(line.get("requested") == 10 for line in told)
    assert "maria" not in str(told)
    assert "test-access-token" not in str(told)
