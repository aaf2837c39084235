"""Every Admin GraphQL operation against Shopify's own schema (npm package @shopify/dev-mcp; `npm ci` brings it)."""

import gzip
import json
import tomllib
from functools import lru_cache
from pathlib import Path

import pytest
from graphql import (
    FieldNode,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_named_type,
    parse,
    validate,
    visit,
)
from graphql.validation import NoDeprecatedCustomRule

from shopapp.shopify import operations

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "node_modules" / "@shopify" / "dev-mcp" / "dist" / "data" / "admin_2026-10.json.gz"
TOML = tomllib.loads((ROOT / "shopify.app.toml").read_text())
# Topics bring scopes of their own: shopify.dev, "Webhook topics".
TOPIC_SCOPES = {
    "customers_email_marketing_consent": "read_customers",
    "customers_marketing_consent": "read_customers",
    "customers_whats_app_marketing_consent": "read_customers",
    "orders": "read_orders",
    "products": "read_products",
    "refunds": "read_orders",
    "returns": "read_returns",
    "fulfillments": "read_fulfillments",
    "fulfillment_events": "read_fulfillments",
}
# Asked of a shop that has granted the optional scopes, and of no other (services/action_rules.py).
LATER = (
    *("CancelOrder", "UpdateShippingAddress", "RequestReturn", "CancelReturn", "GetShopPolicies"),
    *("SetEmailConsent", "SetSmsConsent", "SetWhatsAppConsent"),
)
pytestmark = [
    pytest.mark.npm,
    pytest.mark.skipif(not SCHEMA.is_file(), reason="Shopify's schema is not here: run `npm ci`"),
]


@lru_cache
def raw() -> dict:
    with gzip.open(SCHEMA) as file:
        return json.load(file)


@lru_cache
def schema() -> GraphQLSchema:
    return build_client_schema(raw()["data"], assume_valid=True)  # Shopify's own schema fails graphql-core's checks


@pytest.mark.parametrize("name", operations.names())
def test_shopify_would_take_it_and_none_of_it_is_deprecated(name):
    document = parse(operations.load(name))
    assert validate(schema(), document) == []
    assert validate(schema(), document, [NoDeprecatedCustomRule]) == []


@pytest.mark.parametrize("name", operations.names())
def test_a_mutation_asks_for_its_user_errors(name):
    for definition in parse(operations.load(name)).definitions:
        if getattr(getattr(definition, "operation", None), "value", "") == "mutation":
            for field in definition.selection_set.selections:
                assert any(inner.name.value.lower().endswith("usererrors") for inner in field.selection_set.selections)


def needed_scopes(name: str) -> list[frozenset[str]]:
    """Each entry: one of these scopes must be granted."""
    known = {
        (item["typeName"], item.get("fieldName") if item["type"] == "field" else None): item["offlineScopes"]
        for item in raw()["offline_scopes"]["items"]
    }
    types, needed = TypeInfo(schema()), []

    class Look(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            parent, kind = types.get_parent_type(), types.get_type()
            keys = [(parent.name, node.name.value)] if parent else []
            keys += [(get_named_type(kind).name, None)] if kind else []
            needed.extend(frozenset(known[key]) for key in keys if known.get(key))

    visit(parse(operations.load(name)), TypeInfoVisitor(types, Look()))
    return needed


def test_the_scopes_asked_for_are_those_that_operations_and_topics_need():
    asked = set(TOML["access_scopes"]["scopes"].split(","))
    later = {*TOML["access_scopes"]["optional_scopes"]}
    implied = asked | {scope.replace("write_", "read_") for scope in asked}
    needed = [choice for name in operations.names() if name not in LATER for choice in needed_scopes(name)]
    for_later = [choice for name in LATER for choice in needed_scopes(name)]
    topics = [topic for one in TOML["webhooks"]["subscriptions"] for topic in one.get("topics", [])]
    needed += [
        frozenset({TOPIC_SCOPES[part]}) for part in {topic.split("/")[0] for topic in topics} & set(TOPIC_SCOPES)
    ]
    assert [sorted(choice) for choice in needed if not choice & implied] == []
    assert [scope for scope in sorted(asked) if not any(scope in choice for choice in needed)] == []
    assert [sorted(choice) for choice in for_later if not choice & (implied | later)] == []
    # Of metafields Shopify's own list says nothing: tests/storefront holds write_products.
    assert [each for each in later - {"write_products"} if not any(each in choice for choice in for_later)] == []
