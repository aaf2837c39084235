"""shopify.app.toml says what the app does: the topics that it handles, the scopes that it needs, nothing more."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.urls import resolve

from post_purchase.intake.registry import TOPICS
from post_purchase.models import Product
from post_purchase.services.action_rules import ALL_SCOPES
from post_purchase.services.consent_sync import SCOPE as CUSTOMER_SCOPE
from post_purchase.services.order_data import OrderData
from post_purchase.services.parcel_data import ParcelData, ScanData
from post_purchase.services.products import save_news
from post_purchase.services.publications import PRODUCT_SCOPE
from post_purchase.services.shops import save_shop_news
from tests.factories import make_shop

ROOT = Path(__file__).resolve().parents[2]
TOML = tomllib.loads((ROOT / "shopify.app.toml").read_text())
COMPLIANCE = {"customers/data_request", "customers/redact", "shop/redact"}
SUBSCRIPTIONS = TOML["webhooks"]["subscriptions"]


def test_every_topic_that_comes_is_handled_and_every_handled_topic_comes():
    told = [topic for one in SUBSCRIPTIONS for topic in one.get("topics", []) + one.get("compliance_topics", [])]
    assert len(told) == len(set(told))
    assert set(told) == set(TOPICS)


def test_the_three_topics_of_the_law_are_there():
    assert {topic for one in SUBSCRIPTIONS for topic in one.get("compliance_topics", [])} == COMPLIANCE


def test_every_address_is_a_path_of_this_app(settings):
    assert {one["uri"] for one in SUBSCRIPTIONS} == {"/webhooks/shopify"}
    assert resolve("/webhooks/shopify")
    assert resolve("/proxy/c/AB3KQ9ZT7MXW2LHC")
    assert TOML["app_proxy"]["url"].endswith("/proxy")
    assert TOML["application_url"].endswith("/app")


def test_what_a_part_of_the_payload_is_asked_for_still_tells_news_apart():
    for one in SUBSCRIPTIONS:
        if "include_fields" in one:
            assert {"id", "updated_at"} <= set(one["include_fields"])


def test_the_installation_is_shopifys_and_the_version_is_the_apps(settings):
    assert TOML["embedded"] is True
    assert "use_legacy_install_flow" not in TOML["access_scopes"]
    assert TOML["webhooks"]["api_version"] == settings.SHOPIFY_API_VERSION
    assert re.fullmatch(r"[a-z0-9-]{1,30}", TOML["handle"])


def test_no_scope_is_asked_for_that_shopify_gives_only_on_request():
    scopes = set(TOML["access_scopes"]["scopes"].split(","))
    assert not scopes & {"read_all_orders", "read_checkout_extensions_chat", "write_product_reviews", "write_orders"}


def test_what_is_asked_for_later_is_what_pages_and_consents_need_and_only_this_app_writes_there():
    assert TOML["access_scopes"]["optional_scopes"] == [PRODUCT_SCOPE, *ALL_SCOPES, CUSTOMER_SCOPE]
    definition = TOML["product"]["metafields"]["app"]["reviews"]
    assert (definition["type"], definition["access"]) == ("json", {"admin": "merchant_read"})


class Watched(dict):
    """Remembers every field that somebody asked for."""

    def __init__(self, payload: dict[str, Any], asked: set[str]):
        super().__init__(payload)
        self.asked = asked

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


def news_of_a_product(payload: dict[str, Any]) -> dict[str, Any]:
    save_news(shop=make_shop(), payload=payload)
    return Product.objects.values("title", "handle", "product_type", "tags", "shopify_updated_at").get()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("topic", "file", "read"),
    [
        ("orders/updated", "order", OrderData.from_webhook),
        ("fulfillments/update", "fulfillment", ParcelData.from_webhook),
        ("fulfillment_events/create", "fulfillment_event", ScanData.from_webhook),
        ("products/update", "product", news_of_a_product),
        ("shop/update", "shop", lambda payload: save_shop_news(shop=make_shop(), payload=payload)),
    ],
)
def test_the_part_of_a_payload_that_comes_is_all_that_is_read(topic, file, read):
    payload = json.loads((ROOT / "tests" / "payloads" / "shopify" / f"{file}.json").read_text())
    fields = next(one["include_fields"] for one in SUBSCRIPTIONS if topic in one.get("topics", []))
    asked: set[str] = set()
    whole = read(Watched(payload, asked))
    needed = {"id", "order_id", "fulfillment_id", "created_at", "updated_at", "happened_at"}
    read(Watched({name: value if name in needed else None for name, value in payload.items()}, asked))  # fall-backs
    assert asked <= set(fields)
    assert set(fields) - asked <= {"id", "updated_at"}
    assert read({name: value for name, value in payload.items() if name in fields}) == whole
