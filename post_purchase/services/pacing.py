"""Rate limits of the networks, kept before they complain: a bucket per account and per person in Redis (GCRA).

Redis away means no pacing, not no sending: the networks' own refusals then slow us down.
"""

import logging

from post_purchase.channels.base import Rate
from shopapp.lib import clock, queue

log = logging.getLogger("post_purchase.pacing")

# KEYS: one per limit. ARGV: now, then (gap, burst) per limit. Takes from all or from none; returns the seconds to wait.
_TAKE = """
local now, wait, news = tonumber(ARGV[1]), 0, {}
for i, key in ipairs(KEYS) do
  local gap, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local ready = math.max(tonumber(redis.call('GET', key) or '0'), now)
  if ready - now > 2 * gap * burst then ready = now end
  news[i] = ready + gap
  wait = math.max(wait, ready - gap * (burst - 1) - now)
end
if wait <= 0 then
  for i, key in ipairs(KEYS) do redis.call('SET', key, tostring(news[i]), 'EX', 3600) end
end
return tostring(wait)
"""


def seconds_to_wait(*, rate: Rate, channel_id: int, point_id: int) -> float:
    """0: go, and it is counted. Otherwise the seconds until there is room, and nothing is counted."""
    keys = [f"doorstep:pace:{channel_id}"]
    limits = [1 / rate.per_account_per_second, max(1.0, rate.per_account_per_second)]
    if rate.per_point_seconds:
        keys.append(f"doorstep:pace:{channel_id}:{point_id}")
        limits += [rate.per_point_seconds, rate.per_point_burst]
    try:
        return max(0.0, float(queue.redis().eval(_TAKE, len(keys), *keys, clock.now().timestamp(), *limits)))
    except queue.RedisError:
        log.warning("pacing.redis_away")
        return 0.0
