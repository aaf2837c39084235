"""The shopper's own page in a browser: the key behind the # is handed in and gone from the address; WCAG 2.2 AA."""

import pytest

from post_purchase.models import Contact
from post_purchase.services.consent import withdrawn_purposes
from post_purchase.services.control_links import make_link
from post_purchase.words import ChannelKind
from tests import factories
from tests.browser.conftest import SCREENSHOTS, SIZES
from tests.browser.test_pages_look import problems

pytestmark = [pytest.mark.browser, pytest.mark.npm]


@pytest.mark.parametrize(("size", "language", "scheme"), [("phone", "ar", "dark"), ("wide", "de", "light")])
def test_a_link_opens_saves_and_leaves_no_key_behind(chromium, live_server, shop, settings, size, language, scheme):
    settings.APP_URL = live_server.url
    contact = factories.make_contact(shop, chosen_language=language, fields={"size": "M"})
    factories.make_order(shop, contact)
    point = factories.make_point(contact, ChannelKind.EMAIL)
    factories.make_point(contact, phone="+4915112345678")
    context = chromium.new_context(viewport=SIZES[size], locale=language, color_scheme=scheme)
    page = context.new_page()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.goto(make_link(point))
    page.wait_for_selector("input[name=size]")
    page.screenshot(path=SCREENSHOTS / f"control-{size}.png", full_page=True)
    assert page.url == f"{live_server.url}/my"
    assert problems(page) == []
    page.fill("#size", "XL")
    page.locator(f'input[value="{point.pk}.marketing"]').check()
    page.locator(f'input[value="{point.pk}.marketing"]').uncheck()
    page.locator("input[value=save] ~ button").click()
    page.wait_for_selector("[role=status]")
    assert Contact.objects.get(pk=contact.pk).fields["size"] == "XL"
    assert withdrawn_purposes(point) == set()
    assert context.cookies() == []
    page.goto(f"{live_server.url}/my")
    page.screenshot(path=SCREENSHOTS / f"control-door-{size}.png")
    assert problems(page) == []
    context.close()


def test_without_script_the_pasted_link_opens_it(chromium, live_server, shop, settings):
    settings.APP_URL = live_server.url
    point = factories.make_point(factories.make_contact(shop), ChannelKind.EMAIL)
    link = make_link(point)
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(link)
    page.fill("#key", link)
    page.locator("button").click()
    page.wait_for_selector("input[name=size]")
    assert "#" not in page.url
    context.close()
