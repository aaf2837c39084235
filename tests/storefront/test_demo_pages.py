"""What one sees in the demo is what ships: a product page with our blocks, an order page with our extensions."""

import re
from pathlib import Path

import httpx
import pytest

from demo.pages.site import add_pages
from post_purchase.jobs.publications import publish_metafields
from post_purchase.services import publications
from tests.factories import make_channel

from .conftest import PRODUCT, SHOP

pytestmark = pytest.mark.django_db
DIST = Path(__file__).resolve().parents[2] / "extensions" / "admin" / "dist"


@pytest.fixture
def pages(world):
    world.app_url = "http://127.0.0.1:9"
    add_pages(world)
    return world.url


def test_the_product_page_shows_the_published_reviews_and_the_bubble(pages, give, shop):
    give(rating=2, text="Came with a crack.")
    make_channel(shop)
    publications.storefront_changed(shop=shop)
    before = httpx.get(f"{pages}/store/products/{PRODUCT}").text
    assert "Came with a crack." not in before
    assert "doorstep-bubble--end" not in before
    publish_metafields()
    page = httpx.get(f"{pages}/store/products/{PRODUCT}?language=de").text
    assert "Came with a crack." in page
    assert "Mit Belohnung" in page
    assert re.search(r'href="https://app\.example\.test/c/[0-9A-Z]{16}"', page)
    assert httpx.get(f"{pages}/store/assets/doorstep-reviews.css").headers["Content-Type"].startswith("text/css")
    for missing in ("/store/products/1", "/store/assets/x.css", "/store/assets/..%2f..%2fseed.py"):
        assert httpx.get(pages + missing).status_code == 404


def test_the_admin_page_frames_the_built_extensions(pages, world):
    order = world.shopify.place_order(SHOP, first_name="Maria", last_name="Lang", email="m@example.com", tell=False)
    page = httpx.get(f"{pages}/admin/{SHOP}/orders/{order['id']}").text
    frames = re.findall(r'src="(/admin/[^"]+/extension/[^"]+)"', page)
    assert len(frames) == 2
    for frame in frames:
        html = httpx.get(pages + frame.replace("&amp;", "&")).text
        [module] = re.findall(r'"module": "(/admin-extension/\w+\.js)"', html)
        script = httpx.get(pages + module)
        assert script.content == (DIST / module.rsplit("/", 1)[-1]).read_bytes()
        assert f"gid://shopify/{'Order' if 'order-details' in frame else 'Customer'}/" in html
    for missing in (f"/admin/{SHOP}/orders/1", f"/admin/{SHOP}/extension/x", "/admin-extension/x.js"):
        assert httpx.get(pages + missing).status_code == 404
