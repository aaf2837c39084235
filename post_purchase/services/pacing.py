"""Rate limits of the networks, kept before they complain: a bucket per account and per person in Redis (GCRA).

Redis away means no pacing, not no sending: the networks' own refusals then slow us down.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from post_purchase.channels.base import Rate
from shopapp.lib import clock, queue

log = logging.getLogger("post_purchase.pacing")
HORIZON = 60.0  # seconds ahead for which places are given out

# KEYS: one per limit. ARGV: now, horizon, (gap, burst) per limit. Returns the seconds until the place that it took;
# nothing is taken where that is beyond the horizon.
_TAKE = """
local now, horizon, wait, news = tonumber(ARGV[1]), tonumber(ARGV[2]), 0, {}
for i, key in ipairs(KEYS) do
  local gap, burst = tonumber(ARGV[2 * i + 1]), tonumber(ARGV[2 * i + 2])
  local ready = math.max(tonumber(redis.call('GET', key) or '0'), now)
  if ready - now > 2 * horizon + gap * burst then ready = now end
  news[i] = ready + gap
  wait = math.max(wait, ready - gap * (burst - 1) - now)
end
if wait <= horizon then
  for i, key in ipairs(KEYS) do redis.call('SET', key, tostring(news[i]), 'EX', 3600) end
end
return tostring(wait)
"""


@dataclass(frozen=True)
class Place:
    """What wants a place: one message to this point through this account."""

    rate: Rate
    channel_id: int
    point_id: int


def reserve(places: Sequence[Place]) -> list[float]:
    """Take a place for each, in one round trip: 0 means now, else the seconds until it comes.

    Beyond HORIZON seconds none is taken.
    """
    now = clock.now().timestamp()
    try:
        pipe = queue.redis().pipeline(transaction=False)
        for place in places:
            keys, limits = _limits(place)
            pipe.eval(_TAKE, len(keys), *keys, now, HORIZON, *limits)
        return [max(0.0, float(wait)) for wait in pipe.execute()]
    except queue.RedisError:
        log.warning("pacing.redis_away")
        return [0.0 for _ in places]


def _limits(place: Place) -> tuple[list[str], list[float]]:
    rate = place.rate
    keys = [f"doorstep:pace:{place.channel_id}"]
    limits = [1 / rate.per_account_per_second, max(1.0, rate.per_account_per_second)]
    if rate.per_point_seconds:
        keys.append(f"doorstep:pace:{place.channel_id}:{place.point_id}")
        limits += [rate.per_point_seconds, rate.per_point_burst]
    return keys, limits
