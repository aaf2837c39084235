"""Who is calling: ID tokens (JWT, HS256 with the app's secret) of the admin and of a buyer's page.

Both kinds are signed with the same secret for the same audience. A verifier that does not look at `iss`, `sub` and
`sid` takes a shopper for a merchant, so there are two verifiers, and each refuses the other's tokens.
Source of the claims: shopify.dev, "ID tokens" (App Home) and "Session token API" (checkout extensions).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from django.conf import settings
from shopify import session_token
from shopify.utils import shop_url

from shopapp.lib import clock

MAX_TOKEN_LENGTH = 4096
CUSTOMER_GID = re.compile(r"gid://shopify/Customer/([0-9]{1,19})", re.ASCII)
DIGITS = re.compile(r"[0-9]{1,20}", re.ASCII)


class InvalidIdToken(Exception):
    """The token does not prove what it would have to prove. The message holds no part of the token."""


@dataclass(frozen=True)
class AdminToken:
    """A member of staff in the Shopify admin of this shop."""

    shop: str  # example.myshopify.com
    user_id: str  # digits
    expires_at: datetime


@dataclass(frozen=True)
class BuyerToken:
    """A page of this shop's checkout. Proves the shop and the app, never an order."""

    shop: str
    customer_id: int | None  # only where the shopper is logged in
    token_id: str  # the same for each call with this token


def is_shop_domain(value: str) -> bool:
    """Exactly `<name>.myshopify.com`, in small letters, nothing around it."""
    return bool(value) and shop_url.sanitize_shop_domain(value) == value


def verify_admin_token(token: str) -> AdminToken:
    """Raises InvalidIdToken unless the token was made for this app's pages in the admin and is still good."""
    claims = _decode(token, require=[*session_token.REQUIRED_FIELDS, "aud", "exp", "nbf"])
    shop = _text(claims, "dest").removeprefix("https://")
    if not is_shop_domain(shop) or claims["dest"] != f"https://{shop}":
        raise InvalidIdToken("dest is not a shop")
    if claims["iss"] != f"https://{shop}/admin":
        raise InvalidIdToken("iss is not the admin of dest: not a token of the admin")
    if not DIGITS.fullmatch(_text(claims, "sub")):
        raise InvalidIdToken("sub is not a staff user: not a token of the admin")
    if not _text(claims, "sid"):
        raise InvalidIdToken("sid is empty")
    return AdminToken(shop=shop, user_id=claims["sub"], expires_at=datetime.fromtimestamp(claims["exp"], UTC))


def verify_buyer_token(token: str) -> BuyerToken:
    """Raises InvalidIdToken unless the token was made for a checkout or account page and is still good."""
    claims = _decode(token, require=["aud", "exp", "dest", "jti"])
    shop = _text(claims, "dest").removeprefix("https://")
    if not is_shop_domain(shop):
        raise InvalidIdToken("dest is not a shop")
    if "sid" in claims or _text(claims, "iss").rstrip("/").endswith("/admin"):
        raise InvalidIdToken("a token of the admin")
    subject = _text(claims, "sub")
    customer = CUSTOMER_GID.fullmatch(subject)
    if subject and not customer:
        raise InvalidIdToken("sub is not a customer: not a token of a buyer's page")
    return BuyerToken(shop=shop, customer_id=int(customer[1]) if customer else None, token_id=_text(claims, "jti"))


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise InvalidIdToken(f"{name} is not text")
    return value


def _decode(token: str, *, require: list[str]) -> dict[str, Any]:
    if not token or len(token) > MAX_TOKEN_LENGTH:
        raise InvalidIdToken("no token, or too long a one")
    failure: jwt.PyJWTError | None = None
    for secret in filter(None, (settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_OLD)):
        try:
            claims = jwt.decode(
                token,
                secret,
                audience=settings.SHOPIFY_API_KEY,
                algorithms=[session_token.ALGORITHM],
                # The times are judged below, by the app's own clock.
                options={"require": require, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.InvalidSignatureError as error:
            failure = error
        except jwt.PyJWTError as error:
            raise InvalidIdToken(type(error).__name__) from error
        else:
            _check_times(claims)
            return claims
    raise InvalidIdToken("signed with another secret") from failure


def _check_times(claims: dict[str, Any]) -> None:
    now = clock.now().timestamp()
    for name in ("exp", "nbf"):
        if name in claims and (isinstance(claims[name], bool) or not isinstance(claims[name], int | float)):
            raise InvalidIdToken(f"{name} is not a time")
    if not now - session_token.LEEWAY_SECONDS < claims["exp"] < now + 86400:
        raise InvalidIdToken("expired")
    if claims.get("nbf", 0) > now + session_token.LEEWAY_SECONDS:
        raise InvalidIdToken("not valid yet")
