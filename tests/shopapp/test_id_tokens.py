"""A buyer is never taken for a merchant, nor the other way round; nobody gets in with a bent token."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from shopapp.lib import clock
from shopapp.shopify.id_tokens import InvalidIdToken, is_shop_domain, verify_admin_token, verify_buyer_token
from tests.shopapp.pretend import SHOP, admin_claims, buyer_claims, sign

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at():
    with clock.frozen(NOW) as at:
        yield at


def test_an_admin_token_names_shop_and_person():
    token = verify_admin_token(sign(admin_claims()))
    assert (token.shop, token.user_id, token.expires_at) == (SHOP, "42", NOW + timedelta(seconds=60))


def test_a_buyer_token_names_the_shop_and_the_customer_who_is_logged_in():
    assert verify_buyer_token(sign(buyer_claims())).customer_id is None
    token = verify_buyer_token(sign(buyer_claims(sub="gid://shopify/Customer/77")))
    assert (token.shop, token.customer_id) == (SHOP, 77)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"iss": "https://rival.myshopify.com/admin"},
        {"dest": "https://rival.myshopify.com"},
        {"iss": f"https://{SHOP}"},
        {"iss": f"https://{SHOP}/admin/"},
        {"iss": f"https://{SHOP}/checkout"},
        {"iss": "https://evil.example/admin", "dest": "https://evil.example"},
        {"iss": f"http://{SHOP}/admin", "dest": f"http://{SHOP}"},
        {"dest": SHOP},
        {"sub": "gid://shopify/Customer/1"},
        {"sub": ""},
        {"sub": None},
        {"sub": "٤٢"},
        {"sub": 42},
        {"sid": None},
        {"sid": ""},
        {"jti": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1},
        {"exp": 9_999_999_999},
        {"nbf": None},
        {"nbf": 9_000_000_000},
        {"aud": "another-app"},
        {"aud": None},
    ],
    ids=str,
)
def test_a_bent_admin_token_is_refused(changes):
    with pytest.raises(InvalidIdToken):
        verify_admin_token(sign(admin_claims(**changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "42"},
        {"sub": "gid://shopify/StaffMember/42"},
        {"sid": "x"},
        {"iss": f"https://{SHOP}/admin"},
        {"exp": None},
        {"exp": 1},
        {"aud": "another-app"},
        {"dest": "evil.example"},
        {"dest": f"{SHOP}.evil.example"},
        {"dest": None},
        {"jti": None},
    ],
    ids=str,
)
def test_a_bent_buyer_token_is_refused(changes):
    with pytest.raises(InvalidIdToken):
        verify_buyer_token(sign(buyer_claims(**changes)))


def test_each_kind_is_refused_by_the_others_verifier():
    with pytest.raises(InvalidIdToken):
        verify_admin_token(sign(buyer_claims(sub="gid://shopify/Customer/1")))
    with pytest.raises(InvalidIdToken):
        verify_admin_token(sign(admin_claims(sub="gid://shopify/Customer/1")))
    with pytest.raises(InvalidIdToken):
        verify_buyer_token(sign(admin_claims()))


def test_ten_seconds_of_clock_difference_are_forgiven_and_no_more(at):
    token = sign(admin_claims())
    at.move(seconds=69)
    assert verify_admin_token(token).user_id == "42"
    at.move(seconds=1)
    with pytest.raises(InvalidIdToken, match="expired"):
        verify_admin_token(token)


def test_the_old_secret_is_taken_only_while_it_is_being_rotated(settings):
    token = sign(admin_claims(), "the-secret-before")
    with pytest.raises(InvalidIdToken, match="another secret"):
        verify_admin_token(token)
    settings.SHOPIFY_API_SECRET_OLD = "the-secret-before"
    assert verify_admin_token(token).shop == SHOP
    assert verify_admin_token(sign(admin_claims())).shop == SHOP
    with pytest.raises(InvalidIdToken):
        verify_admin_token(sign(admin_claims(), "a third secret"))


def test_a_token_without_signature_is_refused():
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    bare = f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(admin_claims())}."
    for token in (bare, "", "x", "a.b.c", "x" * 5000):
        with pytest.raises(InvalidIdToken):
            verify_admin_token(token)
        with pytest.raises(InvalidIdToken):
            verify_buyer_token(token)


@pytest.mark.parametrize(
    "value",
    ["", "shop", "SHOP.myshopify.com", "shop.myshopify.com.evil.example", "shop.myshopify.com/x", "a b.myshopify.com",
     "shop.myshopify.com\n", "evil.example#.myshopify.com", "user@shop.myshopify.com", "https://shop.myshopify.com"],
)  # fmt: skip
def test_only_a_plain_shop_domain_is_one(value):
    assert not is_shop_domain(value)
    assert is_shop_domain("shop-1.myshopify.com")
