import json
import time
from typing import Any

import jwt
import pytest

from tests.factories import make_shop

TOKEN = "3f2c1a9be7d84d2f9d3f8b7a6c5e4d3c"


@pytest.fixture
def shop(media):
    return make_shop()


def buyer_token(shop_domain="fern-and-field.myshopify.com", secret="test-client-secret", **claims: Any) -> str:
    now = int(time.time())
    body = {"dest": shop_domain, "aud": "test-client-id", "exp": now + 300, "nbf": now - 5, "iat": now, "jti": "a1"}
    return jwt.encode(body | claims, secret, algorithm="HS256")


def ask(client, path, body=None, token=None):
    return client.post(
        f"/api/extension/{path}",
        data=body if isinstance(body, (str, bytes)) else json.dumps(body or {}),
        content_type="application/json",
        headers={"authorization": f"Bearer {token or buyer_token()}", "origin": "null"},
    )


def signed_in(customer: int) -> str:
    return buyer_token(sub=f"gid://shopify/Customer/{customer}")
