"""The preview of a flow shows guide and products, of a sample and of a real order."""

import pytest

from post_purchase.flows.preview import preview
from post_purchase.services.guides import save_guide
from tests import factories

pytestmark = pytest.mark.django_db
FLOW = {
    "key": "care",
    "name": "Care",
    "trigger": {"news": ["order_delivered"]},
    "start": "care",
    "steps": {
        "care": {"kind": "send_guide", "message": "care", "next": "find"},
        "find": {"kind": "recommend", "next": "fits"},
        "fits": {"kind": "send", "message": "fits"},
    },
    "messages": {"care": {"purpose": "utility"}, "fits": {"purpose": "marketing"}},
    "texts": {
        "en": {
            "messages": {
                "care": {"text": "{{ guide.title }}: {{ guide.text }}"},
                "fits": {"text": "{{ products[0].title }} {{ products[0].cart_url }}"},
            }
        }
    },
}


def test_of_a_sample_and_of_a_real_order(shop):
    care, fits = preview(FLOW, "en")
    assert care.text == "Care for stoneware: Wash it by hand the first time. After that the dishwasher is fine."
    assert fits.text == "Oak coaster https://fern-and-field.example.com/cart/20:1"
    assert (care.missing, fits.missing) == ([], [])
    # A guide goes with its picture; nothing else does.
    pictures = [care.content.image_path, fits.content.image_path]
    assert pictures == ["https://fern-and-field.example.com/cdn/care.png", ""]
    order = factories.make_order(shop)
    save_guide(shop=shop, kind="product", value="700", name="Mug", language="en", title="Your mug", text="Enjoy it.")
    assert preview(FLOW, "en", order)[0].text == "Your mug: Enjoy it."
