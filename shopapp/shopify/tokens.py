"""A shop's pair of tokens: exchanged for an ID token, refreshed by one worker at a time, stored together, encrypted.

Access tokens live an hour, refresh tokens 90 days. The previous refresh token keeps working until the new one is first
used (shopify.dev changelog, "More resilient refreshes", 2026-08-28): a worker killed before it stored loses nothing.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q

from shopapp.lib import clock, http
from shopapp.models import Shop, ShopStatus
from shopapp.shopify.errors import AdminApiError
from shopapp.shopify.id_tokens import InvalidIdToken

log = logging.getLogger("shopapp.tokens")
LEASE = timedelta(seconds=30)  # longer than the request may take
TIMEOUT = 10.0  # seconds
WAIT_SECONDS = 35.0  # for another worker's refresh: past its lease, so that a dead one is replaced
POLL_SECONDS = 0.1
KEEP_ALIVE_AFTER = timedelta(days=7)


@dataclass(frozen=True)
class TokenPair:
    access_token: str
    access_token_expires_at: datetime
    refresh_token: str
    refresh_token_expires_at: datetime | None
    scopes: str

    def fields(self, *, saved_at: datetime) -> dict[str, Any]:
        """For one UPDATE: the pair is stored whole or not at all."""
        return {
            "access_token": self.access_token,
            "access_token_expires_at": self.access_token_expires_at,
            "refresh_token": self.refresh_token,
            "refresh_token_expires_at": self.refresh_token_expires_at,
            "scopes": self.scopes,
            "token_pair_saved_at": saved_at,
            "refresh_lease_until": None,
        }


def exchange(*, shop_domain: str, id_token: str) -> TokenPair:
    """An expiring offline token pair for an ID token of the admin. Raises InvalidIdToken, AdminApiError."""
    return _ask(
        shop_domain,
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": id_token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
            "expiring": 1,
        },
    )


def access_token(shop: Shop, *, rejected: str = "") -> str:
    """A token that is good for at least five minutes; refreshed by one worker when need be, the others wait.

    `rejected`: a token that Shopify has just refused, whatever its date. Raises AdminApiError.
    """
    give_up_at = time.monotonic() + WAIT_SECONDS
    shop = Shop.objects.get(pk=shop.pk)  # a copy: the caller's row may hold changes that are not saved yet
    while True:
        _refuse_unusable(shop)
        if shop.access_token != rejected and shop.token_is_fresh(now=clock.now()):
            return str(shop.access_token)
        if _claim(shop):
            shop.refresh_from_db()  # another worker may have finished between our look and our claim
            if shop.access_token == rejected or not shop.token_is_fresh(now=clock.now()):
                return refresh(shop)
            Shop.objects.filter(pk=shop.pk, refresh_lease_until=shop.refresh_lease_until).update(
                refresh_lease_until=None
            )
            return str(shop.access_token)
        if time.monotonic() > give_up_at:
            raise AdminApiError("The token is being refreshed elsewhere", retryable=True, code="REFRESHING")
        time.sleep(POLL_SECONDS)
        shop.refresh_from_db()


def keep_alive(shop: Shop) -> bool:
    """Renew the 90 days of a shop that nobody opens. False when another worker is at it."""
    _refuse_unusable(shop)
    if not _claim(shop):
        return False
    refresh(shop)
    return True


def _claim(shop: Shop) -> bool:
    now = clock.now()
    mine = now + LEASE
    free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lte=now)
    if not Shop.objects.filter(free, pk=shop.pk).update(refresh_lease_until=mine):
        return False
    shop.refresh_lease_until = mine
    return True


def refresh(shop: Shop) -> str:
    """Ask Shopify for a new pair and store it. The caller holds the lease, `shop.refresh_lease_until`."""
    own = Shop.objects.filter(pk=shop.pk, refresh_lease_until=shop.refresh_lease_until)
    try:
        pair = _ask(shop.domain, {"grant_type": "refresh_token", "refresh_token": shop.refresh_token})
    except InvalidIdToken as error:  # invalid_grant: the refresh token is spent
        reason = "Shopify no longer takes the stored token: open the app once in the Shopify admin"
        own.filter(status__in=(ShopStatus.INSTALLED, ShopStatus.UNAVAILABLE)).update(
            status=ShopStatus.NEEDS_OPENING, status_reason=reason, access_token="", refresh_token=""
        )
        own.update(refresh_lease_until=None)
        log.warning("tokens.needs_opening", extra={"shop": shop.pk})
        raise AdminApiError(reason, retryable=True, retry_after=timedelta(hours=1), code="NEEDS_OPENING") from error
    except AdminApiError:
        own.update(refresh_lease_until=None)
        raise
    if not own.exclude(status=ShopStatus.UNINSTALLED).update(**pair.fields(saved_at=clock.now())):
        # The lease ran out while we waited and another worker has stored its own pair, or the shop has left.
        raise AdminApiError("The token was refreshed elsewhere", retryable=True, code="REFRESHING")
    shop.refresh_from_db()
    log.info("tokens.refreshed", extra={"shop": shop.pk})
    return pair.access_token


def _refuse_unusable(shop: Shop) -> None:
    if shop.status == ShopStatus.UNINSTALLED:
        raise AdminApiError("The app is not installed in this shop", retryable=False, code="UNINSTALLED")
    if shop.status == ShopStatus.NEEDS_OPENING or not shop.refresh_token:
        raise AdminApiError(
            "The app must be opened once in the Shopify admin",
            retryable=True,
            retry_after=timedelta(hours=1),
            code="NEEDS_OPENING",
        )


def _ask(shop_domain: str, grant: dict[str, Any]) -> TokenPair:
    """Raises InvalidIdToken where the given token itself is refused, AdminApiError for everything else."""
    url = f"{settings.SHOPIFY_ADMIN_ORIGIN.format(shop=shop_domain)}/admin/oauth/access_token"
    body = {"client_id": settings.SHOPIFY_API_KEY, "client_secret": settings.SHOPIFY_API_SECRET, **grant}
    try:
        reply = http.request(
            "POST", url, json=body, headers={"Accept": "application/json"}, timeout=TIMEOUT, max_bytes=100_000
        )
    except http.HttpError as error:
        raise AdminApiError(str(error), retryable=True, code="UNREACHABLE") from error
    answer = reply.json()
    if not isinstance(answer, dict):
        answer = {}
    if reply.status == 200:
        return _pair(answer)
    problem = str(answer.get("error", ""))
    if problem in ("invalid_subject_token", "invalid_grant"):
        raise InvalidIdToken(problem)
    if reply.status == 429 or reply.status >= 500:
        raise AdminApiError(f"Shopify answered {reply.status}", retryable=True, code=f"HTTP_{reply.status}")
    # invalid_client: our secret is wrong, or the app was removed a moment ago. A person or the next webhook mends it.
    raise AdminApiError(
        f"Shopify gives no token ({problem or reply.status})",
        retryable=True,
        retry_after=timedelta(minutes=10),
        code=problem.upper() or f"HTTP_{reply.status}",
    )


def _pair(answer: dict[str, Any]) -> TokenPair:
    now = clock.now()
    try:
        refresh_seconds = answer.get("refresh_token_expires_in")
        return TokenPair(
            access_token=_required(answer, "access_token"),
            access_token_expires_at=now + timedelta(seconds=float(answer["expires_in"])),
            refresh_token=_required(answer, "refresh_token"),
            refresh_token_expires_at=now + timedelta(seconds=float(refresh_seconds)) if refresh_seconds else None,
            scopes=str(answer.get("scope", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise AdminApiError("Shopify gave no expiring token pair", retryable=True, code="ODD_TOKEN_REPLY") from error


def _required(answer: dict[str, Any], name: str) -> str:
    value = answer[name]
    if not isinstance(value, str) or not value:
        raise ValueError(name)
    return value
