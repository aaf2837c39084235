"""The Admin GraphQL endpoint: real parsing and validation, cost and throttling, the answers of a shop's own rows."""

import threading
import time
from pathlib import Path
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    OperationType,
    build_schema,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)
from graphql.language import (
    DocumentNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    SelectionSetNode,
    VariableNode,
)

from demo.faults import Faults
from demo.moments import Now
from demo.server import Reply, Request
from demo.shopify.acting import Tell
from demo.shopify.oauth import OAuth
from demo.shopify.resolve import Root
from demo.state import State

SCHEMA = build_schema((Path(__file__).parent / "schema.graphql").read_text("utf-8"))
SUPPORTED = ("2026-01", "2026-04", "2026-07", "2026-10")
BUCKET = 2000.0  # points; Standard plan
RESTORE = 100.0  # points per second
MAX_COST = 1000


class AdminGraphQL:
    def __init__(self, state: State, oauth: OAuth, faults: Faults, now: Now):
        self.state, self.oauth, self.faults, self.now = state, oauth, faults, now
        self.buckets: dict[str, tuple[float, float]] = {}
        self.lock = threading.Lock()
        self.tell: Tell = lambda *_: None  # the shop's webhooks, where there is a shop around
        self.calls: list[tuple[str, str]] = []  # (shop, operation name), newest last

    def endpoint(self, request: Request, shop: str, version: str) -> Reply:
        fault = self.faults.take("shopify.graphql")
        if fault and fault.kind == "throttled":
            return self._throttled(shop, 10)
        return self.faults.apply(fault, lambda: self._answer(request, shop, version))

    def _answer(self, request: Request, shop: str, version: str) -> Reply:
        record = self.state.part("shops").get(shop)
        if record is None or version not in SUPPORTED:
            return Reply({"errors": "Not Found"}, status=404)
        if record["frozen"]:
            return Reply({"errors": "Unavailable Shop"}, status=402)
        token = request.headers.get("X-Shopify-Access-Token") or ""
        if not self.oauth.accepts(shop, token):
            text = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return Reply({"errors": text}, status=401)
        asked = request.json()
        if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
            return Reply({"errors": "query not given"}, status=400)
        try:
            document = parse(asked["query"])
        except GraphQLError as error:
            return Reply({"errors": [error.formatted]})
        problems = validate(SCHEMA, document)
        if problems:
            return Reply({"errors": [problem.formatted for problem in problems]})
        variables = asked.get("variables") or {}
        operation = get_operation_ast(document, asked.get("operationName"))
        if operation is None:
            return Reply({"errors": [{"message": "An operation name is required"}]})
        cost = _cost(document, operation.selection_set, variables)
        cost += 10 if operation.operation == OperationType.MUTATION else 0
        if cost > MAX_COST:
            return Reply(
                {"errors": [{"message": "Query cost is too high", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}
            )
        if self._spend(shop, cost) is None:
            return self._throttled(shop, cost)
        with self.state.lock:
            self.calls.append((shop, operation.name.value if operation.name else ""))
            root = Root(self.state, shop, record, self.now, self.tell)
            result = execute_sync(
                SCHEMA, document, root_value=root, variable_values=variables, operation_name=asked.get("operationName")
            )
        actual = min(cost, _objects(result.data) + (10 if operation.operation == OperationType.MUTATION else 0))
        left = self._give_back(shop, cost - actual)
        report = _cost_report(cost, left) | {"actualQueryCost": actual}
        answer: dict[str, Any] = {"data": result.data, "extensions": {"cost": report}}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        return Reply(answer, headers={"X-Request-Id": f"demo-{len(self.calls)}"})

    def _spend(self, shop: str, cost: int) -> float | None:
        with self.lock:
            now = time.monotonic()
            level, since = self.buckets.get(shop, (BUCKET, now))
            level = min(BUCKET, level + (now - since) * RESTORE)
            if level < cost:
                self.buckets[shop] = (level, now)
                return None
            self.buckets[shop] = (level - cost, now)
            return level - cost

    def _give_back(self, shop: str, points: int) -> float:
        """What was asked for and not found costs nothing: Shopify gives the difference back."""
        with self.lock:
            level, since = self.buckets[shop]
            self.buckets[shop] = (min(BUCKET, level + points), since)
            return self.buckets[shop][0]

    def _throttled(self, shop: str, cost: int) -> Reply:
        level = self.buckets.get(shop, (0.0, 0.0))[0]
        error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
        return Reply(
            {
                "errors": [error],
                "extensions": {"cost": _cost_report(cost, min(level, cost - 1)) | {"actualQueryCost": None}},
            }
        )


def _cost_report(cost: int, left: float) -> dict[str, Any]:
    status = {"maximumAvailable": BUCKET, "currentlyAvailable": int(left), "restoreRate": RESTORE}
    return {"requestedQueryCost": cost, "actualQueryCost": cost, "throttleStatus": status}


def _cost(document: DocumentNode, selections: SelectionSetNode | None, variables: dict[str, Any]) -> int:
    """An object costs 1, a scalar nothing, a connection what its page can hold."""
    total = 0
    fragments = {each.name.value: each for each in document.definitions if hasattr(each, "type_condition")}
    for node in selections.selections if selections else ():
        if isinstance(node, FragmentSpreadNode):
            total += _cost(document, fragments[node.name.value].selection_set, variables)
        elif isinstance(node, InlineFragmentNode):
            total += _cost(document, node.selection_set, variables)
        elif isinstance(node, FieldNode) and node.selection_set is not None:
            inner = _cost(document, node.selection_set, variables)
            if node.name.value in ("nodes", "edges", "node", "pageInfo", "userErrors"):
                total += inner
            else:
                total += 1 + inner * max(1, _page(node, variables) // 4)
    return total


def _objects(value: Any, name: str = "") -> int:
    """Objects in an answer; what only wraps them is free."""
    if isinstance(value, list):
        return sum(_objects(each, name) for each in value)
    if not isinstance(value, dict):
        return 0
    own = 0 if name in ("", "edges", "pageInfo", "userErrors") else 1
    return own + sum(_objects(inner, key) for key, inner in value.items())


def _page(node: FieldNode, variables: dict[str, Any]) -> int:
    for argument in node.arguments or ():
        if argument.name.value in ("first", "last"):
            if isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
            if isinstance(argument.value, VariableNode):
                return int(variables.get(argument.value.name.value) or 1)
    return 1
