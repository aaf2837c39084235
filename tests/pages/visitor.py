"""A member of a shop's staff, in the admin: every request carries the ID token that App Bridge would add."""

from typing import Any

from django.http import HttpResponse
from django.test import Client

from tests.shopapp.pretend import SHOP, admin_claims, sign

RIVAL = "rival-goods.myshopify.com"


class Visitor:
    def __init__(self, shop: str = SHOP):
        self.shop = shop
        self.client = Client()

    def get(self, path: str, **headers: Any) -> HttpResponse:
        return self._checked(self.client.get(self._with_shop(path), **self._token(), **headers))

    def post(self, path: str, data: dict[str, Any] | None = None, **headers: Any) -> HttpResponse:
        return self._checked(self.client.post(self._with_shop(path), data or {}, **self._token(), **headers))

    def _with_shop(self, path: str) -> str:
        return f"{path}{'&' if '?' in path else '?'}shop={self.shop}"

    def _token(self) -> dict[str, str]:
        return {"HTTP_AUTHORIZATION": f"Bearer {sign(admin_claims(self.shop))}"}

    @staticmethod
    def _checked(response: HttpResponse) -> HttpResponse:
        """No page ever sets a cookie: inside Shopify's frame it could not be relied on."""
        assert not response.cookies
        assert "Set-Cookie" not in response.headers
        return response
