"""Single-use discount codes, as thanks or by a person. What the shopper thinks of the product is out of sight here.

The code is chosen and stored before Shopify is asked. A worker that dies after Shopify has made it, or an answer that
is lost on its way, therefore ends in TAKEN at the next try; the discount's title then says that it is ours.
"""

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.db.models import F

from post_purchase.models import Contact, Conversation, FlowRun, Order, Review, Reward, RewardStatus
from post_purchase.words import EventKind
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop
from shopapp.shopify.admin_api import AdminApi, AdminApiError, UserErrors
from shopapp.shopify.results import Result

from . import coded_messages
from .events import record_event
from .shops import settings_of

log = logging.getLogger("post_purchase.rewards")
NEWCOMERS = "number_of_orders=0"  # of a segment's query, without spaces
CODE_CHARACTERS = 10  # 50 random bits: 2^50 codes, Shopify's checkout slows guessing down
THANKS, FRIEND, FOR_YOU = "THANKS", "FRIEND", "FORYOU"  # the word before the dash says what the code is for
LEASE = timedelta(minutes=2)  # longer than one call may take (15 s, and 3 s of waiting for budget, twice)
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(hours=20)  # before the flow's own day is over: it then asks a person to keep the promise
MAX_ATTEMPTS = 60  # a row that stops every worker that touches it
SECONDS = 90.0  # of one run; RQ's limit for the hot queue is 120


class _Node(Result):
    id: str


class _Created(Result):
    code_discount_node: _Node


class Created(Result):
    discount_code_basic_create: _Created


class _Discount(Result):
    title: str = ""  # missing where it is another kind of discount, which we never make


class _Known(Result):
    id: str
    code_discount: _Discount


class Found(Result):
    code_discount_node_by_code: _Known | None


class _Segment(Result):
    id: str
    query: str


class _Segments(Result):
    nodes: list[_Segment]


class Segments(Result):
    segments: _Segments


@transaction.atomic
def request_reward(
    *,
    run: FlowRun,
    step_id: str,
    order: Order | None,
    contact: Contact | None,
    review: Review | None,
    dedupe_key: str,
    for_friend: bool = False,
    new_customers_only: bool = False,
) -> Reward:
    """Choose a code and have it made at Shopify soon. The same key returns the same reward.

    REWARD_ISSUED or REWARD_FAILED follows as an event. The percentage and the term are those of this moment.
    """
    now = clock.now()
    settings = settings_of(run.shop)
    zone = (order.timezone if order else "") or run.shop.timezone
    reward, created = Reward.objects.get_or_create(
        shop=run.shop,
        dedupe_key=dedupe_key,
        defaults={
            "run": run,
            "step_id": step_id,
            "order": order,
            "contact": contact,
            "review": review,
            "code": _new_code(FRIEND if for_friend else THANKS),
            "percentage": settings.reward_percentage,
            "new_customers_only": new_customers_only,
            "starts_at": now,
            "ends_at": _end_of_day(now + timedelta(days=settings.reward_valid_days), zone),
            "next_attempt_at": now,
        },
    )
    if created:
        wake(Job.ISSUE_REWARDS)
    return reward


@transaction.atomic
def request_for_talk(
    *, conversation: Conversation, percentage: Decimal, days: int, not_before: datetime, dedupe_key: str
) -> Reward:
    """A code that a person of the team gives, made when its message is due. The same key returns the same reward.

    What follows is told to its message (services/coded_messages), not to a flow.
    """
    order, shop = conversation.order, conversation.shop
    zone = (order.timezone if order else "") or shop.timezone
    reward, created = Reward.objects.get_or_create(
        shop=shop,
        dedupe_key=dedupe_key,
        defaults={
            "order": order,
            "contact": conversation.contact,
            "code": _new_code(FOR_YOU),
            "percentage": percentage,
            "starts_at": not_before,
            "ends_at": _end_of_day(not_before + timedelta(days=days), zone),
            "next_attempt_at": not_before,
        },
    )
    if created:
        wake(Job.ISSUE_REWARDS)
    return reward


