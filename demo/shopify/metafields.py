"""Metafields of the pretend shop: those that an app owns ($app) on shop and products, those on its installation."""

import json
from typing import Any

from graphql import GraphQLError

from demo.shopify.nodes import Node
from demo.shopify.orders import PRODUCTS
from demo.state import State

MAX_JSON = 128 * 1024  # bytes; since 2026-04
AT_ONCE = 25
INSTALLATION = "gid://shopify/AppInstallation/1"


def set_metafields(state: State, domain: str, record: dict[str, Any], asked: list[dict[str, Any]]) -> Node:
    """All or nothing, as Shopify does it."""
    problems = []
    if len(asked) > AT_ONCE:
        problems.append(_problem(0, "ownerId", "Exceeded the maximum metafields input limit of 25.", "TOO_LONG"))
    for place, one in enumerate(asked):
        _check_scope(record, one["ownerId"])
        if not _exists(one["ownerId"]) and one["ownerId"] != f"gid://shopify/Shop/{record['id']}":
            problems.append(_problem(place, "ownerId", "Owner does not exist.", "INVALID"))
        elif one.get("type") == "json" and not _is_json(one["value"]):
            problems.append(_problem(place, "value", "is invalid JSON", "INVALID_VALUE"))
        elif len(one["value"].encode()) > MAX_JSON:
            problems.append(_problem(place, "value", "is too large", "TOO_LONG"))
    if problems:
        return Node(metafields=None, userErrors=problems)
    fields = metafields_of(state, domain)
    nodes = []
    for one in asked:
        namespace = one.get("namespace") or "$app"
        fields[_name(one["ownerId"], namespace, one["key"])] = one["value"]
        nodes.append(
            Node(
                id=f"gid://shopify/Metafield/{state.next_number('metafield', 41_000_001)}",
                namespace=namespace,
                key=one["key"],
                type=one.get("type") or "json",
                value=one["value"],
            )
        )
    state.touch()
    return Node(metafields=nodes, userErrors=[])


def delete_metafields(state: State, domain: str, record: dict[str, Any], asked: list[dict[str, Any]]) -> Node:
    fields, deleted = metafields_of(state, domain), []
    for one in asked:
        _check_scope(record, one["ownerId"])
        there = fields.pop(_name(one["ownerId"], one["namespace"], one["key"]), None)
        deleted.append(Node(**one) if there is not None else None)
    state.touch()
    return Node(deletedMetafields=deleted, userErrors=[])


def metafields_of(state: State, domain: str) -> dict[str, str]:
    """{"<owner gid> <namespace>.<key>": value}"""
    found: dict[str, str] = state.part("metafields").setdefault(domain, {})
    return found


def metafield(state: State, domain: str, owner: str, namespace: str, key: str) -> Any:
    """The value as Liquid would give it, or None."""
    value = metafields_of(state, domain).get(_name(owner, namespace, key))
    return json.loads(value) if value is not None else None


def _name(owner: str, namespace: str, key: str) -> str:
    return f"{owner} {namespace}.{key}"


def _exists(owner: str) -> bool:
    return owner == INSTALLATION or owner in {f"gid://shopify/Product/{each['id']}" for each in PRODUCTS}


def _check_scope(record: dict[str, Any], owner: str) -> None:
    if "/Product/" in owner and "write_products" not in record["scopes"].split(","):
        raise GraphQLError(
            "Access denied for metafieldsSet field. Required access: `write_products` access scope.",
            extensions={"code": "ACCESS_DENIED"},
        )


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def _problem(place: int, field: str, message: str, code: str) -> Node:
    return Node(field=["metafields", str(place), field], message=message, code=code, elementIndex=place)
