"""Guessing codes at the door: counted per minute in Redis, by visitor and for all. A good code always works.

The visitor's address is hashed with a key and the minute, and forgotten after two. A mistyped code is told so to
anybody at any time, however many strangers are guessing.
"""

import hmac
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from shopapp.lib import queue

from .visits import network_of

MAX_UNKNOWN_PER_MINUTE = 300  # of all; 80 random bits: a guesser at this rate needs longer than the universe has
MAX_PER_VISITOR = 60
OWN_TRIES = 5  # a minute, which nobody else can use up


def too_many_unknown(environ: Mapping[str, Any]) -> bool:
    """Count one unknown code. True when this visitor has tried too many. Redis away: False."""
    minute = int(time.time() // 60)
    visitor = hmac.digest(settings.SECRET_KEY.encode(), f"{minute}|{network_of(environ)}".encode(), "sha256").hex()[:24]
    keys = (f"doorstep:unknown-codes:{minute}", f"doorstep:unknown-codes:{minute}:{visitor}")
    try:
        pipe = queue.redis().pipeline(transaction=False)
        for key in keys:
            pipe.incr(key)
            pipe.expire(key, 120)
        of_all, _, own, _ = pipe.execute()
    except queue.RedisError:
        return False
    return int(own) > MAX_PER_VISITOR or (int(of_all) > MAX_UNKNOWN_PER_MINUTE and int(own) > OWN_TRIES)