def issue_due() -> int:
    """Have every due code made, oldest first. Returns how many were tried."""
    stop_at = time.monotonic() + SECONDS
    tried = 0
    while time.monotonic() < stop_at:
        reward = _claim()
        if reward is None:
            return tried
        _issue(reward)
        tried += 1
    wake(Job.ISSUE_REWARDS)
    return tried


def discount_input(reward: Reward, *, minimum: Decimal | None, segment: str = "") -> dict[str, Any]:
    """DiscountCodeBasicInput. `context` since 2025-10 (`customerSelection` is deprecated); a percentage is 0 to 1.

    `segment`: the id of the store's segment that alone may use the code.
    """
    requirement: Mapping[str, Any] = {"subtotal": {"greaterThanOrEqualToSubtotal": str(minimum)}} if minimum else {}
    return {
        "title": title_of(reward),
        "code": reward.code,
        "startsAt": _shopify_time(reward.starts_at),
        "endsAt": _shopify_time(reward.ends_at),
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "context": {"customerSegments": {"add": [segment]}} if segment else {"all": "ALL"},
        "customerGets": {"items": {"all": True}, "value": {"percentage": float(reward.percentage / 100)}},
    } | ({"minimumRequirement": requirement} if requirement else {})


def title_of(reward: Reward) -> str:
    """What the merchant reads in the list of discounts, and how we know our own again."""
    kinds = {FRIEND: "A code for a friend", FOR_YOU: "A code from your team"}
    what = kinds.get(reward.code.partition("-")[0], "Thanks for a review")
    return f"{what} ({reward.code}, Doorstep {reward.pk})"


def _claim() -> Reward | None:
    now = clock.now()
    due = Reward.objects.filter(status=RewardStatus.PENDING, next_attempt_at__lte=now)
    while (reward := due.order_by("next_attempt_at", "pk").first()) is not None:
        mine = Reward.objects.filter(
            pk=reward.pk, status=RewardStatus.PENDING, next_attempt_at=reward.next_attempt_at, attempts=reward.attempts
        )
        if mine.update(next_attempt_at=now + LEASE, attempts=F("attempts") + 1):
            return Reward.objects.select_related("shop", "order", "contact").get(pk=reward.pk)
    return None


def _issue(reward: Reward) -> None:
    obstacle = _obstacle(reward)
    if obstacle:
        _fail(reward, obstacle)
        return
    minimum = settings_of(reward.shop).reward_minimum_subtotal
    api = AdminApi(reward.shop)
    try:
        gid = _create(api, reward, minimum=minimum)
    except UserErrors as refused:
        _fail(reward, f"Shopify refused the discount: {refused}")
    except AdminApiError as error:
        if error.retryable and clock.now() < reward.starts_at + GIVE_UP_AFTER:
            _wait(reward, str(error), error.retry_after)
        else:
            _fail(reward, str(error))
    else:
        if gid:
            _succeed(reward, gid)
        else:
            _choose_another_code(reward)


def _obstacle(reward: Reward) -> str:
    if not reward.shop.is_installed:
        return "The app is no longer installed in this shop"
    if not 0 < reward.percentage <= 100:
        share = f"{reward.percentage.normalize():f}"
        return f"A discount of {share} % cannot be made: set the reward to more than 0 and at most 100 %"
    if coded_messages.was_taken_back(reward):
        return "Its message was taken back"
    if reward.attempts > MAX_ATTEMPTS:
        return "Given up: no try came to an end"
    return ""


def _create(api: AdminApi, reward: Reward, *, minimum: Decimal | None) -> str:
    """The id of our discount, made now or at an earlier try; "" where somebody else's discount has this code."""
    segment = _newcomers(api) if reward.new_customers_only else ""
    variables = {"discount": discount_input(reward, minimum=minimum, segment=segment)}
    try:
        created = api.run("CreateRewardCode", variables, result=Created)
    except UserErrors as refused:
        if "TAKEN" not in refused.codes:
            raise
    else:
        return created.discount_code_basic_create.code_discount_node.id
    known = api.run("FindRewardCode", {"code": reward.code}, result=Found).code_discount_node_by_code
    if known is None:
        raise AdminApiError("Shopify says that the code exists, and does not find it", retryable=True, code="TAKEN")
    return known.id if known.code_discount.title == title_of(reward) else ""


