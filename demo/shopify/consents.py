"""What a customer of the pretend shop agreed to: e-mail, SMS and WhatsApp, each with its state and its time."""

from datetime import datetime
from typing import Any

from graphql import GraphQLError

from demo.moments import iso
from demo.shopify.nodes import Node
from demo.state import State

NONE_YET = {"email": "NOT_SUBSCRIBED", "sms": "NEVER_SUBSCRIBED", "whatsapp": "NEVER_SUBSCRIBED"}
SETTABLE = ("SUBSCRIBED", "UNSUBSCRIBED", "PENDING")


def consents_of(state: State, domain: str, customer_id: str) -> dict[str, Any]:
    """{"email": {"state", "at"}, ...}; the shop's own staff, or a checkout, writes here too."""
    every: dict[str, Any] = state.part("consents").setdefault(domain, {})
    found: dict[str, Any] = every.setdefault(
        customer_id, {kind: {"state": none, "at": None} for kind, none in NONE_YET.items()}
    )
    return found


def with_consents(customer: Node, state: State, domain: str) -> Node:
    kept = consents_of(state, domain, customer["legacyResourceId"])
    if customer["defaultEmailAddress"] is not None:
        customer["defaultEmailAddress"]["marketingState"] = kept["email"]["state"]
        customer["defaultEmailAddress"]["marketingUpdatedAt"] = kept["email"]["at"]
    if customer["defaultPhoneNumber"] is not None:
        customer["defaultPhoneNumber"]["smsMarketingConsent"] = _node(kept["sms"])
        customer["defaultPhoneNumber"]["whatsAppMarketingConsent"] = _node(kept["whatsapp"])
    return customer


def set_consent(
    state: State,
    domain: str,
    record: dict[str, Any],
    customer: Node | None,
    kind: str,
    told: dict[str, Any],
    now: datetime,
) -> Node:
    """As strict as Shopify: the scope, a customer with such an address, a state that may be set, no time to come."""
    if "write_customers" not in record["scopes"].split(","):
        raise GraphQLError(
            "Access denied. Required access: `write_customers` access scope.", extensions={"code": "ACCESS_DENIED"}
        )
    wanted = told.get("marketingState") or told["state"]
    at = told.get("consentUpdatedAt") or told.get("updatedAt") or iso(now)
    address = customer and (customer["defaultEmailAddress"] if kind == "email" else customer["defaultPhoneNumber"])
    if customer is None:
        return _refused("customerId", "Customer not found", "INVALID")
    if address is None:
        what = "an email address" if kind == "email" else "a unique phone number"
        return _refused("customerId", f"The customer must have {what}", "MISSING_ARGUMENT")
    if wanted not in SETTABLE:
        return _refused("marketingState", f"Cannot specify {wanted} as a marketing state input", "INVALID")
    if datetime.fromisoformat(at) > now:
        return _refused("consentUpdatedAt", "Consent updated at must not be in the future", "INVALID")
    kept = consents_of(state, domain, customer["legacyResourceId"])
    kept[kind] = {"state": wanted, "at": at}
    state.touch()
    customer = with_consents(customer, state, domain)
    return Node(customer=customer, customerPhoneNumber=customer["defaultPhoneNumber"], userErrors=[])


def _node(kept: dict[str, Any]) -> Node:
    return Node(state=kept["state"], updatedAt=kept["at"])


def _refused(field: str, message: str, code: str) -> Node:
    problem = Node(field=["input", field], message=message, code=code)
    return Node(customer=None, customerPhoneNumber=None, userErrors=[problem])
