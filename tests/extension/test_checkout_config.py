"""What the blocks read while our server is away, written to the demo world's Shopify over real HTTP."""

import json
from collections.abc import Iterator

import pytest

from demo.shopify.metafields import metafield
from demo.world import DemoWorld
from post_purchase.models import Publication, PublicationKind
from post_purchase.services import channels, publications
from post_purchase.services.checkout_config import config_of, words_in
from post_purchase.services.links import touchpoint_of
from post_purchase.services.shops import set_up_shop
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from shopapp.models import Shop, ShopStatus
from shopapp.shopify.install import install_or_refresh
from tests.factories import make_channel, make_order, make_shop

pytestmark = pytest.mark.django_db
SHOP = "fern-and-field.myshopify.com"
ENVIRONMENT = {
    "SHOPIFY_API_KEY": "test-client-id",
    "SHOPIFY_API_SECRET": "test-client-secret",
    "META_APP_SECRET": "test-meta-secret",
}


@pytest.fixture
def world(settings) -> Iterator[DemoWorld]:
    with DemoWorld.running(environment=ENVIRONMENT, now=clock.now) as world:
        world.shopify.create_shop(SHOP)
        settings.SHOPIFY_ADMIN_ORIGIN = f"{world.url}/shops/{{shop}}"
        yield world


@pytest.fixture
def shop(world: DemoWorld) -> Shop:
    shop = install_or_refresh(SHOP, world.shopify.oauth.admin_token(SHOP))
    set_up_shop(shop)
    return shop


def kept(world: DemoWorld, shop: Shop):
    return metafield(world.state, SHOP, f"gid://shopify/Shop/{shop.shopify_id}", "$app", "checkout")


def publish() -> None:
    publications.publish_due()


def test_a_connected_channel_brings_it_and_a_change_renews_it(world, shop):
    publications.publish_everything(shop=shop)
    publish()
    assert kept(world, shop) is None  # nothing to offer yet
    channel = make_channel(shop)
    make_channel(shop, "email")
    publications.storefront_changed(shop=shop)
    publish()
    told = kept(world, shop)
    assert told["channels"] == [
        {"kind": "whatsapp", "label": "WhatsApp", "url": "https://wa.me/15550783881?text={hello}"},
        {"kind": "email", "label": "E-mail", "address": "hello@fern.example.test"},
    ]
    assert told["hello"]["de"] == "Hallo! Ich habe eine Frage zu meiner Bestellung."
    assert told["app_url"] == "https://app.example.test"
    channels.halt_channel(channel, "Meta has locked the account")
    publish()
    assert [each["kind"] for each in kept(world, shop)["channels"]] == ["email"]


def test_shopify_away_is_tried_again_later_and_the_row_says_why(world, shop):
    make_channel(shop)
    publications.storefront_changed(shop=shop)
    world.faults.add("shopify.graphql", "status", times=5, status=503)
    publish()
    row = Publication.objects.get(shop=shop, kind=PublicationKind.CHECKOUT)
    assert "503" in row.error
    assert row.next_attempt_at > clock.now()
    world.faults.clear()
    Publication.objects.update(next_attempt_at=clock.now())
    publish()
    assert kept(world, shop)["kinds"] == ["whatsapp"]


def test_a_shop_that_is_gone_is_left_alone(world, shop):
    make_channel(shop)
    publications.storefront_changed(shop=shop)
    Shop.objects.filter(pk=shop.pk).update(status=ShopStatus.UNINSTALLED)
    publish()
    assert kept(world, shop) is None


def test_the_ranking_names_the_countries_that_differ(media):
    shop = make_shop()
    make_channel(shop)
    make_channel(shop, "messenger")
    config = config_of(shop)
    ranked = {country: each["kinds"] for each in config["ranking"] for country in each["countries"]}
    assert config["kinds"] == ["whatsapp", "messenger"]
    assert ranked["PL"] == ["messenger", "whatsapp"]
    assert "DE" not in ranked


def test_nothing_of_an_order_or_a_person_is_in_it(media):
    shop = make_shop()
    make_channel(shop)
    make_order(shop, email="maria@example.com", name="#4711")
    text = json.dumps(config_of(shop))
    for secret in ("maria", "4711", shop.access_token, shop.settings.link_key, "EAA-test-token"):
        assert secret not in text
    assert len(text.encode()) < 8000


def test_the_merchants_words_are_found_by_the_shoppers_language(media):
    shop = make_shop()
    touchpoint = touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE)
    touchpoint.options = {"words": {"pt-BR": {"heading": "Dúvidas?", "text": "Fale conosco"}}}
    touchpoint.save()
    assert words_in(shop, "pt-BR")["heading"] == "Dúvidas?"
    assert words_in(shop, "pt-PT")["heading"] == "Dúvidas?"
    assert words_in(shop, "de") == {}


def test_words_in_one_language_are_for_everybody_only_where_the_merchant_says_so(media):
    shop = make_shop()
    touchpoint = touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE)
    own = {"heading": "Hey there"}
    touchpoint.options = {"words": {"en": own, "fr": {"heading": "Bonjour"}}}
    touchpoint.save()
    assert (words_in(shop, "ar"), config_of(shop)["words_everywhere"]) == ({}, False)
    touchpoint.options |= {"words_everywhere": True}
    touchpoint.save()
    assert (words_in(shop, "ar"), config_of(shop)["words_everywhere"]) == (own, True)
    assert words_in(shop, "fr-CA") == {"heading": "Bonjour"}
