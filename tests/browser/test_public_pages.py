"""What a shopper may see between a tap and the chat: it fits, and is WCAG 2.2 AA as axe sees it, dark or light."""

import pytest

from post_purchase.services import links
from post_purchase.words import ChannelKind, TouchpointKind
from tests import factories
from tests.browser.conftest import SCREENSHOTS, SIZES
from tests.browser.test_pages_look import problems

pytestmark = [pytest.mark.browser, pytest.mark.npm]
DESKTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36"


@pytest.mark.parametrize(("size", "language", "scheme"), [("phone", "ar-FR", "dark"), ("wide", "de-FR", "light")])
def test_the_pages_between_a_tap_and_the_chat(chromium, live_server, shop, media, size, language, scheme):
    for kind in (ChannelKind.WHATSAPP, ChannelKind.MESSENGER, ChannelKind.EMAIL):
        factories.make_channel(shop, kind)
    card = links.shop_link(touchpoint=links.touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT))[1]
    context = chromium.new_context(viewport=SIZES[size], locale=language, color_scheme=scheme, user_agent=DESKTOP)
    page = context.new_page()
    email, unknown = f"/c/{card}?via=email", "/c/AB3KQ9ZT7MXW2HHC"
    pages = {"chooser": f"/c/{card}", "write-email": email, "unknown": unknown, "type": "/c"}
    troubles = []
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, path in pages.items():
        page.goto(live_server.url + path)
        page.screenshot(path=SCREENSHOTS / f"public-{name}-{size}.png")
        troubles += [f"{name}: {problem}" for problem in problems(page)]
    context.close()
    assert troubles == []
