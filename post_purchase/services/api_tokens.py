"""Tokens for a merchant's own systems: made and revoked in the settings, told from others by their hash."""

import logging
from datetime import timedelta

from post_purchase.models import ApiToken
from shopapp.lib import clock, queue
from shopapp.lib.crypto import hash_secret, new_code
from shopapp.models import Shop

log = logging.getLogger("post_purchase.api_tokens")
PREFIX = "doorstep_"  # so that scanners for leaked secrets, and people, know what it is
MAX_TOKENS = 20  # of one shop
LONGEST = 64  # characters of what is offered as a token
CALLS_A_MINUTE = 120  # of one shop
USE_IS_NOTED_EVERY = timedelta(minutes=1)


class TooMany(Exception):
    """The shop has as many tokens as it may have."""


def make_token(*, shop: Shop, name: str, user_id: str = "") -> tuple[ApiToken, str]:
    """(row, the token: it can never be shown again). Raises TooMany."""
    if shop.api_tokens.filter(revoked_at=None).count() >= MAX_TOKENS:
        raise TooMany(f"A shop can have {MAX_TOKENS} tokens. Revoke one that is not used any more.")
    token = f"{PREFIX}{new_code()}{new_code()}"  # 160 random bits
    row = ApiToken.objects.create(
        shop=shop,
        name=name,
        token_hash=hash_secret(token),
        tail=token[-4:],
        created_at=clock.now(),
        created_by=user_id[:64],
    )
    return row, token


def revoke(*, token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=clock.now())


def shop_of(offered: str) -> Shop | None:
    """Whose token it is; None: nobody's, a revoked one, or of a shop that has left."""
    if not offered.startswith(PREFIX) or len(offered) > LONGEST:
        return None
    row = ApiToken.objects.select_related("shop").filter(token_hash=hash_secret(offered), revoked_at=None).first()
    if row is None or not row.shop.is_installed:
        return None
    now = clock.now()
    if row.last_used_at is None or row.last_used_at <= now - USE_IS_NOTED_EVERY:
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
    return row.shop


def seconds_to_wait(shop: Shop) -> int:
    """0: this call is within the shop's limit, and counted. Redis away means no limit, not no service."""
    now = int(clock.now().timestamp())
    key = f"doorstep:api:{shop.pk}:{now // 60}"
    try:
        pipe = queue.redis().pipeline()
        pipe.incr(key)
        pipe.expire(key, 120)
        count = int(pipe.execute()[0])
    except queue.RedisError:
        log.warning("api_tokens.redis_away")
        return 0
    return 60 - now % 60 if count > CALLS_A_MINUTE else 0
