"""What a shopper may ask for, until when, and who decides: the merchant's rules. Pure but for `save`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from post_purchase.models import ActionKind, Order, ShopSettings
from post_purchase.words import ParcelState

BEFORE_IT_LEAVES = (ActionKind.CANCEL, ActionKind.ADDRESS)
SCOPES = {ActionKind.CANCEL: "write_orders", ActionKind.ADDRESS: "write_orders", ActionKind.RETURN: "write_returns"}
POLICY_SCOPE = "read_legal_policies"
ALL_SCOPES = ("write_orders", "write_returns", POLICY_SCOPE)  # shopify.app.toml, optional_scopes


class Mode(StrEnum):
    OFF = "off"
    PERSON = "person"  # arrives in the inbox, ready to approve
    AT_ONCE = "at_once"


@dataclass(frozen=True)
class Rule:
    mode: Mode = Mode.PERSON  # until the merchant chooses: nothing is done unseen, and nothing is left to be typed
    limit: int = 0  # hours since the order (cancel, address), days since delivery (return, exchange); 0: none


def rule_of(settings: ShopSettings, kind: str) -> Rule:
    row: Mapping[str, Any] = settings.action_rules.get(kind) or {}
    mode = Mode(row["mode"]) if row.get("mode") in list(Mode) else Mode.PERSON
    return Rule(mode, int(row.get("limit") or 0))


def save(settings: ShopSettings, rules: Mapping[str, Rule]) -> None:
    settings.action_rules = {kind: {"mode": rule.mode.value, "limit": rule.limit} for kind, rule in rules.items()}
    settings.save(update_fields=["action_rules"])


def obstacle(kind: str, order: Order, *, rule: Rule, now: datetime) -> str:
    """Why it cannot be asked for, in words for the team. Empty: it can."""
    if order.cancelled_at is not None:
        return "the order is cancelled"
    parcels = [parcel for parcel in order.parcels.all() if parcel.state != ParcelState.CANCELLED]
    if kind in BEFORE_IT_LEAVES:
        if parcels or order.fulfillment_status not in ("", "unfulfilled"):
            return "it is packed or on its way"
        if rule.limit and now > order.placed_at + timedelta(hours=rule.limit):
            return f"it was placed more than {rule.limit} hours ago"
        return ""
    if not parcels:
        return "it has not left yet"
    since = order.delivered_at
    if rule.limit and since is not None and now > since + timedelta(days=rule.limit):
        return f"it was delivered more than {rule.limit} days ago"
    return "a return is open already" if order.return_open else ""
