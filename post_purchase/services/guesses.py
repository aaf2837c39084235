"""Guessing codes at the door: one counter for all, in Redis. No address is stored, and a good code always works."""

import time

from shopapp.lib import queue

MAX_UNKNOWN_PER_MINUTE = 300  # 80 random bits: a guesser at this rate needs longer than the universe has


def too_many_unknown() -> bool:
    """Count one unknown code. True when this minute has seen too many. Redis away: False."""
    key = f"doorstep:unknown-codes:{int(time.time() // 60)}"
    try:
        pipe = queue.redis().pipeline(transaction=False)
        pipe.incr(key)
        pipe.expire(key, 120)
        count, _ = pipe.execute()
    except queue.RedisError:
        return False
    return int(count) > MAX_UNKNOWN_PER_MINUTE