def _newcomers(api: AdminApi) -> str:
    """The store's segment of customers without an order. To make one needs write_customers, to find it read_customers.

    Shopify has no rule "first order only", and looks at segments when the checkout knows who buys: whom the store has
    never seen is in none. So this is the merchant's choice, not the rule of a friend's code.
    """
    found = api.run("FindSegments", {}, result=Segments).segments.nodes
    for segment in found:
        if "".join(segment.query.split()).lower() == NEWCOMERS:
            return segment.id
    raise AdminApiError(
        "The store has no customer segment “number_of_orders = 0”: make one under Customers, Segments",
        retryable=False,
        code="NO_SEGMENT",
    )


@transaction.atomic
def _succeed(reward: Reward, gid: str) -> None:
    issued = _still_waiting(reward).update(
        status=RewardStatus.ISSUED, discount_gid=gid[:128], issued_at=clock.now(), next_attempt_at=None, error=""
    )
    if issued:
        coded_messages.let_go(reward)
        data = {
            "code": reward.code,
            "percentage": f"{reward.percentage.normalize():f}",
            "ends_at": reward.ends_at.isoformat(),
        }
        _tell(reward, EventKind.REWARD_ISSUED, data)
        log.info("rewards.issued", extra={"reward": reward.pk, "attempt": reward.attempts})


@transaction.atomic
def _fail(reward: Reward, why: str) -> None:
    if _still_waiting(reward).update(status=RewardStatus.FAILED, error=why[:255], next_attempt_at=None):
        coded_messages.give_up(reward, why)
        _tell(reward, EventKind.REWARD_FAILED, {})
        log.warning("rewards.failed", extra={"reward": reward.pk, "attempt": reward.attempts})


def _wait(reward: Reward, why: str, retry_after: timedelta | None) -> None:
    pause = min(FIRST_WAIT * 2 ** min(reward.attempts - 1, 10), LONGEST_WAIT)
    until = clock.now() + max(pause, retry_after or timedelta(0))
    _still_waiting(reward).update(next_attempt_at=until, error=why[:255])
    log.warning("rewards.waits", extra={"reward": reward.pk, "attempt": reward.attempts})


@transaction.atomic
def _choose_another_code(reward: Reward) -> None:
    code = _new_code(reward.code.partition("-")[0])
    again = {"next_attempt_at": clock.now(), "error": "Another discount has this code"}
    if _still_waiting(reward).update(code=code, **again):
        coded_messages.rename_code(reward, code)


def _still_waiting(reward: Reward) -> Any:
    """The row, unless somebody whose lease was longer has finished it, or given it another code."""
    return Reward.objects.filter(pk=reward.pk, status=RewardStatus.PENDING, code=reward.code)


def _tell(reward: Reward, kind: EventKind, data: dict[str, Any]) -> None:
    if reward.code.startswith(FOR_YOU):
        return  # no flow has asked for it
    shop: Shop = reward.shop
    record_event(
        shop=shop,
        kind=kind,
        key=f"{kind}:{reward.pk}",
        order=reward.order,
        contact=reward.contact,
        data=data | {"run": reward.run_id},
    )


def _new_code(start: str) -> str:
    code = new_code()[:CODE_CHARACTERS]
    return f"{start}-{code[:5]}-{code[5:]}"


def _end_of_day(moment: datetime, zone_name: str) -> datetime:
    """The message names a day; the code works until that day is over where the shopper lives."""
    try:
        zone: Any = ZoneInfo(zone_name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = UTC
    return datetime.combine(moment.astimezone(zone).date(), time_of_day(23, 59, 59), tzinfo=zone).astimezone(UTC)


def _shopify_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
