"""How many links a page may ask for. Counted in Redis, as hashes; a link that is there already always comes.

A checkout token is whatever the page says, so each made-up one would be a row of ours.
"""

import time

from post_purchase.models import Link
from shopapp.lib import queue
from shopapp.lib.crypto import hash_code, hash_secret
from shopapp.models import Shop

PER_TOKEN = 10  # an ID token lives a minute and belongs to one page of one checkout
PER_SHOP_AND_MINUTE = 600  # Shopify itself takes far fewer orders a minute from all but a few shops
TOKEN_LIVES = 3600  # seconds; more than Shopify gives any


class TooManyLinks(Exception):
    """This page has asked for too many different links."""


def count_new_link(*, shop: Shop, code: str, token_id: str) -> bool:
    """Count a link that is not there yet. False: the shop has had too many in this minute; use the shop's own.

    Raises TooManyLinks where one ID token asks for many. Redis away: True.
    """
    if Link.objects.filter(code_hash=hash_code(code)).exists():
        return True
    mine = f"doorstep:links:{hash_secret(shop.domain + chr(0) + token_id)}"
    shops = f"doorstep:links:{shop.pk}:{int(time.time() // 60)}"
    try:
        pipe = queue.redis().pipeline(transaction=False)
        pipe.incr(mine)
        pipe.expire(mine, TOKEN_LIVES)
        pipe.incr(shops)
        pipe.expire(shops, 120)
        by_token, _, by_shop, _ = pipe.execute()
    except queue.RedisError:
        return True
    if int(by_token) > PER_TOKEN:
        raise TooManyLinks
    return int(by_shop) <= PER_SHOP_AND_MINUTE
