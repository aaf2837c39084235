"""The merchant allows product pages, on the page of reviews."""

import pytest

from demo.shopify.metafields import metafield
from demo.shopify.shop import SCOPES
from post_purchase.jobs.publications import publish_metafields
from post_purchase.models import Publication
from shopapp.models import Shop
from tests.pages.visitor import Visitor

from .conftest import PRODUCT, SHOP

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(world, shop) -> Visitor:
    """Of a shop that has not granted the scope yet."""
    world.state.part("shops")[SHOP]["scopes"] = SCOPES
    Shop.objects.filter(pk=shop.pk).update(scopes=SCOPES)
    return Visitor(SHOP)


def shown(world):
    return metafield(world.state, SHOP, f"gid://shopify/Product/{PRODUCT}", "$app", "reviews")


def test_the_page_asks_for_the_scope_and_says_what_it_is_for(owner, give):
    give()
    html = owner.get("/app/reviews").content.decode()
    assert 'data-scopes="write_products"' in html
    assert "Allow and publish" in html
    assert "activateAppId" not in html


def test_after_the_yes_everything_is_published_though_the_webhook_was_lost(world, owner, give):
    give()
    publish_metafields()
    world.shopify.grant(SHOP, ["write_products"])
    answer = owner.post("/app/reviews/publish")
    assert answer.json() == {"toast": "Your reviews are on their way to your product pages", "go": ""}
    publish_metafields()
    assert shown(world)["count"] == 1
    html = owner.get("/app/reviews").content.decode()
    assert "Reviews of 1 product are published." in html
    assert "addAppBlockId=test-client-id/reviews" in html
    assert "activateAppId=test-client-id/chat-bubble" in html


def test_after_a_no_nothing_changes_and_the_page_says_what_to_do(world, owner, give):
    give()
    answer = owner.post("/app/reviews/publish")
    assert answer.status_code == 422
    assert "accept in Shopify's window" in answer.json()["message"]
    publish_metafields()
    assert shown(world) is None


def test_while_shopify_is_away_the_merchant_is_told_to_try_again(world, owner, give):
    world.faults.add("shopify.graphql", "status", times=9, status=502)
    answer = owner.post("/app/reviews/publish")
    assert (answer.status_code, "in a minute" in answer.json()["message"]) == (422, True)


def test_what_could_not_be_written_is_said_with_its_reason(world, owner, give, shop):
    Shop.objects.filter(pk=shop.pk).update(scopes=f"{SCOPES},write_products")
    world.state.part("shops")[SHOP]["scopes"] = f"{SCOPES},write_products"
    give(product_id=4711)
    publish_metafields()
    html = owner.get("/app/reviews").content.decode()
    assert "Owner does not exist." in html
    assert "Publish again" in html
    assert Publication.objects.filter(error__contains="Owner").count() == 1
