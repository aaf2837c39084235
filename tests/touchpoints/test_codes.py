"""The address behind /c/ is read into its parts, and what cannot be a code is nobody's work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from post_purchase.touchpoints.codes import WrittenCode, read_code
from shopapp.lib.crypto import CODE_ALPHABET, normalise_code

SHOP = "AB3KQ9ZT7MXW2HHC"
ORDER = "0123456789ABCDEF0123"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (SHOP, WrittenCode(SHOP)),
        (ORDER.lower(), WrittenCode(ORDER)),
        ("AB3K-Q9ZT-7MXW-2HHC", WrittenCode(SHOP)),
        (f"{ORDER}-S-{SHOP}", WrittenCode(ORDER, "S", SHOP)),
        (f"{ORDER}-ST-{SHOP}", WrittenCode(ORDER, "S", SHOP, test=True)),
        (f"{SHOP}-C", WrittenCode(SHOP, "C")),
        (f"{SHOP}-CT", WrittenCode(SHOP, "C", test=True)),
        (f"{SHOP}-X", None),  # no such e-mail
        (f"{ORDER}-S", None),  # an order's code is never without the shop's
        (f"{ORDER}-S-{SHOP}0", None),
        (f"5123456789012-S-{SHOP}", None),  # an order's bare number
        ("", None),
        ("../../etc/passwd", None),
        ("https://evil.example/AB3K", None),
        ("A" * 500, None),
    ],
)
def test_parts(text, read):
    assert read_code(text) == read


@given(st.text(max_size=80))
def test_whatever_comes_only_letters_of_codes_are_ever_looked_up(text):
    read = read_code(text)
    if read is not None:
        assert set(read.code + read.fallback) <= set(CODE_ALPHABET)
        assert len(read.code) in (16, 20)
        assert normalise_code(text).startswith(read.code)
