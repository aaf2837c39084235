"""The key of a shopper's own page: random, stored hashed, for one contact point, good for a day."""

import re
import secrets
from datetime import timedelta

from django.conf import settings

from post_purchase.models import ContactPoint, ControlLink
from shopapp.lib import clock
from shopapp.lib.crypto import hash_secret
from shopapp.models import ShopStatus

LASTS = timedelta(days=1)
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)  # 192 random bits
IN_A_TEXT = re.compile(rf"/my#{TOKEN.pattern}", re.ASCII)


def make_link(point: ContactPoint) -> str:
    """The page's address with a new key behind the #, which no server and no log ever sees. The old key ends."""
    token = secrets.token_urlsafe(24)
    ControlLink.objects.update_or_create(
        point=point,
        defaults={"shop_id": point.shop_id, "token_hash": hash_secret(token), "expires_at": clock.now() + LASTS},
    )
    return f"{settings.APP_URL}/my#{token}"


def without_keys(text: str) -> str:
    """As the team may read it: the page is the shopper's own, and so is the key to it."""
    return IN_A_TEXT.sub("/my#…", text)


def open_link(token: str) -> ControlLink | None:
    """None: never made, replaced, too old, the person was erased, or the shop has removed the app."""
    token = token.strip().rpartition("#")[2]  # the whole link was pasted
    if not TOKEN.fullmatch(token):
        return None
    return (
        ControlLink.objects.select_related("point__contact__shop", "point__shop")
        .filter(token_hash=hash_secret(token), expires_at__gt=clock.now(), shop__status=ShopStatus.INSTALLED)
        .first()
    )


def end_link(point: ContactPoint) -> None:
    ControlLink.objects.filter(point=point).delete()
