"""Requested actions at Shopify. None of these mutations takes an idempotency key (Admin API 2026-10), so each is read
before it is written: what a dead worker has done already is found done. `sent_at` is committed before Shopify is told.
"""

import json
import logging
import time
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from post_purchase.channels.base import Button
from post_purchase.models import ActionKind, ActionState, RequestedAction
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.shopify.admin_api import AdminApi, AdminApiError, UserErrors
from shopapp.shopify.results import Result

from .action_words import address_of, said, say
from .orders import fetch_order
from .requested_actions import PREFIX, fail

log = logging.getLogger("post_purchase.actions")
WAITING = (ActionState.CONFIRMED, ActionState.UNDOING)
LEASE = timedelta(minutes=2)  # longer than five calls may take
CANCELLING = timedelta(minutes=5)  # Shopify's own job; only then it is told again
LOOK_AGAIN = timedelta(seconds=5)
FIRST_WAIT, LONGEST_WAIT, GIVE_UP_AFTER = timedelta(seconds=15), timedelta(minutes=30), timedelta(hours=6)
MAX_ATTEMPTS = 100
SECONDS = 90.0  # of one run; RQ's limit for the hot queue is 120
CLOCKS_DIFFER = timedelta(minutes=1)
STILL_HERE = ("UNFULFILLED", "ON_HOLD", "SCHEDULED")  # OrderDisplayFulfillmentStatus
REASONS = ("unwanted", "other", "unknown")  # handles of Shopify's own return reasons, the fitting first


class _Address(Result):
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    zip: str | None = None
    province_code: str | None = None
    country_code_v2: str | None = None
    phone: str | None = None

    def as_input(self) -> dict[str, str | None]:
        """MailingAddressInput."""
        names = ("first_name", "last_name", "company", "address1", "address2", "city", "zip", "province_code", "phone")
        camel = {"first_name": "firstName", "last_name": "lastName", "province_code": "provinceCode"}
        found = {camel.get(name, name): getattr(self, name) for name in names}
        return found | {"countryCode": self.country_code_v2}


class _Return(Result):
    id: str
    status: str
    created_at: datetime


class _Returns(Result):
    nodes: list[_Return]


class _Order(Result):
    id: str
    cancelled_at: datetime | None = None
    display_fulfillment_status: str
    shipping_address: _Address | None = None
    returns: _Returns | None = None

    @property
    def has_left(self) -> bool:
        return self.display_fulfillment_status not in STILL_HERE


class _GetOrder(Result):
    order: _Order | None


class _Refused(Exception):
    """It cannot be done; the words are for the team."""


def carry_out_due() -> int:
    """Every due action, oldest first. Returns how many were tried."""
    stop_at = time.monotonic() + SECONDS
    tried = 0
    while time.monotonic() < stop_at:
        action = _claim()
        if action is None:
            return tried
        _carry_out(action)
        tried += 1
    wake(Job.CARRY_OUT_ACTIONS)
    return tried


def _claim() -> RequestedAction | None:
    now = clock.now()
    due = RequestedAction.objects.filter(state__in=WAITING, next_attempt_at__lte=now)
    while (action := due.order_by("next_attempt_at", "pk").first()) is not None:
        mine = due.filter(pk=action.pk, next_attempt_at=action.next_attempt_at, attempts=action.attempts)
        if mine.update(next_attempt_at=now + LEASE, attempts=F("attempts") + 1):
            related = RequestedAction.objects.select_related("shop", "order__shop", "conversation", "point")
            return related.get(pk=action.pk)
    return None


def _carry_out(action: RequestedAction) -> None:
    began = (
        (action.done_at if action.state == ActionState.UNDOING else None) or action.decided_at or action.confirmed_at
    )
    try:
        if not action.shop.is_installed:
            raise _Refused("the app is no longer installed in this shop")
        if action.attempts > MAX_ATTEMPTS:
            raise _Refused("given up: no try came to an end")
        finished = _undo(action) if action.state == ActionState.UNDOING else _do(action)
    except _Refused as refused:
        _give_up(action, str(refused))
    except UserErrors as refused:
        _give_up(action, f"Shopify refused it: {refused}")
    except AdminApiError as error:
        if error.retryable and began is not None and clock.now() < began + GIVE_UP_AFTER:
            pause = min(FIRST_WAIT * 2 ** min(action.attempts - 1, 8), LONGEST_WAIT)
            _wait(action, max(pause, error.retry_after or pause), str(error))
        else:
            _give_up(action, str(error))
    else:
        if finished:
            _finish(action)
        else:
            _wait(action, LOOK_AGAIN, "Shopify is at it")


def _do(action: RequestedAction) -> bool:
    """True: it is done. False: Shopify is at it."""
    api = AdminApi(action.shop)
    order = _look(api, action)
    if action.kind == ActionKind.CANCEL:
        return _cancel(api, action, order)
    if action.kind == ActionKind.ADDRESS:
        return _change_address(api, action, order)
    return _ask_return(api, action, order)


def _look(api: AdminApi, action: RequestedAction) -> _Order:
    order = api.run("GetOrderForAction", {"id": action.order.gid}, result=_GetOrder).order
    if order is None:
        raise _Refused("Shopify has no such order")
    return order


def _cancel(api: AdminApi, action: RequestedAction, order: _Order) -> bool:
    if order.cancelled_at is not None:
        return True
    if order.has_left:
        raise _Refused("it is packed or on its way")
    if action.sent_at is not None and clock.now() < action.sent_at + CANCELLING:
        return False
    _about_to_send(action)
    api.run("CancelOrder", {"id": action.order.gid, "note": f"Asked for in the chat (Doorstep {action.pk})"})
    return _look(api, action).cancelled_at is not None


