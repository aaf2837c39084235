"""Answers of the pretend Admin API, made from the same REST-shaped orders that the webhooks tell."""

import json
import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import GraphQLError

from demo.moments import Now, iso
from demo.shopify.acting import Acting, Tell
from demo.shopify.consents import set_consent, with_consents
from demo.shopify.metafields import delete_metafields, set_metafields
from demo.shopify.nodes import Node, connection_node, customer_node, discount_node
from demo.state import State

EXTENSIONS = Path(__file__).resolve().parents[2] / "extensions"
MAX_CODE = 255
NEWCOMERS = "gid://shopify/Segment/1"  # as in every new store; `segments` of the record has others
MAX_TRIGGER = 50_000  # bytes of a Flow trigger's payload (shopify.dev, "Create a Flow trigger")


class Root(Acting):
    def __init__(self, state: State, domain: str, record: dict[str, Any], now: Now, tell: Tell):
        self.state, self.domain, self.record, self.now, self.tell = state, domain, record, now, tell

    # queries
    def shop(self, info: Any) -> Node:
        record = self.record
        host = record["primary_url"].split("://")[1]
        return Node(
            id=f"gid://shopify/Shop/{record['id']}",
            name=record["name"],
            myshopifyDomain=self.domain,
            primaryDomain=Node(id="gid://shopify/Domain/1", host=host, url=record["primary_url"]),
            url=record["primary_url"],
            contactEmail=record["email"],
            email=record["email"],
            ianaTimezone=record["timezone"],
            currencyCode=record["currency"],
            enabledPresentmentCurrencies=[record["currency"]],
            plan=Node(publicDisplayName=record["plan"], shopifyPlus=False, partnerDevelopment=False),
            shopAddress=Node(countryCodeV2=record["country"]),
            billingAddress=Node(countryCodeV2=record["country"]),
            shopPolicies=lambda info: self.policies(),
        )

    def order(self, info: Any, id: str) -> Node | None:
        found = self._orders().get(id.rsplit("/", 1)[-1])
        return self._order(found) if found else None

    def orders(
        self, info: Any, query: str = "", sortKey: str = "PROCESSED_AT", reverse: bool = False, **page: Any
    ) -> Node:
        key = {"UPDATED_AT": "updated_at", "CREATED_AT": "created_at", "ID": "id"}.get(sortKey, "processed_at")
        found = sorted(self._search(query or ""), key=lambda each: (each[key], each["id"]), reverse=reverse)
        return connection_node([self._order(each) for each in found], **page)

    def ordersCount(self, info: Any, query: str = "", limit: int = 10000) -> Node:
        return Node(count=len(self._search(query or "")), precision="EXACT")

    def fulfillment(self, info: Any, id: str) -> Node | None:
        for order in self._orders().values():
            for parcel in order["fulfillments"]:
                if str(parcel["id"]) == id.rsplit("/", 1)[-1]:
                    return self._parcel(parcel, order)
        return None

    def codeDiscountNodeByCode(self, info: Any, code: str) -> Node | None:
        discount = self._discounts().get(code.upper())
        return discount_node(discount) if discount else None

    def segments(self, info: Any, **page: Any) -> Node:
        found = self.record.get("segments", [[NEWCOMERS, "Customers who haven't purchased", "number_of_orders = 0"]])
        return connection_node([Node(id=id, name=name, query=query) for id, name, query in found], **page)

    def currentAppInstallation(self, info: Any) -> Node:
        scopes = [Node(handle=scope, description=scope) for scope in self.record["scopes"].split(",")]
        url = f"https://{self.domain}/admin/apps/doorstep"
        return Node(id="gid://shopify/AppInstallation/1", launchUrl=url, accessScopes=scopes, activeSubscriptions=[])

    def shopLocales(self, info: Any, published: bool = False) -> list[Node]:
        if "read_locales" not in self.record["scopes"].split(","):
            raise GraphQLError("Access denied for shopLocales field.", extensions={"code": "ACCESS_DENIED"})
        return [Node(locale=self.record["locale"], name=self.record["locale"], primary=True, published=True)]

    def customer(self, info: Any, id: str) -> Node | None:
        for order in self._orders().values():
            if order["customer"] and str(order["customer"]["id"]) == id.rsplit("/", 1)[-1]:
                return with_consents(customer_node(order["customer"], order), self.state, self.domain)
        return None

    def product(self, info: Any, id: str) -> Node | None:
        found = [each for each in self.catalogue() if str(each["id"]) == id.rsplit("/", 1)[-1]]
        return self._product(found[0]) if found else None

    def products(self, info: Any, query: str = "", sortKey: str = "ID", reverse: bool = False, **page: Any) -> Node:
        found = [self._product(each) for each in self.catalogue()]
        for operator, value in re.findall(r"updated_at:(>=|>)'([^']+)'", query or ""):
            test = str.__ge__ if operator == ">=" else str.__gt__
            found = [each for each in found if test(each["updatedAt"], _comparable(value))]
        if sortKey == "UPDATED_AT":
            found.sort(key=lambda each: (each["updatedAt"], each["id"]))
        return connection_node(found[::-1] if reverse else found, **page)

    # mutations
    def customerEmailMarketingConsentUpdate(self, info: Any, input: dict[str, Any]) -> Node:
        return self._consent("email", input, input["emailMarketingConsent"])

    def customerSmsMarketingConsentUpdate(self, info: Any, input: dict[str, Any]) -> Node:
        return self._consent("sms", input, input["smsMarketingConsent"])

    def customerWhatsAppMarketingConsentUpdate(self, info: Any, input: dict[str, Any]) -> Node:
        return self._consent("whatsapp", input, input["whatsAppMarketingConsent"])

    def _consent(self, kind: str, input: dict[str, Any], told: dict[str, Any]) -> Node:
        customer = self.customer(None, input["customerId"])
        return set_consent(self.state, self.domain, self.record, customer, kind, told, self.now())

    def discountCodeBasicCreate(self, info: Any, basicCodeDiscount: dict[str, Any]) -> Node:
        asked, problems = basicCodeDiscount, []
        code = str(asked.get("code") or "")
        value = (asked.get("customerGets") or {}).get("value") or {}
        if not asked.get("title"):
            problems.append(_problem("title", "Title can't be blank", "BLANK"))
        if not code:
            problems.append(_problem("code", "Code can't be blank", "BLANK"))
        elif len(code) > MAX_CODE:
            problems.append(_problem("code", "Code is too long (maximum is 255 characters)", "TOO_LONG"))
        elif code.upper() in self._discounts():
            problems.append(_problem("code", "Code must be unique. Please try a different code.", "TAKEN"))
        if not asked.get("startsAt"):
            problems.append(_problem("startsAt", "Starts at can't be blank", "BLANK"))
        elif asked.get("endsAt") and asked["endsAt"] <= asked["startsAt"]:
            problems.append(_problem("endsAt", "Ends at needs to be after starts_at", "INVALID"))
        if not asked.get("context"):
            problems.append(_problem("context", "Context can't be blank", "BLANK"))
        percentage = value.get("percentage")
        if percentage is None:
            problems.append(_problem("customerGets", "Value can't be blank", "BLANK"))
        elif not 0 < percentage <= 1:
            problems.append(_problem("customerGets", "Value must be between 0.0 and 1.0", "VALUE_OUTSIDE_RANGE"))
        if problems:
            return Node(codeDiscountNode=None, userErrors=problems)
        number = self.state.next_number("discount", 1_300_000_000_001)
        discount = dict(asked) | {
            "id": f"gid://shopify/DiscountCodeNode/{number}",
            "code": code,
            "percentage": percentage,
            "createdAt": iso(self.now()),
            "startsAt": str(asked["startsAt"]),
            "endsAt": str(asked.get("endsAt") or ""),
            "usageLimit": asked.get("usageLimit"),
            "appliesOncePerCustomer": bool(asked.get("appliesOncePerCustomer")),
            "status": "ACTIVE",
            "used": 0,
        }
        self._discounts()[code.upper()] = discount
        self.state.touch()
        return Node(codeDiscountNode=discount_node(discount), userErrors=[])

    def discountCodeDeactivate(self, info: Any, id: str) -> Node:
        for discount in self._discounts().values():
            if discount["id"] == id:
                discount["status"] = "EXPIRED"
                discount["endsAt"] = iso(self.now())
                self.state.touch()
                return Node(codeDiscountNode=discount_node(discount), userErrors=[])
        return Node(codeDiscountNode=None, userErrors=[_problem("id", "Code discount does not exist", "INVALID")])

    def metafieldsSet(self, info: Any, metafields: list[dict[str, Any]]) -> Node:
        return set_metafields(self.state, self.domain, self.record, metafields)

    def metafieldsDelete(self, info: Any, metafields: list[dict[str, Any]]) -> Node:
        return delete_metafields(self.state, self.domain, self.record, metafields)

    def flowTriggerReceive(
        self, info: Any, handle: str = "", payload: dict[str, Any] | None = None, body: str = ""
    ) -> Node:
        """Shopify Flow hears of it: kept, so that it can be looked at."""
        problem = _trigger_problem(handle, payload)
        if problem:
            return Node(userErrors=[Node(field=["payload"], message=f"Errors validating schema: {problem}")])
        self.state.part("flow_triggers").setdefault(self.domain, []).append({"handle": handle, "payload": payload})
        self.state.touch()
        return Node(userErrors=[])

    # rows
    def _orders(self) -> dict[str, Any]:
        return self.state.part("orders").setdefault(self.domain, {})

    def _discounts(self) -> dict[str, Any]:
        return self.state.part("discounts").setdefault(self.domain, {})

    def _search(self, query: str) -> list[dict[str, Any]]:
        """`updated_at:>=T`, `created_at:>T`, `name:#1001`, `checkout_token:..`, `id:..`, joined by spaces or AND."""
        found = list(self._orders().values())
        for name, operator, value in re.findall(r"(\w+):(>=|<=|>|<)?[\"']?([^\s\"']+)[\"']?", query):
            if name in ("updated_at", "created_at", "processed_at"):
                when = _comparable(value)
                tests = {">=": str.__ge__, "<=": str.__le__, ">": str.__gt__, "<": str.__lt__}
                test = tests.get(operator, str.__eq__)
                found = [each for each in found if test(each[name], when)]
            elif name in ("name", "checkout_token", "confirmation_number", "id", "email"):
                found = [each for each in found if str(each[name]).lstrip("#") == value.lstrip("#")]
        return found


