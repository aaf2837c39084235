"""The one way to Shopify's Admin GraphQL API: named operations, budget kept, every kind of refusal told apart."""

import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar, overload

from django.conf import settings
from pydantic import BaseModel, ValidationError

from shopapp.lib import http
from shopapp.models import Shop, ShopStatus
from shopapp.shopify import cost, operations, tokens
from shopapp.shopify.errors import AdminApiError, UserError, UserErrors
from shopapp.shopify.results import misfits

__all__ = ["AdminApi", "AdminApiError", "UserError", "UserErrors"]
Model = TypeVar("Model", bound=BaseModel)
log = logging.getLogger("shopapp.admin_api")
TIMEOUT = 15.0  # seconds per request
MAX_WAIT = 3.0  # seconds that a call may sleep for budget before it hands the waiting to its caller
MAX_BYTES = 20 * 1024 * 1024
RETRYABLE_CODES = {"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"}
UNAVAILABLE = {
    402: "Shopify has frozen this shop until its bill is paid",
    403: "Shopify refuses access: a permission is missing, or the shop is closed",
    423: "Shopify has locked this shop",
}


class AdminApi:
    """Calls for one shop. Use outside transactions: every call crosses the network.

    `reserve`: background work leaves this share of the shop's query budget to calls that people wait for.
    """

    def __init__(self, shop: Shop, *, reserve: float = 0.0):
        self.shop, self.reserve = shop, reserve

    @overload
    def run(self, name: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]: ...

    @overload
    def run(self, name: str, variables: Mapping[str, Any] | None = None, *, result: type[Model]) -> Model: ...

    def run(
        self, name: str, variables: Mapping[str, Any] | None = None, *, result: type[BaseModel] | None = None
    ) -> dict[str, Any] | BaseModel:
        """The `data` of `operations/<name>.graphql`: as it came, or as `result` (shopify/results.py).

        Fields that this app may not read (protected customer data) come as None. Raises AdminApiError (code
        ODD_RESULT where the data does not fit `result`), UserErrors.
        """
        data = self._ask(name, variables or {})
        if result is None:
            return data
        try:
            return result.model_validate(data)
        except ValidationError as error:
            # Without its cause: pydantic's own text quotes the values.
            raise AdminApiError(
                f"Shopify's answer to {name} does not fit: {misfits(error)}", retryable=False, code="ODD_RESULT"
            ) from None

    def _ask(self, name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        document = operations.load(name)
        waited = 0.0
        refused_token = ""
        while True:
            wait = cost.take(self.shop.pk, name, reserve=self.reserve)
            if not wait:
                token = tokens.access_token(self.shop, rejected=refused_token)
                reply = self._post(name, document, variables, token)
                if reply.status == 401 and not refused_token:
                    refused_token = token
                    continue
                answer = self._read(name, reply)
                wait = _throttled_for(reply, answer)
                if not wait:
                    return self._result(name, answer)
            if waited + wait > MAX_WAIT:
                raise AdminApiError(
                    "The shop's query budget is used up",
                    retryable=True,
                    retry_after=timedelta(seconds=wait),
                    code="THROTTLED",
                )
            time.sleep(wait)
            waited += wait

    def _post(self, name: str, document: str, variables: Mapping[str, Any], token: str) -> http.Reply:
        origin = settings.SHOPIFY_ADMIN_ORIGIN.format(shop=self.shop.domain)
        started = time.monotonic()
        try:
            reply = http.request(
                "POST",
                f"{origin}/admin/api/{settings.SHOPIFY_API_VERSION}/graphql.json",
                headers={"X-Shopify-Access-Token": token, "Accept": "application/json"},
                json={"query": document, "operationName": name, "variables": dict(variables)},
                timeout=TIMEOUT,
                max_bytes=MAX_BYTES,
            )
        except http.HttpError as error:
            log.warning("admin_api.no_answer", extra={"shop": self.shop.pk, "operation": name})
            raise AdminApiError(str(error), retryable=True, code="UNREACHABLE") from error
        log.info(
            "admin_api.call",
            extra={
                "shop": self.shop.pk,
                "operation": name,
                "status": reply.status,
                "ms": round((time.monotonic() - started) * 1000),
                "request_id": reply.headers.get("x-request-id", ""),
            },
        )
        return reply

    def _read(self, name: str, reply: http.Reply) -> dict[str, Any]:
        """The parsed body of an answer that may hold a result. Raises AdminApiError for one that cannot."""
        if reply.status == 401:
            self._mark(
                ShopStatus.NEEDS_OPENING, "Shopify refuses a fresh token: open the app once in the Shopify admin"
            )
            raise AdminApiError(
                "Shopify refuses a fresh token", retryable=True, retry_after=timedelta(hours=1), code="UNAUTHORIZED"
            )
        if reply.status in UNAVAILABLE:
            reason = UNAVAILABLE[reply.status]
            self._mark(ShopStatus.UNAVAILABLE, reason)
            raise AdminApiError(
                reason,
                retryable=reply.status != 403,
                retry_after=None if reply.status == 403 else timedelta(hours=1),
                code=f"HTTP_{reply.status}",
            )
        if reply.status == 429:
            return {}
        if reply.status >= 500:
            raise AdminApiError(
                f"Shopify answered {reply.status}",
                retryable=True,
                retry_after=_retry_after(reply),
                code=f"HTTP_{reply.status}",
            )
        answer = reply.json()
        if reply.status != 200 or not isinstance(answer, dict):
            raise AdminApiError(
                f"Shopify answered {reply.status} and no result",
                retryable=reply.status == 200,
                code=f"HTTP_{reply.status}",
            )
        spent = _part(answer, "extensions").get("cost")
        if isinstance(spent, dict):
            cost.learn(self.shop.pk, name, spent)
            log.info(
                "admin_api.cost",
                extra={
                    "shop": self.shop.pk,
                    "operation": name,
                    "requested": spent.get("requestedQueryCost"),
                    "actual": spent.get("actualQueryCost"),
                },
            )
        return answer

    def _result(self, name: str, answer: dict[str, Any]) -> dict[str, Any]:
        codes = _codes(answer)
        data = answer.get("data")
        if "SHOP_INACTIVE" in codes:
            self._mark(ShopStatus.UNAVAILABLE, "The shop is closed at Shopify")
        if codes and (not isinstance(data, dict) or codes - {"ACCESS_DENIED"} or _all_empty(data)):
            log.warning(
                "admin_api.errors", extra={"shop": self.shop.pk, "operation": name, "codes": ",".join(sorted(codes))}
            )
            raise AdminApiError(
                f"Shopify refused {name} ({', '.join(sorted(codes))})",
                retryable=codes <= RETRYABLE_CODES,
                code=sorted(codes)[0],
            )
        if not isinstance(data, dict):
            raise AdminApiError(f"Shopify gave no data for {name}", retryable=True, code="NO_DATA")
        if codes:
            log.info("admin_api.fields_denied", extra={"shop": self.shop.pk, "operation": name})
        refused = _user_errors(data)
        if refused:
            raise UserErrors(refused)
        if self.shop.status == ShopStatus.UNAVAILABLE:
            Shop.objects.filter(pk=self.shop.pk, status=ShopStatus.UNAVAILABLE).update(
                status=ShopStatus.INSTALLED, status_reason=""
            )
            self.shop.status, self.shop.status_reason = ShopStatus.INSTALLED, ""
        return data

    def _mark(self, status: ShopStatus, reason: str) -> None:
        changed = (
            Shop.objects.filter(pk=self.shop.pk)
            .exclude(status=ShopStatus.UNINSTALLED)
            .update(status=status, status_reason=reason)
        )
        if changed:
            self.shop.status, self.shop.status_reason = status, reason
        log.warning("admin_api.shop_unavailable", extra={"shop": self.shop.pk, "shop_status": str(status)})


def _throttled_for(reply: http.Reply, answer: dict[str, Any]) -> float:
    """Seconds to wait where Shopify said "not now": HTTP 429, or THROTTLED inside a 200. Otherwise 0."""
    if reply.status == 429:
        after = _retry_after(reply)
        return after.total_seconds() if after else 1.0
    if "THROTTLED" in _codes(answer):
        return cost.seconds_until_affordable(_part(_part(answer, "extensions"), "cost"))
    return 0.0


def _retry_after(reply: http.Reply) -> timedelta | None:
    """Shopify writes "2.0"."""
    try:
        seconds = float(reply.headers.get("retry-after", ""))
    except ValueError:
        return None
    return timedelta(seconds=min(max(seconds, 0.1), 3600)) if seconds == seconds else None


def _part(answer: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = answer.get(name)
    return value if isinstance(value, dict) else {}


def _codes(answer: Mapping[str, Any]) -> set[str]:
    errors = answer.get("errors")
    if not errors:
        return set()
    if not isinstance(errors, list):
        return {"ERROR"}
    return {
        str(_part(error, "extensions").get("code") or "GRAPHQL_ERROR") if isinstance(error, dict) else "ERROR"
        for error in errors
    }


def _all_empty(data: Mapping[str, Any]) -> bool:
    return all(value is None for value in data.values())


def _user_errors(data: Mapping[str, Any]) -> list[UserError]:
    """The `userErrors` of every mutation in the document."""
    return [
        UserError(
            field=tuple(str(part) for part in error.get("field") or ()),
            message=str(error.get("message", "")),
            code=str(error.get("code") or ""),
        )
        for payload in data.values()
        if isinstance(payload, dict)
        for name, errors in payload.items()
        if name.endswith(("userErrors", "UserErrors")) and isinstance(errors, list)
        for error in errors
        if isinstance(error, dict)
    ]