def _change_address(api: AdminApi, action: RequestedAction, order: _Order) -> bool:
    if order.cancelled_at is not None:
        raise _Refused("the order is cancelled")
    wanted = address_of(action)
    if wanted is None:
        raise _Refused("the new address was erased")
    now = (order.shipping_address or _Address()).as_input()
    new = now | {
        "address1": wanted.street,
        "address2": None,
        "city": wanted.city,
        "zip": wanted.zip,
        "provinceCode": wanted.province or None,
        "countryCode": wanted.country,
    }
    if _same(now, new):
        return True
    if order.has_left:
        raise _Refused("it is packed or on its way")
    if not action.address_before:
        action.address_before = json.dumps(now)
    _about_to_send(action)
    api.run("UpdateShippingAddress", {"id": action.order.gid, "address": _given(new)})
    return True


def _ask_return(api: AdminApi, action: RequestedAction, order: _Order) -> bool:
    asked_at = (action.confirmed_at or action.asked_at) - CLOCKS_DIFFER
    known = order.returns.nodes if order.returns else []
    mine = [each for each in known if each.status in ("REQUESTED", "OPEN") and each.created_at >= asked_at]
    if mine:
        action.return_gid = mine[-1].id
        return True
    found = api.run("ListReturnable", {"id": action.order.gid})
    reasons = {each["handle"]: each["id"] for each in found["returnReasonDefinitions"]["nodes"] if not each["deleted"]}
    reason = next((reasons[handle] for handle in REASONS if handle in reasons), None)
    wanted = {f"gid://shopify/LineItem/{line}" for line in action.lines}
    lines = [
        {"fulfillmentLineItemId": part["fulfillmentLineItem"]["id"], "quantity": part["quantity"]}
        | ({"returnReasonDefinitionId": reason} if reason else {})
        for parcel in found["returnableFulfillments"]["nodes"]
        for part in parcel["returnableFulfillmentLineItems"]["nodes"]
        if part["fulfillmentLineItem"]["lineItem"]["id"] in wanted and part["quantity"] > 0
    ]
    if not lines:
        raise _Refused("Shopify says that nothing of it can be returned")
    _about_to_send(action)
    made = api.run("RequestReturn", {"input": {"orderId": action.order.gid, "returnLineItems": lines}})
    action.return_gid = str(made["returnRequest"]["return"]["id"])
    return True


def _undo(action: RequestedAction) -> bool:
    api = AdminApi(action.shop)
    order = _look(api, action)
    if action.kind == ActionKind.RETURN:
        state = next(
            (each.status for each in (order.returns.nodes if order.returns else []) if each.id == action.return_gid), ""
        )
        if state == "CANCELED":
            return True
        if state not in ("REQUESTED", "OPEN"):
            raise _Refused("the return can no longer be taken back")
        api.run("CancelReturn", {"id": action.return_gid})
        return True
    before: dict[str, Any] = json.loads(action.address_before or "{}")
    if not before:
        raise _Refused("the address before is not known")
    if _same((order.shipping_address or _Address()).as_input(), before):
        return True
    if order.has_left:
        raise _Refused("it is packed or on its way")
    api.run("UpdateShippingAddress", {"id": action.order.gid, "address": _given(before)})
    return True


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all((one.get(name) or "") == (other.get(name) or "") for name in {*one, *other})


def _given(address: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in address.items() if value}


def _about_to_send(action: RequestedAction) -> None:
    action.sent_at = clock.now()
    RequestedAction.objects.filter(pk=action.pk).update(sent_at=action.sent_at, address_before=action.address_before)


def _still_mine(action: RequestedAction) -> Any:
    return RequestedAction.objects.filter(pk=action.pk, state=action.state, attempts=action.attempts)


def _finish(action: RequestedAction) -> None:
    undone = action.state == ActionState.UNDOING
    with transaction.atomic():
        news = {"error": "", "next_attempt_at": None, "return_gid": action.return_gid[:128]}
        if undone:
            done = _still_mine(action).update(state=ActionState.UNDONE, **news)
        else:
            done = _still_mine(action).update(state=ActionState.DONE, done_at=clock.now(), **news)
        if not done:
            return
        can_undo = not undone and (action.kind == ActionKind.RETURN or bool(action.address_before))
        undo = Button(id=f"{PREFIX}:{action.pk}:undo", title=said("undo", action.language))
        name = "undone" if undone else f"done_{action.kind}"
        message = say(action, name, key=name, buttons=[undo] if can_undo else [])
        if message is not None:
            RequestedAction.objects.filter(pk=action.pk).update(question_key=message.dedupe_key)
    log.info("actions.done", extra={"action": action.pk, "attempt": action.attempts})
    try:
        fetch_order(shop=action.shop, shopify_id=action.order.shopify_id)
    except AdminApiError:
        log.info("actions.order_comes_later", extra={"action": action.pk})  # Shopify's news tells it too


@transaction.atomic
def _give_up(action: RequestedAction, why: str) -> None:
    if _still_mine(action).update(error=why[:255]):
        fail(action, why)
        log.warning("actions.failed", extra={"action": action.pk, "attempt": action.attempts})


def _wait(action: RequestedAction, pause: timedelta, why: str) -> None:
    _still_mine(action).update(next_attempt_at=clock.now() + pause, error=why[:255])