@lru_cache(maxsize=1)
def flow_triggers() -> dict[str, set[str]]:
    """{handle: what its payload may hold} of the triggers in extensions/."""
    found = {}
    for file in sorted(EXTENSIONS.glob("*/shopify.extension.toml")):
        toml = tomllib.loads(file.read_text("utf-8"))
        for one in toml.get("extensions", []):
            if one.get("type") == "flow_trigger":
                fields = toml.get("settings", {}).get("fields", [])
                found[one["handle"]] = {
                    each["key"] if "key" in each else each["type"].replace("_reference", "_id") for each in fields
                }
    return found


def _trigger_problem(handle: str, payload: dict[str, Any] | None) -> str:
    if handle not in flow_triggers():
        return f"Invalid handle '{handle}'"
    if not isinstance(payload, dict) or len(json.dumps(payload)) > MAX_TRIGGER:
        return "a payload of at most 50 KB is needed"
    unknown = sorted(set(payload) - flow_triggers()[handle])
    return f"Invalid properties {unknown}" if unknown else ""


def _problem(field: str, message: str, code: str) -> Node:
    return Node(field=["basicCodeDiscount", field], message=message, code=code, extraInfo=None)


def _comparable(value: str) -> str:
    """Shopify takes `2026-11-20T10:00:00Z`, an offset, or a day alone."""
    text = value.replace("+00:00", "Z")
    text = re.sub(r"\.\d+Z$", "Z", text)
    return text if "T" in text else f"{text}T00:00:00Z"
