"""The store's product page and the admin's order page with what ships, before the real app, as a person sees them."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from demo.pages.pictures import sample_photo
from demo.pages.site import add_pages
from demo.shopify.shop import SCOPES
from demo.world import DemoWorld
from post_purchase.jobs.publications import publish_metafields
from post_purchase.models import Conversation
from post_purchase.services import publications, reviews
from shopapp.lib import clock, stored_files
from shopapp.shopify.install import install_or_refresh
from tests.browser.conftest import SCREENSHOTS, SIZES
from tests.browser.test_pages_look import problems
from tests.factories import make_channel, make_contact, make_conversation, make_message, make_order
from tests.pretend_world import SHOP, shopify_world
from tests.storefront.conftest import PRODUCT, WORDS
from tests.talk.rows import make_attachment, make_run

pytestmark = [pytest.mark.browser, pytest.mark.npm]
LOW = "Der Henkel kam mit einem Riss an. Das Team hat mir noch am selben Tag eine neue Tasse geschickt."


@pytest.fixture
def world(transactional_db: None, live_server: Any, settings: Any, tmp_path: Any) -> Iterator[DemoWorld]:
    settings.MEDIA_ROOT, settings.APP_URL = tmp_path, live_server.url
    with shopify_world(settings, scopes=f"{SCOPES},write_products") as world:
        world.app_url = live_server.url
        add_pages(world)
        yield world


@pytest.fixture
def order_id(world: DemoWorld) -> int:
    """An order that was talked about and reviewed, high and low, with a photo."""
    placed = world.shopify.place_order(SHOP, first_name="Ida", last_name="Holm", email="ida@example.com", tell=False)
    shop = install_or_refresh(SHOP, world.shopify.oauth.admin_token(SHOP))
    channel = make_channel(shop)
    contact = make_contact(shop, first_name="Ida", last_name="Holm", shopify_customer_id=placed["customer"]["id"])
    order = make_order(shop, contact, shopify_id=placed["id"], name=placed["name"])
    talk = make_conversation(contact, order=order)
    make_message(talk, "The handle has a crack. What now?", channel=channel, direction="in")
    Conversation.objects.update(
        last_text="The handle has a crack. What now?", last_message_at=clock.now(), unread=1, handed_off_at=clock.now()
    )
    run = make_run(order, contact)
    type(run).objects.update(waiting_for="the shopper's answer")
    for number, (rating, text, language) in enumerate(((5, "Lovely glaze, and it keeps warm.", "en"), (2, LOW, "de"))):
        review = reviews.save_review(
            run=run,
            order=order,
            contact=contact,
            rating=rating,
            text=text,
            product_id=PRODUCT,
            language=language,
            channel_kind="whatsapp",
            incentivised=rating == 2,
            disclosure=WORDS if rating == 2 else "",
            dedupe_key=f"review:{number}",
        )
        for name in ("aa/whole.jpg", "aa/small.jpg"):
            stored_files.save(name, sample_photo())
        reviews.add_photo(review=review, attachment=make_attachment(talk))
    publications.storefront_changed(shop=shop)
    publish_metafields()
    return int(placed["id"])


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    errors: list[str] = []
    context = chromium.new_context(viewport=SIZES["wide"])
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


def photograph(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def test_the_product_page_asks_nobody_but_the_shop_and_can_be_read_by_everybody(page, world, order_id, live_server):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    troubles = []
    for size in SIZES:
        page.set_viewport_size(SIZES[size])
        for language in ("en", "de", "ar"):
            page.goto(f"{world.url}/store/products/{PRODUCT}?language={language}")
            page.wait_for_function("[...document.images].every((one) => one.complete && one.naturalWidth)")
            photograph(page, f"store-{language}-{size}")
            troubles += [f"{language} {size}: {problem}" for problem in problems(page)]
    assert troubles == []
    others = {url.split("?")[0] for url in asked if not url.startswith(world.url)}
    assert others  # the photos of the reviews
    assert {url for url in others if not url.startswith(f"{live_server.url}/photos/")} == set()
    assert page.locator("a.doorstep-bubble").get_attribute("href").startswith(f"{live_server.url}/c/")


def test_the_blocks_in_the_admin_show_the_order_and_lead_into_the_app(page, world, order_id):
    page.goto(f"{world.url}/admin/{SHOP}/orders/{order_id}")
    order = page.frame_locator('iframe[title="Doorstep order block"]')
    customer = page.frame_locator('iframe[title="Doorstep customer block"]')
    order.get_by_text("The handle has a crack. What now?").wait_for()
    customer.get_by_text("Orders: 1").wait_for()
    for words in ("Waits for a person", "the shopper's answer", "2 of 5 stars", "Rewarded"):
        assert order.get_by_text(words).first.is_visible(), words
    photograph(page, "admin-order")
    page.set_viewport_size(SIZES["phone"])
    photograph(page, "admin-order-phone")
    page.set_viewport_size(SIZES["wide"])
    page.get_by_role("button", name="Print insert cards").click()
    printer = page.frame_locator('iframe[title="Doorstep print action"]')
    printer.get_by_text("Cards: 1.").wait_for()
    source = printer.locator('iframe[title="Preview"]').get_attribute("src")
    assert page.request.get(source).headers["content-type"] == "application/pdf"
    photograph(page, "admin-print")
    page.get_by_role("button", name="Close").click()
    order.get_by_text("Open the conversation").click()
    page.wait_for_url(f"**/admin/{SHOP}?path=**")
    assert "conversations" in page.url
