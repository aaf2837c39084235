"""How much of a shop's query budget is left: one leaky bucket per shop, shared by all processes through Redis.

Shopify tells the truth in every answer (`extensions.cost.throttleStatus`); between answers we subtract what we spend.
Without Redis nothing is known beforehand, the call goes out, and Shopify's own THROTTLED answer is obeyed.
"""

import logging
from typing import Any

from shopapp.lib import queue

log = logging.getLogger("shopapp.admin_api")
FIRST_GUESS = 12  # points, for an operation that has not run yet
FORGET_AFTER = 3600  # seconds

# KEYS: bucket. ARGV: cost, share of the bucket to leave for others.
# Takes the points and returns "0", or takes nothing and returns the seconds to wait.
TAKE = """
local known = redis.call('HMGET', KEYS[1], 'available', 'maximum', 'rate', 'at')
if not known[1] then return '0' end
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local maximum, rate = tonumber(known[2]), tonumber(known[3])
local available = math.min(maximum, tonumber(known[1]) + rate * math.max(0, now - tonumber(known[4])))
local cost = math.min(tonumber(ARGV[1]), maximum)
local wanted = math.min(cost + maximum * tonumber(ARGV[2]), maximum)
if available < wanted then return tostring((wanted - available) / rate) end
redis.call('HSET', KEYS[1], 'available', available - cost, 'at', now)
return '0'
"""
LEARN = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
redis.call('HSET', KEYS[1], 'available', ARGV[1], 'maximum', ARGV[2], 'rate', ARGV[3], 'at', now)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""


def take(shop_id: int, operation: str, *, reserve: float = 0.0) -> float:
    """Seconds to wait before this operation may be sent; 0: go, its points are taken.

    `reserve`: the share of the bucket that must be left afterwards, for work that people wait for.
    """
    try:
        connection = queue.redis()
        cost = float(connection.hget("doorstep:costs", operation) or FIRST_GUESS)
        return float(connection.eval(TAKE, 1, _bucket(shop_id), cost, reserve))
    except queue.RedisError:
        log.warning("admin_api.cost_unknown", extra={"shop": shop_id})
        return 0.0


def learn(shop_id: int, operation: str, cost: dict[str, Any]) -> None:
    """Remember what Shopify said in `extensions.cost`."""
    status = cost.get("throttleStatus")
    if not isinstance(status, dict):
        return
    try:
        numbers = [float(status[name]) for name in ("currentlyAvailable", "maximumAvailable", "restoreRate")]
        requested = float(cost.get("requestedQueryCost") or 0)
    except (KeyError, TypeError, ValueError):
        return
    if numbers[1] <= 0 or numbers[2] <= 0:
        return
    try:
        connection = queue.redis()
        connection.eval(LEARN, 1, _bucket(shop_id), *numbers, FORGET_AFTER)
        if requested > 0:
            connection.hset("doorstep:costs", operation, requested)
    except queue.RedisError:
        log.warning("admin_api.cost_unknown", extra={"shop": shop_id})


def seconds_until_affordable(cost: dict[str, Any]) -> float:
    """From a THROTTLED answer: how long until the bucket holds enough. A second where it does not say."""
    status = cost.get("throttleStatus")
    try:
        missing = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])  # type: ignore[index]
        return max(0.1, missing / float(status["restoreRate"]))  # type: ignore[index]
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return 1.0


def _bucket(shop_id: int) -> str:
    return f"doorstep:cost:{shop_id}"
