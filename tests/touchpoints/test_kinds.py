"""Every kind of touchpoint tells the merchant how to place it."""

import io

import pytest
import zxingcpp
from PIL import Image

from post_purchase.touchpoints.base import Placing
from post_purchase.touchpoints.registry import KINDS, kind_of
from post_purchase.words import TouchpointKind

PLACING = Placing(
    app_url="https://app.example.test",
    link_url="https://app.example.test/c/AB3KQ9ZT7MXW2HHC",
    link_key="K" * 16,
    shop_name="Fern & Field",
)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_words_for_the_merchant(kind):
    touchpoint = kind_of(kind)
    assert touchpoint.kind == kind
    assert touchpoint.default_name
    assert touchpoint.help.endswith(".")
    assert len(touchpoint.steps()) >= 3
    for form in touchpoint.downloads(PLACING):
        assert touchpoint.download(PLACING, form).data
    with pytest.raises(KeyError):
        touchpoint.download(PLACING, "docx")


def test_the_card_downloads_a_code_that_leads_to_its_link():
    card = kind_of(TouchpointKind.PACKAGE_INSERT)
    png = card.download(PLACING, "png")
    assert (png.name, png.media_type) == ("doorstep-qr.png", "image/png")
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(png.data)))
    assert [code.text for code in found] == ["HTTPS://APP.EXAMPLE.TEST/C/AB3KQ9ZT7MXW2HHC"]
    assert card.snippet(PLACING) is None
