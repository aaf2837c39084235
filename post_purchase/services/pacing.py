"""Keeping to a network's rate before it tells us to: a leaky bucket (GCRA) per account and per person, shared in Redis.

Redis away: no pacing; the network's own answer (RETRY_AFTER) and `Channel.not_before` slow us down then.
"""

import logging
from datetime import datetime, timedelta

from post_purchase.channels.base import Rate
from shopapp.lib import queue
from shopapp.lib.queue import RedisError

log = logging.getLogger("post_purchase.pacing")
# KEYS: buckets. ARGV: now in ms, then interval in ms and burst of each. Takes from all or from none; gives the wait in ms.
TAKE = """
local now = tonumber(ARGV[1])
local wait = 0
local next_times = {}
for i, key in ipairs(KEYS) do
  local interval = tonumber(ARGV[2 * i])
  local burst = tonumber(ARGV[2 * i + 1])
  local tat = math.max(tonumber(redis.call('GET', key) or '0'), now)
  local early = tat - now - interval * (burst - 1)
  if early > wait then wait = early end
  next_times[i] = tat + interval
end
if wait > 0 then return math.ceil(wait) end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.3f', next_times[i]), 'PX', math.ceil(next_times[i] - now) + 1000)
end
return 0
"""


def take(*, channel_id: int, point_id: int, rate: Rate, now: datetime) -> timedelta:
    """Zero and taken, or how long to wait (and nothing taken)."""
    keys = [f"doorstep:rate:channel:{channel_id}"]
    numbers: list[float] = [1000 / rate.per_account_per_second, max(1.0, rate.per_account_per_second)]
    if rate.per_point_seconds:
        keys.append(f"doorstep:rate:point:{channel_id}:{point_id}")
        numbers += [rate.per_point_seconds * 1000, rate.per_point_burst]
    try:
        wait = queue.redis().eval(TAKE, len(keys), *keys, now.timestamp() * 1000, *numbers)
    except RedisError:
        log.warning("pacing.redis_away")
        return timedelta(0)
    return timedelta(milliseconds=int(wait))
