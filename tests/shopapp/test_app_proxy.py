"""Links under the shop's own domain: signed by Shopify, fresh, and leading nowhere else."""

import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from django.test import Client

from shopapp.lib import clock

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def query(secret: str = "test-client-secret", **changes: str) -> dict[str, str]:
    values = {
        "shop": "fern-and-field.myshopify.com",
        "logged_in_customer_id": "",
        "path_prefix": "/apps/doorstep",
        "timestamp": str(int(NOW.timestamp())),
    } | changes
    signed = "".join(f"{name}={values[name]}" for name in sorted(values))
    return values | {"signature": hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()}


def get(values, path="/proxy/c/AB3KQ9ZT7MXW2LHC"):
    with clock.frozen(NOW):
        return Client().get(path, values)


def test_a_signed_link_leads_to_the_code_at_our_own_address():
    answer = get(query())
    assert (answer.status_code, answer["Location"]) == (302, "https://app.example.test/c/AB3KQ9ZT7MXW2LHC")
    assert not answer.cookies


@pytest.mark.parametrize(
    "values",
    [
        {},
        query("another secret"),
        query() | {"extra": "unsigned"},
        query() | {"signature": "ü"},
        query(timestamp=str(int(NOW.timestamp()) - 91)),
        query(timestamp=str(int(NOW.timestamp()) + 91)),
        query(timestamp="soon"),
        query(shop="evil.example"),
        query() | {"shop": ["fern-and-field.myshopify.com", "rival.myshopify.com"]},
    ],
)
def test_a_forged_or_old_link_leads_nowhere(values):
    assert get(values).status_code == 401


def test_only_codes_pass():
    assert get(query(), "/proxy/c/x").status_code == 404
    assert get(query(), "/proxy/c/..%2F..%2Fevil").status_code == 404
    assert get(query(), "/proxy/app").status_code == 404
