"""ID tokens and the token endpoint, by the rules of 2026:
expiring pairs; the previous refresh token works until the new one is used."""

import base64
import secrets
from datetime import datetime, timedelta
from typing import Any

import jwt

from demo.moments import Now, iso
from demo.server import Reply, Request
from demo.state import State

ID_TOKEN_LIFE = timedelta(minutes=1)
BUYER_TOKEN_LIFE = timedelta(minutes=5)
ACCESS_LIFE = timedelta(hours=1)
REFRESH_LIFE = timedelta(days=90)
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"


class OAuth:
    def __init__(self, state: State, now: Now, *, api_key: str, api_secret: str):
        self.state, self.now, self.api_key, self.api_secret = state, now, api_key, api_secret

    def admin_token(self, shop: str, *, user_id: int = 7_001) -> str:
        """What App Bridge hands out inside the admin."""
        at = int(self.now().timestamp())
        claims = {
            "iss": f"https://{shop}/admin",
            "dest": f"https://{shop}",
            "aud": self.api_key,
            "sub": str(user_id),
            "exp": at + int(ID_TOKEN_LIFE.total_seconds()),
            "nbf": at,
            "iat": at,
            "jti": secrets.token_hex(16),
            "sid": secrets.token_hex(32),
            "sig": secrets.token_hex(32),
        }
        return jwt.encode(claims, self.api_secret, algorithm="HS256")

    def buyer_token(self, shop: str, *, customer_id: int | None = None) -> str:
        """What a checkout extension gets: no issuer, `sub` only for a logged-in buyer."""
        at = int(self.now().timestamp())
        claims: dict[str, Any] = {
            "dest": shop,
            "aud": self.api_key,
            "exp": at + int(BUYER_TOKEN_LIFE.total_seconds()),
            "nbf": at,
            "iat": at,
            "jti": secrets.token_hex(16),
        }
        if customer_id:
            claims["sub"] = f"gid://shopify/Customer/{customer_id}"
        return jwt.encode(claims, self.api_secret, algorithm="HS256")

    @staticmethod
    def host_parameter(shop: str) -> str:
        plain = f"admin.shopify.com/store/{shop.removesuffix('.myshopify.com')}"
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    def tokens(self, shop: str) -> dict[str, Any]:
        all_tokens = self.state.part("tokens")
        return all_tokens.setdefault(shop, {"access": {}, "refresh": {}})

    def token_endpoint(self, request: Request, shop: str) -> Reply:
        if not (request.headers.get("Content-Type") or "").startswith(("application/json", "application/x-www-form")):
            return _refusal("invalid_request", "send JSON or a form")
        asked = request.json() if "json" in request.headers["Content-Type"] else request.form()
        if not isinstance(asked, dict):
            return _refusal("invalid_request", "not an object")
        with self.state.lock:
            record = self.state.part("shops").get(shop)
            if record is None:
                return Reply({"errors": "Not Found"}, status=404)
            if asked.get("client_id") != self.api_key or asked.get("client_secret") != self.api_secret:
                return _refusal("invalid_client", "client_id or client_secret is wrong", status=401)
            if asked.get("grant_type") == EXCHANGE:
                return self._exchange(shop, record, asked)
            if asked.get("grant_type") == "refresh_token":
                return self._refresh(shop, record, str(asked.get("refresh_token", "")))
        return _refusal("unsupported_grant_type", "unknown grant_type")

    def _exchange(self, shop: str, record: dict[str, Any], asked: dict[str, Any]) -> Reply:
        if asked.get("subject_token_type") != ID_TOKEN_TYPE or asked.get("requested_token_type") != OFFLINE:
            return _refusal("invalid_request", "subject_token_type or requested_token_type is not known")
        if str(asked.get("expiring")) != "1":
            return _refusal(
                "invalid_request", "apps created since 2026-04-01 must ask for expiring tokens (expiring: 1)"
            )
        try:
            claims = jwt.decode(
                str(asked.get("subject_token", "")),
                self.api_secret,
                algorithms=["HS256"],
                audience=self.api_key,
                options={
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "require": ["exp", "iss", "sub"],
                },
            )
        except jwt.InvalidTokenError as error:
            return _refusal("invalid_subject_token", str(error))
        if claims["iss"] != f"https://{shop}/admin" or claims.get("dest") != f"https://{shop}":
            return _refusal("invalid_subject_token", "the token is of another shop, or not of the admin")
        if claims["exp"] < self.now().timestamp():
            return _refusal("invalid_subject_token", "the token has expired")
        record["installed"] = True
        return self._new_pair(shop, record, parent="")

    def _refresh(self, shop: str, record: dict[str, Any], token: str) -> Reply:
        known = self.tokens(shop)["refresh"].get(token)
        if not record.get("installed") or known is None or known["dead"] or known["expires_at"] < iso(self.now()):
            return _refusal("invalid_grant", "This request requires an active refresh_token")
        parent = self.tokens(shop)["refresh"].get(known["parent"])
        if parent is not None:
            parent["dead"] = True  # the newer one has now been used
        return self._new_pair(shop, record, parent=token)

    def _new_pair(self, shop: str, record: dict[str, Any], *, parent: str) -> Reply:
        now, tokens = self.now(), self.tokens(shop)
        access, refresh = f"shpat_{secrets.token_hex(16)}", f"shprt_{secrets.token_hex(16)}"
        tokens["access"] = {key: value for key, value in tokens["access"].items() if value > iso(now)}
        tokens["access"][access] = iso(now + ACCESS_LIFE)
        tokens["refresh"][refresh] = {"expires_at": iso(now + REFRESH_LIFE), "parent": parent, "dead": False}
        self.state.touch()
        return Reply(
            {
                "access_token": access,
                "scope": record["scopes"],
                "expires_in": int(ACCESS_LIFE.total_seconds()),
                "refresh_token": refresh,
                "refresh_token_expires_in": int(REFRESH_LIFE.total_seconds()),
            }
        )

    def accepts(self, shop: str, token: str, at: datetime | None = None) -> bool:
        with self.state.lock:
            expires = self.tokens(shop)["access"].get(token, "")
        return expires > iso(at or self.now())

    def forget(self, shop: str) -> None:
        """Uninstalled: every token is dead."""
        with self.state.lock:
            self.state.part("tokens").pop(shop, None)
            self.state.touch()


def _refusal(code: str, description: str, *, status: int = 400) -> Reply:
    return Reply({"error": code, "error_description": description}, status=status)
